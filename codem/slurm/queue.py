"""What Slurm says of jobs: one squeue for all of them, and one sacct where the cluster keeps accounts."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from codem.slurm.ledger import Entry

ASK_WITHIN_S = 60.0
"""A command of Slurm that has not answered by then is given up."""
ACCOUNTS_WITHIN_S = 5.0
"""They are asked for what result files have not said, and may be slow."""
_FIELDS = ("Comment", "ArrayTaskID", "ArrayJobID", "State", "Reason", "NodeList", "TimeUsed", "RestartCnt")
_NOT_OVER = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
             "SPECIAL_EXIT", "STAGE_OUT", "SIGNALING", "STOPPED", "RESIZING", "RESV_DEL_HOLD")  # fmt: skip


@dataclass(frozen=True)
class Live:
    """What Slurm knows of a job now."""

    job: str
    """`10001_3`"""
    state: str
    """PENDING, RUNNING, COMPLETING, FAILED, TIMEOUT, OUT_OF_MEMORY, ... as Slurm spells it."""
    reason: str
    """Why a job waits: Dependency, Resources, Priority, BeginTime, JobHeldUser, ..."""
    node: str
    elapsed_s: int
    requeues: int

    @property
    def is_over(self) -> bool:
        return self.state not in _NOT_OVER


@dataclass(frozen=True)
class Queue:
    jobs: dict[tuple[str, int], Live] = field(default_factory=dict)
    """By Entry.comment and Entry.index: job ids come back after a cluster was set up anew, comments do not."""
    error: str = ""
    """Why Slurm could not be asked; nothing is known of any job then."""

    def of(self, entry: Entry) -> Live | None:
        """None: Slurm does not know the job (any more)."""
        return self.jobs.get((entry.comment, entry.index))


def look(entries: Sequence[Entry]) -> Queue:
    """Of the user's own jobs. Slurm forgets a job minutes after its end; accounts keep it, where there are some."""
    wanted = {(e.comment, e.index) for e in entries}
    if not wanted:
        return Queue()
    columns = ",".join(f"{name}:|" for name in _FIELDS)
    command = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}", f"--Format={columns}"]
    answer, error = ask(command)
    if error:
        return Queue(error=error)
    found: dict[tuple[str, int], Live] = {}
    for line in answer.splitlines():
        parts = line.strip().split("|")[: len(_FIELDS)]
        if len(parts) < len(_FIELDS) or not parts[1].isdigit():
            continue
        comment, index, array, state, reason, node, used, restarts = parts
        if (key := (comment, int(index))) in wanted:
            found[key] = Live(f"{array}_{index}", state, reason, node, seconds(used), _number(restarts))
    forgotten = [e for e in entries if e.job and (e.comment, e.index) not in found]
    return Queue({**_accounts(forgotten), **found} if forgotten else found)


def ask(command: Sequence[str], within_s: float = ASK_WITHIN_S) -> tuple[str, str]:
    """What a command of Slurm answers, and why it gave no answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return "", f"{command[0]} is not on PATH: this machine has no Slurm"
    except subprocess.TimeoutExpired:
        return "", f"{command[0]} did not answer within {within_s:g} s"
    if done.returncode:
        return "", first_line(done.stderr) or f"{command[0]} ended with exit code {done.returncode}"
    return done.stdout, ""


def first_line(said: str) -> str:
    """Of what a command of Slurm complains about, without its own name: what it ended with, if it names that."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    line = next((line for line in lines if ": fatal: " in line), lines[0] if lines else "")
    return re.sub(r"^\S+: (error|fatal): ", "", line)


def seconds(text: str) -> int:
    """Of [days-][[hours:]minutes:]seconds, as Slurm says how long something took; 0 for INVALID and the like."""
    days, dash, rest = text.partition("-")
    if not dash:
        days, rest = "0", text
    parts = rest.split(":")
    if not days.isdigit() or not all(p.isdigit() for p in parts):
        return 0
    total = 0
    for part in parts:
        total = 60 * total + int(part)
    return 86_400 * int(days) + total


def _accounts(entries: Sequence[Entry]) -> dict[tuple[str, int], Live]:
    """What sacct knows of jobs that squeue has forgotten; nothing where the cluster keeps no accounts. They need not
    keep comments, but they keep the job's name, which is as good as unique."""
    wanted = {(e.job_name, e.job): e for e in entries}
    columns = "JobName,JobID,State,NodeList,ElapsedRaw"
    since = min(e.at for e in entries)[:19]
    command = ["sacct", "-n", "-P", "-X", f"--user={os.getuid()}", f"-S{since}", f"-o{columns}"]
    answer, error = ask(command, ACCOUNTS_WITHIN_S)
    found = {}
    for line in answer.splitlines() if not error else ():
        parts = line.split("|")
        if len(parts) == 5 and (entry := wanted.get((parts[0], parts[1]))):
            state = (parts[2].split() or ["UNKNOWN"])[0]  # `CANCELLED by 1000`
            found[entry.comment, entry.index] = Live(parts[1], state, "", parts[3], _number(parts[4]), 0)
    return found


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
