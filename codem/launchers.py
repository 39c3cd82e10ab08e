"""Where stages run: the settings of conf/launcher/<name>.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codem.knob import knob

STAGES = ("prepare", "train", "generate", "execute", "summary")
"""In the order in which they can run."""


@dataclass(frozen=True)
class Local:
    """Here."""

    name: str
    parallel: int = knob(1, least=1)
    """Rows that are under way at once."""


@dataclass(frozen=True)
class Resources:
    """What each job of one stage asks Slurm for. Text is passed on as sbatch spells it."""

    time: Any
    """The job's limit: minutes, [hours:]minutes:seconds, or days-hours[:minutes[:seconds]]; rounded up to minutes."""
    cpus: int = knob(1, least=1)
    """Of each process."""
    memory: Any = None
    """Of each node, such as 64G; a plain number is in megabytes. None: what the cluster gives by default."""
    gpus: int | None = knob(None, least=0)
    """Of all nodes together. None: `method.gpus` for training, one for generation, and none for a base that is trained
    on CPUs: the embedded model."""
    nodes: int = knob(1, least=1)
    tasks: int | None = knob(None, least=1)
    """Processes of a training, on all nodes together. None: one per GPU, or one per node."""
    partition: str | None = None
    """None: the launcher's; so too for account and qos."""
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gres: str | None = None
    """Asks for GPUs in a cluster's own way, instead of --gpus-per-node; `gpus` still says how many they are."""
    gpu_gb: int | None = knob(None, least=1)
    """Memory of one of the partition's GPUs. None: unknown; what needs more is then not noticed before it runs."""
    setup: tuple[str, ...] = ()
    """Lines of shell that run after the launcher's and before the stage, such as `module load cuda`."""
    sbatch: dict[str, Any] | None = None
    """Any further option of sbatch, by its long name: {mail-type: END}."""


@dataclass(frozen=True)
class Slurm:
    name: str
    prepare: Resources
    """The base model and the corpora as tokens, once for all rows that need them."""
    train: Resources
    generate: Resources
    execute: Resources
    summary: Resources
    """The matrix, when all is over."""
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    setup: tuple[str, ...] = ()
    array_parallelism: int = knob(64, least=1)
    """Jobs of one array that run at once."""
    shards: int = knob(1, least=1)
    """Jobs that share the judging of one row."""
    max_requeues: int = knob(20, least=0)
    """Times that one job is put back into the queue after a time limit or a preemption; then it fails."""
    signal_s: int = knob(120, least=1)
    """How long before the time limit a job is told to save its work. Slurm may tell it up to a minute earlier."""


Launcher = Local | Slurm
KINDS: dict[str, type] = {"local": Local, "slurm": Slurm}
"""By the name in the YAML file."""
