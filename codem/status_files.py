"""What the files of a stage say of it: done, under way, how far, with which error. Cheap: of evaluations that are
finished only the record is read."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codem import run as runs
from codem.errors import CodemError

TAIL_BYTES = 1 << 16
COUNTED_BYTES = 1 << 22
"""Lines of a longer file are reckoned from its beginning."""
STEPS_OF_SPEED = 20
"""The time left is that of as many of the latest steps."""


@dataclass(frozen=True)
class Facts:
    state: str
    """`done`, `running`: a living process holds the folder, `failed`, `interrupted`, or `missing`."""
    error: str | None = None
    error_of: str | None = None
    """The job whose error it is; None: of no job."""
    progress: dict[str, Any] = field(default_factory=dict)
    spent_s: float | None = None
    estimate: dict[str, Any] | None = None


def record_of(path: Path) -> dict[str, Any]:
    """Empty when there is none; one that is damaged says so, as the error of something that failed."""
    try:
        found = runs.read_record(path)
    except (CodemError, OSError) as e:
        return {"status": "failed", "error": str(e)}
    if found is not None and not isinstance(found, dict):
        return {"status": "failed", "error": f"{path}: expected a record, found {str(found)[:80]}; restore it"}
    return found or {}


def status(record: Mapping[str, Any], folder: Path) -> str:
    """The record's own, but `interrupted` when it says running and nobody works there."""
    said = str(record.get("status", "no record"))
    return "interrupted" if said == "running" and not runs.is_held(folder) else said


def trained(run: runs.Run, record: Mapping[str, Any]) -> Facts:
    state = _state(record, run.folder)
    progress = {} if state == "done" else last_step(run, record)
    return _facts(state, [record], progress, spent=record.get("spent_s"))


Records = Mapping[str, Mapping[str, Any]]
"""Of the evaluations of one row on one benchmark with one decoding, by language."""


def generated(run: runs.Run, bench: str, decode: str, records: Records) -> Facts:
    states, answers, wanted = {}, 0, 0
    for lang, record in records.items():
        where = run.evaluation(bench, lang, decode)
        states[lang] = _state(record, where.folder)
        count = _wanted(record)
        wanted += count or 0
        answers += (count or 0) if states[lang] == "done" else lines_of(where.samples)
    progress = {"answers": answers, "of": wanted or None} if any(records.values()) else {}
    spent = [s for r in records.values() if (s := r.get("spent_s")) is not None]
    left = [r for lang, r in records.items() if states[lang] != "done"]
    return _facts(_all_of(states), left or list(records.values()), progress, spent=max(spent, default=None))


def judged(
    run: runs.Run, bench: str, decode: str, records: Records, shard: str | None, way: str | None = None
) -> Facts:
    """shard: `1of4`, the part that one job judges; None: the whole. way: to judge, such as `unchecked`; None: all that
    there are, `` the usual one."""
    states, mine, verdicts, wanted = {}, {}, 0, 0
    for lang, record in records.items():
        where = run.evaluation(bench, lang, decode)
        judgements = {k: j for k, v in record.items() if k.split(".")[0] == "judge" and (j := mapping(v))}
        if way is not None:
            judgements = {k: j for k, j in judgements.items() if k.partition(".")[2] == way}
        unfinished = {k: j for k, j in judgements.items() if not j.get("finished")}
        key, whole = next(iter((unfinished or judgements).items()), (f"judge.{way}" if way else "judge", {}))
        part = _part(where.judged, shard, key) if shard and not whole.get("finished") else None
        mine[lang] = whole if part is None else record_of(part.record)
        states[lang] = _state(mine[lang], where.folder if part is None else part.folder)
        count = mapping(mine[lang].get("recipe")).get("problems")
        count = count * _samples(record) if isinstance(count, int) else _wanted(record) or 0
        count = -(-count // int(shard.partition("of")[2])) if shard else count
        wanted += count
        verdicts += count if states[lang] == "done" else _verdicts(where.judged, key, part)
    progress = {"verdicts": verdicts, "of": wanted or None} if any(mine.values()) else {}
    spent = [s for r in mine.values() if (s := r.get("spent_s")) is not None]
    left = [r for lang, r in mine.items() if states[lang] != "done"]
    return _facts(_all_of(states), left or list(mine.values()), progress, spent=sum(spent) if spent else None)


def last_step(run: runs.Run, record: Mapping[str, Any]) -> dict[str, Any]:
    """The newest whole line of metrics.jsonl, how many steps there are where that is known, and the time left."""
    lines = list(_tail(run.metrics))
    if not lines:
        return {}
    found = {name: lines[-1].get(name) for name in ("step", "loss", "tokens_per_s")}
    steps = mapping(record.get("preflight")).get("steps")
    seconds = [s for line in lines[-STEPS_OF_SPEED:] if isinstance(s := line.get("seconds"), (int, float))]
    if isinstance(steps, int) and isinstance(found["step"], int):
        found["of"] = steps
        if seconds:
            found["eta_s"] = round(statistics.median(seconds) * max(0, steps - found["step"]), 1)
    return found


def lines_of(path: Path) -> int:
    """Whole lines, also of a file that is being written; of a long one about as many."""
    try:
        with open(path, "rb") as f:
            size = path.stat().st_size
            begin = f.read(COUNTED_BYTES)
    except OSError:
        return 0
    count = begin.count(b"\n")
    return count if size <= len(begin) else round(count * size / len(begin))


def _tail(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open(path, "rb") as f:
            f.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = f.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # cut off at the beginning, or torn at the end
        if isinstance(entry, dict) and {"step", "loss", "tokens_per_s"} <= entry.keys():
            yield entry


def _state(mine: Mapping[str, Any], folder: Path) -> str:
    """mine: what the stage wrote."""
    if mine.get("finished") or mine.get("status") == "done":
        return "done"
    if not mine:
        return "missing"
    if mine.get("error"):
        return "failed"
    return "running" if runs.is_held(folder) else "interrupted"


def _all_of(states: Mapping[str, str]) -> str:
    """Of a stage, from the states of its languages."""
    for state in ("running", "failed", "interrupted", "missing"):
        if state in states.values():
            return state
    return "done" if states else "missing"


def _facts(state: str, records: list[Any], progress: dict[str, Any], spent: Any) -> Facts:
    """records: those whose error, and whose estimate, are the stage's."""
    failed: dict[str, Any] = next((r for r in records if r.get("error")), {})
    launches = [mapping(r.get("launch")) for r in records]
    estimate = next((mapping(launch.get("estimate")) for launch in launches if launch.get("estimate")), None)
    return Facts(
        state,
        error=str(failed["error"]) if failed and state != "done" else None,
        error_of=mapping(failed.get("launch")).get("job"),
        progress=progress,
        spent_s=spent if isinstance(spent, (int, float)) else None,
        estimate=estimate,
    )


def _part(judged: runs.Judged, shard: str, key: str) -> runs.Judged:
    variant = key.partition(".")[2]
    return judged.part(f"{shard}.{variant}" if variant else shard)


def _verdicts(judged: runs.Judged, key: str, part: runs.Judged | None) -> int:
    return lines_of(part.verdicts_of()) if part is not None else lines_of(judged.verdicts_of(key.partition(".")[2]))


def _wanted(record: Mapping[str, Any]) -> int | None:
    problems = mapping(record.get("recipe")).get("problems")
    return problems * _samples(record) if isinstance(problems, int) else None


def _samples(record: Mapping[str, Any]) -> int:
    samples = mapping(mapping(record.get("recipe")).get("decode")).get("samples")
    return samples if isinstance(samples, int) and samples > 0 else 1


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
