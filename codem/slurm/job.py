"""The job that this process belongs to: which one, what Slurm says of it now, and how it goes back into the queue."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass

SLURM = "slurm"
RUNNING = ("RUNNING", "SIGNALING", "RESIZING")
"""SIGNALING: a job that runs, while its processes are sent the signal that made them ask."""
ASK_S = 60.0
"""Slurm's commands try for a while themselves when the controller does not answer."""
TRIES = 10
RETRY_EVERY_S = 5.0
RETRY_S = 1800.0
"""For so long a controller that is away is asked again. The job may be killed before: what is finished is on disk."""


@dataclass(frozen=True)
class Place:
    """One process of a job, or of a command: then it has no `cluster`."""

    cluster: str
    """submitit's name of it: slurm, local."""
    job: str
    """`10001_3` of an array, else `10002`; a process id outside of a cluster."""
    restart: int
    """How often Slurm has started this job before."""
    node: str
    rank: int = 0
    tasks: int = 1
    cpus: int | None = None
    """Of this process, where a cluster has shared them out."""

    @property
    def is_slurm(self) -> bool:
        return self.cluster == SLURM


@dataclass(frozen=True)
class Now:
    """What Slurm says of a job."""

    state: str
    reason: str
    ends_at: float | None
    """By its time limit, in seconds since 1970; of a job that is over, when it ended."""

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING


def here() -> Place:
    cluster = os.environ.get("SUBMITIT_EXECUTOR", "")
    if not cluster:
        return Place("", str(os.getpid()), 0, socket.gethostname())
    from submitit import JobEnvironment

    job = JobEnvironment()
    cpus = os.environ.get("SLURM_CPUS_PER_TASK") if cluster == SLURM else None
    return Place(
        cluster,
        job.job_id,
        int(os.environ.get("SLURM_RESTART_COUNT", "0")) if cluster == SLURM else 0,
        os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        job.global_rank,
        job.num_tasks,
        int(cpus) if cpus else None,
    )


def now(job: str) -> Now | None:
    """None: Slurm cannot be asked. A job that it has forgotten is over."""
    done = None
    for _ in range(TRIES):
        done = _command("squeue", "--noheader", "--jobs", job, "--states=all", "--format=%T|%r|%e")
        if done is None or done.returncode >= 0:
            break
        time.sleep(0.1)  # the signal that this process was sent was for all of the job: it met this question as well
    if done is None:
        return None
    if done.returncode:
        return Now("UNKNOWN", done.stderr.strip(), None) if "Invalid job id" in done.stderr else None
    if not done.stdout.strip():
        return Now("UNKNOWN", "", None)
    state, reason, end = done.stdout.splitlines()[0].strip().split("|")
    return Now(state, reason, float(end) if end.isdigit() else None)


def assumed() -> Now:
    """Of this job, when Slurm does not answer."""
    end = os.environ.get("SLURM_JOB_END_TIME", "")  # newer versions of Slurm tell
    return Now("RUNNING", "", float(end) if end.isdigit() else None)


def requeue(job: str) -> str:
    """Put the job back into the queue. Returns why Slurm refuses; empty when this process will be killed for it.

    The command that asks is itself part of the job, and can be killed by what it asked for: its own end says nothing,
    so Slurm is asked again.
    """
    deadline = time.monotonic() + RETRY_S
    while True:
        done = _command("scontrol", "requeue", job)
        if done is not None and done.returncode == 0:
            return ""
        state = now(job)
        if state is not None and not state.is_running and done is not None and done.returncode < 0:
            return ""  # killed with its answer under way
        if state is not None and (done is None or done.returncode > 0):
            return done.stderr.strip() if done is not None else f"scontrol gave no answer for {ASK_S:.0f} s"
        if time.monotonic() > deadline:
            return f"Slurm's controller has not answered for {RETRY_S / 60:.0f} min"
        time.sleep(RETRY_EVERY_S if state is None else 0.2)


def _command(*words: str) -> subprocess.CompletedProcess[str] | None:
    """In a session of its own: signals that are for this process's group are not for it. None: no answer."""
    environment = {**os.environ, "SLURM_TIME_FORMAT": "%s"}
    try:
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=ASK_S, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
