"""Files of answers that others made: one JSON object per line, in one of two forms.

{"problem": "humaneval-x/go/17", "sample": 0, "text": "..."}
{"task_id": "Go/17", "generation": "..."}            HumanEval-X's own; repeated rows are samples 0, 1, 2, ...
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codem.errors import CodemError
from codem.records import Problem, Sample

LANGUAGES = {"cpp": "cpp", "c++": "cpp", "js": "javascript", "ts": "typescript"}
"""HumanEval-X's `task_id` begins with a language; these are spelled otherwise here."""
SHOWN = 5
"""Faults of a file that are told one by one."""


class BadAnswers(CodemError):
    """The file of answers cannot be judged as it is."""


def check(path: Path, by_id: Mapping[str, Problem]) -> int:
    """How many answers there are. Raises BadAnswers with what is wrong, before anything is judged."""
    faults: list[str] = []
    seen: dict[tuple[str, int], int] = {}
    if not path.is_file():
        raise BadAnswers(f"samples: no file {path}")
    rows = _rows(path, by_id, faults)
    for number, sample in rows:
        first = seen.setdefault((sample.problem, sample.sample), number)
        if first != number:
            faults.append(f"line {number}: {sample.problem} sample {sample.sample} was on line {first} already")
    if faults:
        more = f"\n... and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise BadAnswers(f"{path}: nothing is judged until these are mended:\n" + "\n".join(faults[:SHOWN]) + more)
    if not seen:
        raise BadAnswers(f"{path}: expected one answer per line, found none")
    return len(seen)


def read(path: Path, by_id: Mapping[str, Problem]) -> Iterator[Sample]:
    return (sample for _, sample in _rows(path, by_id, []))


def _rows(path: Path, by_id: Mapping[str, Problem], faults: list[str]) -> Iterator[tuple[int, Sample]]:
    """Line number and answer; a line that is none adds to the faults."""
    repeated: dict[str, int] = {}
    with open(path, "rb") as f:
        for number, line in enumerate(f, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
                yield number, sample_of(row, by_id, repeated, f"line {number}")
            except BadAnswers as e:
                faults.append(str(e))
            except ValueError as e:
                torn = "" if line.endswith(b"\n") else " (the last line, perhaps cut off: remove it or write it again)"
                faults.append(f"line {number}: expected one JSON object in UTF-8, found {line[:60]!r}{torn}: {e}")


def sample_of(row: Any, by_id: Mapping[str, Problem], repeated: dict[str, int], where: str) -> Sample:
    """repeated: how many rows without a sample number each problem had so far. Raises BadAnswers."""
    if isinstance(row, Mapping) and "task_id" in row and "generation" in row:
        problem = _problem_of(str(row["task_id"]), by_id)
        sample, text = row.get("sample", repeated.get(problem, 0)), row["generation"]
        repeated[problem] = repeated.get(problem, 0) + 1
    elif isinstance(row, Mapping) and {"problem", "text"} <= row.keys():
        problem, sample, text = str(row["problem"]), row.get("sample", 0), row["text"]
    else:
        raise BadAnswers(
            f"{where}: expected problem, sample and text (or task_id and generation), found {str(row)[:80]}"
        )
    if problem not in by_id:
        raise BadAnswers(f"{where}: there is no problem {problem}; they are called {next(iter(by_id))} and so on")
    if not isinstance(text, str) or not isinstance(sample, int) or isinstance(sample, bool) or sample < 0:
        raise BadAnswers(f"{where}: expected text as a string and sample as a whole number, found {str(row)[:80]}")
    return Sample(problem, sample, text, str(row.get("finish", "eos")))


def _problem_of(task_id: str, by_id: Mapping[str, Problem]) -> str:
    """`Go/17` -> `humaneval-x/go/17`, if the problems are in Go; else what no problem is called."""
    some = next(iter(by_id.values()))
    match = re.fullmatch(r"([A-Za-z+_]+)/(\d+)", task_id)
    if match is None:
        return task_id
    spoken = match[1].lower().removeprefix("humaneval_")
    if spoken != "humaneval" and LANGUAGES.get(spoken, spoken) != some.lang:
        return task_id
    return f"{some.id.rsplit('/', 1)[0]}/{match[2]}"
