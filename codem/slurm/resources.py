"""What a node's job asks Slurm for: conf/launcher/slurm.yaml in the words of submitit's executor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from codem.launchers import Resources, Slurm
from codem.settings import Base, Cell

if TYPE_CHECKING:
    from codem.graph import Node

OURS = frozenset({"array", "dependency", "comment", "job-name", "chdir", "output", "error", "open-mode", "signal",
                  "requeue", "no-requeue", "kill-on-invalid-dep", "wrap", "parsable", "wait", "hold",
                  "test-only"})  # fmt: skip
"""Options of sbatch that submission itself decides."""
KEYS = {"time": "time", "partition": "partition", "account": "account", "qos": "qos", "constraint": "constraint",
        "gres": "gres", "mem": "memory", "cpus-per-task": "cpus", "nodes": "nodes", "ntasks": "tasks",
        "ntasks-per-node": "tasks", "gpus": "gpus", "gpus-per-node": "gpus"}  # fmt: skip
"""Options of sbatch that have a key of their own."""


def asked(node: Node) -> dict[str, Any]:
    """Without what belongs to its place in the submission: name, comment, dependency, array."""
    launcher = node.cell.launcher
    assert isinstance(launcher, Slurm)
    wanted = _wanted(node.cell, node.stage)
    gpus = gpus_of(node.cell, node.stage)
    tasks = tasks_of(node.cell, node.stage)
    more = {key.replace("_", "-"): value for key, value in (wanted.sbatch or {}).items() if value not in (None, False)}
    options = {
        "time": minutes(wanted.time),
        "nodes": wanted.nodes,
        "ntasks_per_node": tasks // wanted.nodes,
        "cpus_per_task": wanted.cpus,
        "mem": str(wanted.memory) if wanted.memory else None,
        "gpus_per_node": gpus // wanted.nodes if gpus and not wanted.gres else None,
        "gres": wanted.gres,
        "partition": wanted.partition or launcher.partition,
        "account": wanted.account or launcher.account,
        "qos": wanted.qos or launcher.qos,
        "constraint": wanted.constraint,
        "signal_delay_s": launcher.signal_s,
        "setup": [*launcher.setup, *wanted.setup],
        # srun does not take over sbatch's processors per task; and where one process ends badly, all do.
        "srun_args": ["--kill-on-bad-exit=1", f"--cpus-per-task={wanted.cpus}"],
        "stderr_to_stdout": True,
        # A node that is lost gives its jobs back to the queue, whatever the cluster's default is.
        "additional_parameters": {"kill-on-invalid-dep": "yes", "requeue": True, **more},
    }
    return {key: value for key, value in options.items() if value is not None}


def gpus_of(cell: Cell, stage: str) -> int:
    """Of all nodes together."""
    wanted = _wanted(cell, stage)
    if stage == "train":
        return training_gpus(wanted, cell.method, cell.base)
    if wanted.gpus is not None or stage != "generate":
        return wanted.gpus or 0
    return 0 if cell.base.path is None else 1


def tasks_of(cell: Cell, stage: str) -> int:
    """Processes of a stage's job, on all nodes together."""
    return training_tasks(_wanted(cell, stage), gpus_of(cell, stage)) if stage == "train" else 1


def training_gpus(wanted: Resources, method: Any, base: Base) -> int:
    if wanted.gpus is not None:
        return wanted.gpus
    return 0 if base.path is None else method.gpus  # the embedded model is for CPUs


def training_tasks(wanted: Resources, gpus: int) -> int:
    return wanted.tasks or max(gpus, wanted.nodes)


def _wanted(cell: Cell, stage: str) -> Resources:
    assert isinstance(cell.launcher, Slurm)
    return getattr(cell.launcher, stage)


def minutes(time: Any) -> int:
    """Of a time limit as sbatch spells it, rounded up. Raises ValueError.

    minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
    """
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", str(time).strip())
    if not match:
        raise ValueError(f"{time!r} is no time limit")
    days, *rest = match.groups()
    parts = [int(p) for p in rest if p is not None]
    if days is not None:
        hours, mins, secs = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, mins, secs = parts
    else:
        hours, (mins, secs) = 0, (*parts, 0)[:2]
    total_s = 86_400 * int(days or 0) + 3600 * hours + 60 * mins + secs
    return -(-total_s // 60)
