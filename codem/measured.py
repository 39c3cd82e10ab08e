"""How fast finished runs were, as their records say: what the estimates of later ones rest on (codem/costs.py).

Only the newest few rows of a kind are read, once per process, so that a plan of many rows stays quick.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from codem.errors import CodemError
from codem.run import Run, find, read_record

ROWS = 8
"""Of each base and method, the newest."""
TOGETHER_S = 300
"""Languages that were begun within so many seconds of each other were answered together."""


@dataclass(frozen=True)
class Speed:
    per_s: float
    """Tokens of training, answers, or verdicts."""
    where: str
    """The newest run that it was seen in."""
    runs: int

    def __str__(self) -> str:
        more = f" and {self.runs - 1} more" if self.runs > 1 else ""
        return f"in {self.where}{more}"


@functools.cache
def training(root: Path, base: str, method: str, processes: int, on_gpus: bool) -> Speed | None:
    """Tokens per second of finished trainings of a base with a method, on as many processes."""
    seen = []
    for run, record in _newest(root, base, method):
        result = record.get("result") or {}
        engine = result.get("engine") or {}
        alike = engine.get("processes", 1) == processes and (result.get("device") != "cpu") == on_gpus
        steps = _step_speeds(run.metrics) if alike and record.get("status") == "done" else []
        if steps:
            seen.append((median(steps), str(run)))
    return _speed(seen)


@functools.cache
def generation(root: Path, base: str, bench: str, decode: str) -> Speed | None:
    """Answers per second of rows of a base."""
    seen = []
    for run, _ in _newest(root, base):
        found = [
            (r, s, _samples(r)) for r in _evaluations(run, bench, decode) if (s := _spent_s(r)) and r.get("finished")
        ]
        together: list[list[tuple[dict[str, Any], float, int]]] = []
        for entry in sorted(found, key=lambda entry: entry[0]["started"]):
            began = _seconds(entry[0]["started"])
            if together and began - _seconds(together[-1][0][0]["started"]) < TOGETHER_S:
                together[-1].append(entry)
            else:
                together.append([entry])
        wall = sum(max(s for _, s, _ in group) for group in together)
        answers = sum(count for *_, count in found)
        if answers and wall:
            seen.append((answers / wall, str(run)))
    return _speed(seen)


@functools.cache
def judging(root: Path, base: str, bench: str, decode: str, lang: str) -> Speed | None:
    """Verdicts per second in one language, of answers of a base's rows."""
    seen = []
    for run, _ in _newest(root, base):
        record = _read(run.evaluation(bench, lang, decode).record)
        judge = record.get("judge") or {}
        count, wall = sum((judge.get("counts") or {}).values()), _spent_s(judge)
        if count and wall and judge.get("finished"):
            seen.append((count / wall, str(run)))
    return _speed(seen)


def _speed(seen: list[tuple[float, str]]) -> Speed | None:
    return Speed(median(per_s for per_s, _ in seen), seen[0][1], len(seen)) if seen else None


@functools.cache
def _newest(root: Path, base: str, method: str | None = None) -> list[tuple[Run, dict[str, Any]]]:
    found: list[tuple[float, Run]] = []
    for run in _of_base(root, base):
        if method is None or run.method == method:
            try:
                found.append((run.record.stat().st_mtime, run))
            except OSError:
                continue
    newest = sorted(found, key=lambda entry: -entry[0])[:ROWS]
    return [(run, _read(run.record)) for _, run in newest]


@functools.cache
def _of_base(root: Path, base: str) -> list[Run]:
    return [run for run in find(root) if run.base == base]


def _evaluations(run: Run, bench: str, decode: str) -> Iterator[dict[str, Any]]:
    for evaluation in run.evaluations():
        if (evaluation.bench, evaluation.decode) == (bench, decode):
            yield _read(evaluation.record)


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_record(path) or {}
    except CodemError:  # damaged: said by whoever needs it, not by an estimate
        return {}


def _samples(record: dict[str, Any]) -> int:
    recipe = record.get("recipe") or {}
    return int(recipe.get("problems") or 0) * int((recipe.get("decode") or {}).get("samples") or 1)


def _spent_s(record: dict[str, Any]) -> float | None:
    """What a stage took, without the time between its attempts where that is on record."""
    if record.get("spent_s"):
        return float(record["spent_s"])
    try:
        return max(1.0, _seconds(record["finished"]) - _seconds(record["started"]))
    except (KeyError, ValueError, TypeError):
        return None


def _seconds(at: str) -> float:
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _step_speeds(metrics: Path) -> list[float]:
    """Of each step but the first, which pays for what is made once."""
    try:
        lines = metrics.read_text("utf-8").splitlines()[1:]
    except OSError:
        return []
    speeds = []
    for line in lines:
        try:
            speeds.append(float(json.loads(line)["tokens_per_s"]))
        except (ValueError, KeyError, TypeError):
            continue
    return speeds
