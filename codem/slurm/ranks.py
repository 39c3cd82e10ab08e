"""The processes of a training that Slurm has started: who is who, and where they meet.

Ranks come from submitit's helper. Three things it leaves to luck are settled here: the first node's name need not
resolve on the others; the port it draws may be taken, or drawn by another job on the same node; and LOCAL_RANK counts
the processes of a node also where Slurm shows each of them its own GPU alone.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from codem.errors import StageError

PORTS = range(12_000, 32_000)
"""Above those of system services, below those that Linux hands out by itself."""
CANDIDATES = 8
STRIDE = 2_503
KNOCK = timedelta(seconds=2)
MEET_S = 600.0
LOOK_EVERY_S = 0.5


@contextmanager
def met(name: str) -> Iterator[None]:
    """In this block the environment is that of one process of several that have found each other. name: of the job."""
    from submitit.helpers import TorchDistributedEnvironment

    before = dict(os.environ)
    TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
    local = int(os.environ["LOCAL_RANK"])
    here = _tasks_of(int(os.environ["SLURM_NODEID"]), os.environ["SLURM_STEP_TASKS_PER_NODE"])
    os.environ["LOCAL_WORLD_SIZE"] = str(here)
    os.environ["LOCAL_RANK"] = str(device_of(local, here, os.environ.get("CUDA_VISIBLE_DEVICES")))
    os.environ["MASTER_ADDR"] = address_of(os.environ["MASTER_ADDR"])
    os.environ.setdefault("OMP_NUM_THREADS", os.environ.get("SLURM_CPUS_PER_TASK", "1"))
    raw_id = int(os.environ["SLURM_JOB_ID"])
    store = _meet(os.environ["MASTER_ADDR"], raw_id, name, is_first=os.environ["RANK"] == "0")  # lives with this block
    os.environ["MASTER_PORT"] = str(store.port)
    try:
        yield
    finally:
        for variable in os.environ.keys() - before.keys():
            del os.environ[variable]
        os.environ.update(before)


def device_of(local_rank: int, processes: int, visible: str | None) -> int:
    """Which of the GPUs that this process sees is its own. processes: on this node. visible: CUDA_VISIBLE_DEVICES."""
    gpus = [name for name in (visible or "").split(",") if name and name != "NoDevFiles"]
    if not gpus or len(gpus) >= processes:
        return local_rank
    if len(gpus) == 1:
        return 0  # each process has been given one of its own
    raise StageError(
        f"{processes} training processes on this node share {len(gpus)} GPUs; give each its own: "
        f"launcher.train.tasks and launcher.train.gpus as many, on launcher.train.nodes that divide them evenly"
    )


def address_of(node: str) -> str:
    """Something that resolves, of a node whose name may be known to Slurm alone."""
    if _resolves(node):
        return node
    try:
        said = subprocess.run(
            ["scontrol", "show", "node", node], capture_output=True, text=True, timeout=60, start_new_session=True
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    for key in ("NodeAddr", "NodeHostName"):
        if (found := re.search(rf"\b{key}=(\S+)", said)) and _resolves(found[1]):
            return found[1]
    raise StageError(
        f"the first node of this job, {node}, has no address: neither its name nor what `scontrol show node {node}` "
        f"says resolves on {socket.gethostname()}. A training on several nodes needs that; ask who runs the cluster"
    )


def ports(job: int) -> list[int]:
    """Where the processes of a job may meet, in the order in which they try. Jobs with neighbouring numbers, which are
    those that run at the same time, have no port in common."""
    return [PORTS[(job + k * STRIDE) % len(PORTS)] for k in range(CANDIDATES)]


def _meet(address: str, job: int, name: str, is_first: bool) -> Any:
    """torch's key-value store, served by the first process at the first port that is free; the others know it by a
    key. So neither a port that something else has taken, nor another job's store, is a place to meet."""
    import torch.distributed as dist

    key = f"codem/{name}/here"
    deadline = time.monotonic() + MEET_S
    while time.monotonic() < deadline:
        for port in ports(job):
            try:
                if not is_first:  # torch would write a page into the log for each time that nobody is there yet
                    socket.create_connection((address, port), KNOCK.total_seconds()).close()
                store = dist.TCPStore(
                    address, port, is_master=is_first, timeout=KNOCK, wait_for_workers=False, multi_tenant=True
                )
                if is_first:
                    store.set(key, "")
                if store.check([key]):
                    return store
            except (OSError, RuntimeError, ValueError):  # nobody there, or something else
                continue
        if is_first:
            raise StageError(
                f"the ports {', '.join(map(str, ports(job)))} of {address} are all taken, so that the processes of "
                f"this training cannot meet; the same command tries again with others"
            )
        time.sleep(LOOK_EVERY_S)
    raise StageError(
        f"no training process of {name} was found at {address} within {MEET_S / 60:.0f} min: either the first one has "
        f"not started (see its log), or the nodes cannot reach each other at ports {PORTS.start} to {PORTS.stop - 1}"
    )


def _tasks_of(node: int, described: str) -> int:
    """described: `2(x3),1`, as Slurm counts the tasks of each node."""
    counts: list[int] = []
    for part in described.split(","):
        count, _, times = part.partition("(x")
        counts += [int(count)] * int(times.rstrip(")") or 1)
    return counts[node]


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, None))
    except OSError:
        return False
