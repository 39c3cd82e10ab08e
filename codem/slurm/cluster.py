"""What there is to know of the cluster before anything is submitted, and patience with its controller."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codem.errors import CodemError
from codem.slurm import queue as slurm_queue

PATIENCE_S = 120.0
"""How long a controller that does not answer is waited for. It may be starting again, or busy."""
LOOK_EVERY_S = 2.0
MOST_IN_AN_ARRAY = 1001
"""Where the cluster does not say: Slurm's own default."""
_PASSING = re.compile(
    "unable to contact slurm controller|socket timed out|connection (refused|failure|reset)|zero bytes|"
    "controller in standby|temporarily unable|resource temporarily unavailable|did not answer within",
    re.IGNORECASE,
)
_LIMIT = re.compile("submit.?(job)?s?.?(per\\w+)?.?limit|violates accounting/qos policy", re.IGNORECASE)
_SHARED = re.compile("nfs|lustre|gpfs|beegfs|ceph|cifs|smb|fuse|panfs|afs|orangefs|pvfs|glusterfs|9p|virtiofs|wekafs")
"""Kinds of file systems that other machines may see, too."""


@dataclass(frozen=True)
class SlurmCluster:
    name: str
    max_array_size: int
    """An array's indices are below it."""


def ask() -> SlurmCluster:
    """Raises CodemError when this machine has no Slurm, or its controller does not answer."""
    lacking = [name for name in ("sbatch", "srun", "squeue", "scancel", "scontrol") if shutil.which(name) is None]
    if lacking:
        raise CodemError(
            f"launcher=slurm: expected Slurm's programs, found no {', '.join(lacking)} on PATH. Give the command on a "
            f"login node of the cluster; or launcher=local: the stages run here; or, to try it, start the project's "
            f"own test cluster (docs/slurm.md: Slurm on a laptop)"
        )
    answer, error = patiently(lambda: slurm_queue.ask(["scontrol", "show", "config"]))
    if error:
        raise CodemError(
            f"launcher=slurm: Slurm's controller does not answer: {error}. Nothing was submitted; ask your "
            f"administrators, or try again later"
        )
    config = dict(re.findall(r"^(\w+)\s*=\s*(.*?)\s*$", answer, re.MULTILINE))
    most = config.get("MaxArraySize", "")
    return SlurmCluster(config.get("ClusterName", ""), int(most) if most.isdigit() else MOST_IN_AN_ARRAY)


def patiently(act: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """The answer and the error of `act`, which is tried again while the controller cannot be reached."""
    deadline = time.monotonic() + PATIENCE_S
    told = False
    while True:
        answer, error = act()
        if not (error and is_passing(error)) or time.monotonic() > deadline:
            return answer, error
        if not told:
            print(f"{error}; waiting up to {PATIENCE_S:.0f} s for it", file=sys.stderr, flush=True)
            told = True
        time.sleep(LOOK_EVERY_S)


def is_passing(said: str) -> bool:
    """Whether a command that was answered so may succeed later, unchanged."""
    return bool(_PASSING.search(said))


def is_limit(said: str) -> bool:
    """Whether fewer jobs at once may be taken."""
    return bool(_LIMIT.search(said))


def warning(folder: Path) -> str:
    """When other machines than this run the jobs, and the folder lies on a file system of this machine alone."""
    answer, error = slurm_queue.ask(["sinfo", "--noheader", "--Node", "--format=%n"])
    hosts = {line.strip().split(".")[0] for line in answer.split()}
    if error or hosts <= {_host()}:
        return ""
    kind = _file_system(folder)
    if not kind or _SHARED.search(kind):
        return ""
    return (
        f"{folder} lies on a file system of this machine ({kind}); where the nodes of the cluster do not see it, their "
        f"jobs fail without a log. Give runs=<a shared folder>"
    )


def _host() -> str:
    import socket

    return socket.gethostname().split(".")[0]


def _file_system(folder: Path) -> str:
    """Of what is mounted nearest above the folder; empty where that cannot be told."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    best = ("", "")
    for line in mounts.splitlines():
        where, kind = (*line.split()[1:3], "", "")[:2]
        where = where.replace("\\040", " ")
        if len(where) >= len(best[0]) and (folder == Path(where) or Path(where) in folder.parents):
            best = (where, kind)
    return best[1]
