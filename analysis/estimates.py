"""What a sweep was expected to cost before it was submitted, beside what it took: from the records alone.

An estimate is of the work that was missing when the job was submitted; the time spent is added up over all attempts. A
stage that was interrupted and submitted again may have spent more than its last estimate covers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.load import Evaluation
from analysis.names import NONE


@dataclass(frozen=True)
class Cost:
    train: str
    seed: int
    stage: str
    wall_s: float
    """As estimated; so too gpu_hours."""
    gpu_hours: float
    spent_s: float
    spent_gpu_hours: float
    """With as many GPUs as the estimate was for."""
    source: str
    """What the estimate rests on."""

    @property
    def ratio(self) -> float:
        """1: as estimated; 2: it took twice as long."""
        return self.spent_s / self.wall_s if self.wall_s else math.nan


def costs(runs: Mapping[Evaluation, Mapping[str, Any]], evaluations: Iterable[Evaluation]) -> list[Cost]:
    """Of every row and stage whose records hold both; `runs` names each model by one of its evaluations, in the order
    of rows."""
    found = list(evaluations)
    table = []
    for run, record in runs.items():
        mine = [e.record for e in found if (e.train, e.seed) == (run.train, run.seed)]
        stages: dict[str, list[dict[str, Any]]] = {
            "train": [dict(record)] if run.train != NONE else [],
            "generate": mine,
            "execute": [_dict(r.get("judge")) for r in mine],
        }
        for stage, records in stages.items():
            if (cost := _cost(run, stage, records)) is not None:
                table.append(cost)
    return table


def total(found: Iterable[Cost]) -> dict[str, float]:
    rows = list(found)
    names = ("wall_s", "gpu_hours", "spent_s", "spent_gpu_hours")
    return {name: sum(getattr(row, name) for row in rows) for name in names}


def duration(seconds: float) -> str:
    """`41 s`, `12 min`, `3 h 20 min`"""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _cost(run: Evaluation, stage: str, records: Iterable[Mapping[str, Any]]) -> Cost | None:
    """A job's languages share its estimate. They are generated together, and judged one after another."""
    jobs: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in records:
        launch = _dict(record.get("launch"))
        if (
            _number(_dict(launch.get("estimate")).get("wall_s")) is not None
            and _number(record.get("spent_s")) is not None
        ):
            jobs.setdefault((str(launch.get("submission")), str(launch.get("job"))), []).append(record)
    if not jobs:
        return None
    wall_s = gpu_hours = spent_s = spent_gpu_hours = 0.0
    sources: dict[str, None] = {}
    for mine in jobs.values():
        estimate = mine[0]["launch"]["estimate"]
        hours = _number(estimate.get("gpu_hours")) or 0.0
        spent = [float(r["spent_s"]) for r in mine]
        took = max(spent) if stage == "generate" else sum(spent)
        wall_s += estimate["wall_s"]
        gpu_hours += hours
        spent_s += took
        spent_gpu_hours += took * hours / estimate["wall_s"] if estimate["wall_s"] else 0.0
        sources[str(estimate.get("source", ""))] = None
    return Cost(
        run.train, run.seed, stage, wall_s, gpu_hours, spent_s, spent_gpu_hours, "; ".join(filter(None, sources))
    )


def _number(value: object) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if known else None  # type: ignore[arg-type]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
