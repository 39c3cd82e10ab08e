"""What Slurm, the attempts and the logs say of a stage's job, in words: what it waits for, and why it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from codem.slurm.attempts import Attempt
from codem.slurm.ledger import Entry
from codem.slurm.queue import Live
from codem.status_files import Facts

TAIL_LINES = 15
TAIL_BYTES = 1 << 14
_WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")
_REASONS = {
    "None": "for Slurm to look at it",
    "Resources": "for free nodes",
    "Priority": "for jobs of higher priority",
    "Dependency": "for another job",
    "JobArrayTaskLimit": "for others of its array (launcher.array_parallelism)",
    "JobHeldUser": "because it is held (scontrol release)",
    "JobHeldAdmin": "because an administrator holds it",
    "PartitionDown": "for its partition, which is down",
    "PartitionInactive": "for its partition, which is not active",
    "PartitionTimeLimit": "for ever: its time limit is more than the partition allows",
    "PartitionNodeLimit": "for ever: it asks for more nodes than the partition allows",
    "ReqNodeNotAvail": "for nodes that are down or reserved",
    "NodeDown": "for nodes that are down",
    "Reservation": "for its reservation",
    "Licenses": "for licences",
    "DependencyNeverSatisfied": "for ever: a job that it needs has failed",
    "BadConstraints": "for ever: no node is as its constraint says",
}
_ENDS = {
    "TIMEOUT": "its time limit was reached",
    "OUT_OF_MEMORY": "it took more memory than it had asked for (launcher.{stage}.memory)",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node did not start",
    "PREEMPTED": "it was preempted",
    "DEADLINE": "its deadline passed",
    "COMPLETED": "it ended well, but its results are not there; were they removed?",
}
_LOST = ("failed", "cancelled", "interrupted")
_NOISE = re.compile(
    r"[\s^~-]*$|submitit (INFO|WARNING)|slurmstepd: .*task_p_|srun: (Terminating|launch/|Job step)"
    r"|srun: error: .*([Ee]xited with exit code|task \d+: Terminated)"
)
_OF_SLURM = re.compile(r"(srun|slurmstepd): ")


@dataclass(frozen=True)
class Seen:
    """The state of one stage, and why."""

    state: str
    error: str | None = None
    waits_for: tuple[str, ...] = ()
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """All that is known of a job but its stage's files."""

    entry: Entry
    live: Live | None
    last: Attempt | None
    """Of this job."""
    slurm_answers: bool
    submitting: bool
    """A command is submitting at this moment."""
    parents: Callable[[], Sequence[tuple[str, str]]]
    """The jobs that it needs: `train 10001_3`, and the state of that stage, empty when nobody knows."""
    others_wrote: Callable[[], bool]
    """Whether any job of the same submission has left a log: then nodes see the folder."""


def seen(facts: Facts, job: Evidence) -> Seen:
    """Result files first; then Slurm; then what was left behind."""
    if facts.state == "done":
        return Seen("done")
    if job.live is not None and not job.live.is_over:
        if job.live.state in _WAITING:
            return _waiting(job, job.live)
        return Seen("running")
    if facts.state == "running":
        return Seen("running")
    if job.entry.refused and job.live is None:
        return Seen("failed", f"Slurm refused it: {job.entry.refused}")
    if job.live is None and (not job.slurm_answers or (job.entry.job is None and job.submitting)):
        return _unknown(facts, job)
    if job.live is None and job.entry.job is None:
        return Seen("missing", "the command ended before Slurm had taken it; the same command submits it")
    return _over(facts, job)


def _waiting(job: Evidence, live: Live) -> Seen:
    parents = job.parents()
    open_ones = tuple(name for name, state in parents if state != "done")
    if live.reason == "Dependency" and (lost := [f"{n}, which {_went(s)}" for n, s in parents if s in _LOST]):
        return Seen("waiting", waits_for=(f"for ever for {lost[0]}: Slurm forgets an array task that never began",))
    if live.reason == "Dependency" or (live.reason == "None" and open_ones):  # Slurm has not looked at it yet
        return Seen("waiting", waits_for=open_ones or tuple(name for name, _ in parents))
    if live.reason == "BeginTime" or (live.requeues and live.reason == "None"):
        again = "to be started again: it was put back into the queue" if live.requeues else "for its begin time"
        return Seen("waiting", waits_for=(again,))
    key = live.reason.strip("()").split(",")[0].split("(")[0]
    if live.state in ("REQUEUE_HOLD", "SPECIAL_EXIT"):
        key = "JobHeldUser"
    return Seen("submitted" if key == "None" else "waiting", waits_for=(_REASONS.get(key, f"for {live.reason}"),))


def _unknown(facts: Facts, job: Evidence) -> Seen:
    """Without Slurm's word."""
    if job.last is None:
        return Seen("submitted")
    if job.last.end is None:
        return Seen("running")
    if job.last.end == "requeued":
        return Seen("waiting", waits_for=("to be started again: it was put back into the queue",))
    return _over(facts, job)


def _over(facts: Facts, job: Evidence) -> Seen:
    """Its results are not there, and nothing will make them."""
    log = log_of(job.entry)
    tail = tuple(log[-TAIL_LINES:])
    began = bool(log) or job.last is not None
    scancelled = job.live is not None and job.live.state.startswith("CANCELLED")
    stopped = job.last is not None and job.last.end == "stopped"
    if not began and (job.live is None or scancelled):
        for name, state in job.parents():
            if state in _LOST:
                return Seen(
                    "cancelled", f"cancelled because {name} {'failed' if state == 'failed' else 'was ' + state}"
                )
    if scancelled or stopped:
        return Seen("cancelled", "cancelled by scancel", log_tail=tail)
    if not began and job.live is None and job.others_wrote():  # of a waiting array task Slurm keeps nothing
        return Seen(
            "cancelled", "cancelled before it began: Slurm does not know it any more, and it never wrote a line"
        )
    return Seen("failed", _error(facts, job, log, began), log_tail=tail)


def _went(state: str) -> str:
    return state if state == "failed" else f"was {state}"


def _error(facts: Facts, job: Evidence, log: Sequence[str], began: bool) -> str:
    state = job.live.state if job.live else ""
    if job.last is not None and job.last.end == "failed" and job.last.why:
        return job.last.why  # which knows what came after the record's error, such as that it is not started again
    if facts.error and facts.error_of == job.entry.job:
        return facts.error
    if not began:
        gone = "" if job.live else f"Slurm does not know job {job.entry.job} any more, and it "
        return (
            f"{gone or 'it '}never wrote a line: "
            f"{'it was cancelled before it began, or ' if not job.live else ''}compute nodes cannot see "
            f"{job.entry.folder.resolve()}; runs= must be a folder that all nodes share"
        )
    if state in _ENDS:
        return _ENDS[state].format(stage=job.entry.stage)
    said = next((line for line in reversed(log) if not _NOISE.match(line)), "")
    if job.last is not None and job.last.end is None:
        what = "killed (no result)"
        return f"{what}: {said}" if _OF_SLURM.match(said) else f"{what}; the last lines of its log: --failed"
    return said or "it ended without its results, and its log does not say why"


def first_line(error: str) -> str:
    """Without the name of the class, which says less than the words do."""
    line = next((line for line in error.splitlines() if line.strip()), "").strip()
    return re.sub(r"^codem\.errors\.\w+: ", "", line)


def tail_of(path: Path | None) -> tuple[str, ...]:
    return tuple(_tail(path)[-TAIL_LINES:]) if path else ()


def log_of(entry: Entry) -> list[str]:
    """The end of what the job wrote, over all attempts. (submitit's result files are not asked: after a requeue they
    can hold an error that is none, and a job id that has come back finds those of another job.)"""
    lines: list[str] = []
    if entry.log is not None:
        for path in (entry.log, entry.log.with_suffix(".err")):
            lines += _tail(path)
    return lines


def elapsed_s(attempt: Attempt | None) -> int | None:
    """Of an attempt that has ended."""
    try:
        if attempt is None or attempt.ended is None:
            return None
        begin, end = (datetime.strptime(t, "%Y-%m-%dT%H:%M:%S%z") for t in (attempt.started, attempt.ended))
    except ValueError:
        return None
    return max(0, round((end - begin).total_seconds()))


def _tail(path: Path) -> list[str]:
    try:
        with open(path, "rb") as f:
            size = path.stat().st_size
            f.seek(max(0, size - TAIL_BYTES))
            lines = f.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in (lines[1:] if size > TAIL_BYTES else lines) if line.strip()]
