"""The attempts of jobs on a stage: a line when a job begins, and one for how that ended.

    {"submission", "job", "restart", "node", "pid", "started", "mark"}
    {"submission", "job", "restart", "ended", "end", "why", "by", "mark"}

An attempt without an end was killed, or is under way. The last end of an attempt is the one that holds: a job says that
it goes back into the queue before it asks to, because nobody may be left to say so afterwards.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem.run import Launches

if TYPE_CHECKING:
    from codem.graph import Node

ENDS = ("done", "failed", "requeued", "stopped")


@dataclass(frozen=True)
class Attempt:
    submission: str
    job: str
    """As in ledger.Entry; outside of a cluster the process id."""
    restart: int
    """How often Slurm has started this job before, whoever asked for it."""
    node: str
    pid: int
    started: str
    mark: str
    """What was on disk when it began: requeue.mark."""
    ended: str | None = None
    end: str | None = None
    """One of ENDS; None: killed, or under way."""
    why: str = ""
    by: str = ""
    """What ended it from outside: `time limit`, `preemption`, `SIGTERM`; empty when nothing did."""
    mark_at_end: str = ""


def of_node(node: Node, submission: str) -> Path:
    """The file of a node's attempts."""
    from codem import train

    cell = node.cell
    if node.stage in ("prepare", "summary"):
        return Launches(cell.runs).attempts(submission, node.stage, node.row)
    shard = str(cell.shard) if cell.shard is not None else None
    return train.run_of(cell).attempts(node.stage, part(node.stage, cell.bench_name, cell.decode.name, shard))


def part(stage: str, bench: str, decode: str, shard: str | None) -> str:
    """Of Run.attempts, so that jobs of two benchmarks or of two shards never write into one file."""
    named = {"train": (), "generate": (bench, decode), "execute": (bench, decode, shard or "")}[stage]
    return ".".join(filter(None, named))


def read(path: Path) -> list[Attempt]:
    """Oldest first; empty when there is no file. A torn line is left out."""
    found: dict[tuple[str, str, int], Attempt] = {}
    for line in _lines(path):
        key = (line["submission"], line["job"], line["restart"])
        if "started" in line:
            found[key] = Attempt(**line)
        elif key in found:
            end = {name: line[name] for name in ("ended", "end", "why", "by")}
            found[key] = replace(found[key], **end, mark_at_end=line["mark"])
    return list(found.values())


def append(path: Path, line: dict[str, Any]) -> None:
    """One write, so that lines of two processes do not mix. Nothing is raised when the disk is full or gone: what the
    stage itself says of that must not be hidden."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))
        finally:
            os.close(handle)
    except OSError as e:
        print(f"{path}: this attempt is not on record: {e}", flush=True)


def of_job(attempts: Sequence[Attempt], submission: str, job: str) -> list[Attempt]:
    """Job ids alone come back when a cluster is set up anew."""
    return [a for a in attempts if a.submission == submission and a.job == job]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text("utf-8")
    except OSError:
        return
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
