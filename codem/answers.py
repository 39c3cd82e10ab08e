"""Judge anyone's answers from a file, from the command line or from Python.

    from codem.answers import judge, load_problems, pass_at_1

    problems = load_problems("humaneval-x", "go", data_dir="data")
    answers = [{"problem": p.id, "sample": 0, "text": p.reference} for p in problems]
    verdicts = list(judge(problems, answers, workers=2))
    print(pass_at_1(verdicts))

The file has one JSON object per line: `{"problem": "humaneval-x/go/17", "sample": 0, "text": "..."}`, or HumanEval-X's
own `{"task_id": "Go/17", "generation": "..."}`, whose repeated rows are samples 0, 1, 2, ...
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from codem import judging
from codem import run as runs
from codem.answer_file import BadAnswers, check, read, sample_of
from codem.errors import CodemError, ConfigErrors
from codem.judging import Job
from codem.progress import progress
from codem.records import Problem, Verdict, read_verdicts
from codem.run import Judged
from codem.sandbox import open_sandbox
from codem.score import pass_at_1, pass_at_k, summary
from codem.settings import Cell

__all__ = ["judge", "load_problems", "pass_at_1", "pass_at_k"]


def load_problems(bench: str, lang: str, data_dir: str | Path | None = None) -> list[Problem]:
    """A benchmark's problems in one language, errata applied. data_dir: a folder with its files; None: fetched.

    Raises ConfigErrors and CodemError."""
    return _wanted(_cell(bench, lang, [] if data_dir is None else [f"data_dir='{data_dir}'"]), lang)


def judge(
    problems: Sequence[Problem],
    answers: Iterable[Mapping[str, Any]],
    *,
    workers: int = 1,
    sandbox: str = "auto",
) -> Iterator[Verdict]:
    """One verdict for each answer, in no particular order. answers: rows as in a file, all in one language.

    Raises BadAnswers, and HarnessError when judging here cannot be trusted."""
    from codem import config
    from codem.judge import judge as judge_items

    by_id = {p.id: p for p in problems}
    langs = sorted({p.lang for p in problems})
    if len(langs) != 1:
        raise BadAnswers(f"expected problems in one language, found {', '.join(langs) or 'none'}")
    cell = config.cells([f"eval_lang=[{langs[0]}]"])[0]
    repeated: dict[str, int] = {}
    samples = [sample_of(row, by_id, repeated, f"answer {n}") for n, row in enumerate(answers, 1)]
    found: list[Verdict] = []
    items = [(by_id[s.problem], s) for s in samples]
    box = open_sandbox(sandbox)
    judge_items(items, cell.languages[langs[0]], workers=workers, sandbox=box, on_verdicts=found.extend)
    yield from found


def main(argv: Sequence[str]) -> int:
    """`samples=` and `out=`, and the settings of an evaluation. Returns the exit code."""
    try:
        given = {key: _value(argv, key) for key in ("samples", "out")}
        rest = [a for a in argv if not a.startswith(("samples=", "out="))]
        missing = [f"{key}: missing; give {key}=..." for key, value in given.items() if not value]
        lang = _value(rest, "lang").strip("[]")
        if not lang or "," in lang:
            missing.append("lang: expected the one language of the answers, such as lang=go")
        if missing:
            raise ConfigErrors(missing)
        rest = [a for a in rest if not a.startswith("lang=")]
        cell = _cell(_value(rest, "bench") or "mini", lang, [a for a in rest if not a.startswith("bench=")])
        judge_file(cell, lang, Path(given["samples"]).expanduser(), Path(given["out"]).expanduser())
    except ConfigErrors as e:
        print(e, file=sys.stderr)
        return 2
    except CodemError as e:
        print(e, file=sys.stderr)
        return 1
    except OSError as e:
        where = e.filename or given["out"]
        print(f"{where}: {e.strerror or e}; what was judged is kept, run the same again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def judge_file(cell: Cell, lang: str, path: Path, out: Path) -> None:
    """Judge a file of answers into a folder, and print the score. Raises CodemError."""
    from codem import execute

    by_id = {p.id: p for p in execute.problems(cell.bench_name, cell.bench, lang, cell.source)}
    count = check(path, by_id)
    sandbox = open_sandbox(cell.sandbox)
    parts = execute.ingredients(cell, lang, sandbox)
    parts["recipe"] |= {
        "bench": cell.bench_name,
        "lang": lang,
        "samples_sha256": runs.file_sha256(path),
        "answers": count,
    }
    job = Job(
        place=Judged(out),
        variant=execute.variant(cell, lang),
        ways_out=f"give another out=, or remove {out}",
        answers=functools.partial(read, path, by_id),
        **parts,
    )
    with progress(f"judge {lang}", count, f"{count} answers") as shown:
        counts = judging.run(job, lambda n: shown.update(n, lang))
    if counts is None:
        print(f"part {cell.shard} is judged; the last part to finish joins them in {job.verdicts}")
        return
    print(_summary(cell, lang, job))


def _summary(cell: Cell, lang: str, job: Job) -> str:
    """Also into the record."""
    score, higher = summary(read_verdicts(job.verdicts))
    whole, key = runs.read_record(job.place.record) or {}, judging.key(job.variant)
    whole[key]["score"] = {**dataclasses.asdict(score), **higher}
    runs.write_record(job.place.record, whole)
    counts = ", ".join(f"{n} {name}" for name, n in whole[key]["counts"].items())
    missing = len(job.problems) - score.problems
    unanswered = f"; {missing} problems without an answer" if missing else ""
    answered = f"{score.samples} answers to {score.problems} problems"
    more = "".join(f", {name} {100 * value:.1f} %" for name, value in higher.items())
    return f"{cell.bench_name} {lang}: {score}{more}, {answered}: {counts}{unanswered}"


def _cell(bench: str, lang: str, overrides: Sequence[str]) -> Cell:
    from codem import config

    return config.cells([*overrides, f"bench={bench}", f"eval_lang=[{lang}]"])[0]


def _wanted(cell: Cell, lang: str) -> list[Problem]:
    from codem import execute

    return execute.problems_judged(cell, lang)


def _value(argv: Sequence[str], key: str) -> str:
    return next((a.split("=", 1)[1] for a in reversed(argv) if a.startswith(f"{key}=")), "")
