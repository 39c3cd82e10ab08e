"""What a job does that was interrupted: go back into the queue, end, or fail with a reason.

submitit has a rule of its own for this, which takes every job with a limit of ten minutes or less for timed out. Here
the end that Slurm has on record decides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.errors import CodemError
from codem.slurm.attempts import Attempt
from codem.slurm.job import Now

if TYPE_CHECKING:
    from codem.graph import Node

UNITS = {"prepare": "corpus", "train": "checkpoint", "generate": "batch of answers", "execute": "batch of verdicts"}
"""What each stage keeps at once."""
TIME_LIMIT = "time limit"
PREEMPTION = "preemption"
EARLY_S = 60.0
"""Slurm may send a signal this much before its time."""
SLACK_S = 30.0
"""For what lies between the signal and this question: a step of training, a checkpoint."""


@dataclass(frozen=True)
class Limits:
    signal_s: int
    """How long before its time limit a job is told."""
    max_requeues: int
    stage: str
    time: str
    """As in launchers.Resources."""


@dataclass(frozen=True)
class Decision:
    end: str
    """One of attempts.ENDS."""
    by: str
    why: str


def decide(now: Now, signal: str, limits: Limits, past: Sequence[Attempt], mark: str) -> Decision:
    """now: what Slurm says. signal: the name of the one that asked. past: this job's attempts, this one last.
    mark: what is on disk now."""
    if not now.is_running and now.reason != "TimeLimit":
        return Decision("stopped", signal, f"{signal}: Slurm says {now.state}; it has ended this job, or requeued it")
    by = TIME_LIMIT if _is_at_limit(now, signal, limits.signal_s) else PREEMPTION
    said = by if by == TIME_LIMIT else f"{signal} before the time limit: a preemption, or somebody sent it"
    if by == TIME_LIMIT and _made_nothing(past, mark):
        limit = f"{limits.time} min" if limits.time.isdigit() else limits.time
        return Decision(
            "failed",
            by,
            f"two attempts have ended without anything new on disk: the time limit of {limit} is below what one "
            f"{UNITS[limits.stage]} needs; give launcher.{limits.stage}.time=...",
        )
    requeues = sum(attempt.end == "requeued" for attempt in past)
    if requeues >= limits.max_requeues:
        return Decision(
            "failed",
            by,
            f"{said}; the job has gone back into the queue {requeues} times, and "
            f"launcher.max_requeues={limits.max_requeues}. The same command goes on from here",
        )
    return Decision("requeued", by, said)


def mark(node: Node) -> str:
    """What is on disk of a node's work, as text that is another one as soon as there is more of it; empty when that
    cannot be told."""
    try:
        return _mark(node)
    except (OSError, CodemError):
        return ""


def _mark(node: Node) -> str:
    from codem import execute, judging, prepare, train

    cell, run = node.cell, train.run_of(node.cell)
    evaluations = [run.evaluation(cell.bench_name, lang, cell.decode.name) for lang in cell.eval_lang]
    if node.stage == "train":
        steps = [int(path.name.removeprefix("checkpoint-")) for path in run.checkpoint.glob("checkpoint-*")]
        return f"step {max(steps, default=0)}{', model' if run.model.exists() else ''}"
    if node.stage == "generate":
        files = [path for one in evaluations for path in one.folder.rglob(one.samples.name)]
    elif node.stage == "execute":
        places = [one.judged for one in evaluations]
        if cell.shard is not None:
            names = [judging.part_name(execute.variant(cell, lang), cell.shard) for lang in cell.eval_lang]
            places = [place.part(name) for place, name in zip(places, names, strict=True)]
        files = [path for place in places for path in place.folder.glob("verdicts*.jsonl")]
    else:
        return f"{len(prepare.missing(node.cells))} missing" if node.stage == "prepare" else ""
    return f"{sum(path.stat().st_size for path in files)} bytes"


def _is_at_limit(now: Now, signal: str, signal_s: int) -> bool:
    if not now.is_running:  # and the reason is the time limit
        return True
    if now.ends_at is None:
        return False
    early_s = signal_s + EARLY_S if signal != "SIGTERM" else 0.0
    return now.ends_at - time.time() <= early_s + SLACK_S


def _made_nothing(past: Sequence[Attempt], mark: str) -> bool:
    if len(past) < 2:
        return False
    before, this = past[-2:]
    return bool(mark) and this.mark == mark and before.by == TIME_LIMIT and before.mark_at_end == before.mark
