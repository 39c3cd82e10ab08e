"""Make DeepSpeed run where it is started: under a launcher, on one GPU, or on a plain CPU in this very process.

On a CPU it needs all of this: the launcher's variables (or it asks for MPI), its CPU accelerator named, and its
shared-memory extension declared absent (or it compiles one for half a minute).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from codem.errors import StageError

T = TypeVar("T")


@contextmanager
def distributed_environment() -> Iterator[int]:
    """Set what a launcher would have set, for one process, unless one has; yields the number of processes.

    All variables are as before at the end, those that the trainer sets too: left behind, they make a later trainer in
    this process wrap its model, or look for a DeepSpeed that it was not given.
    """
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]  # `accelerate launch` sets a precision of its own there
    ours: dict[str, str] = {}
    if "WORLD_SIZE" not in os.environ:
        ours = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}
        ours |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    import torch

    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    os.environ.update(ours)
    try:
        yield int(os.environ["WORLD_SIZE"])
    finally:
        for name in os.environ.keys() - before.keys() - {"DS_ACCELERATOR"}:
            del os.environ[name]
        os.environ.update(before)


def is_first_rank() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def processes() -> int:
    """How many train together here; 1 outside of training."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def by_first_rank(decide: Callable[[], T]) -> T:
    """Have the first process decide, or do, something for all that train together. All must call this.

    Its StageError is raised in all of them; another error in itself alone, which ends the others.
    """
    if processes() == 1:
        return decide()
    import torch.distributed as dist

    answer: list[Any] = [None, None]
    if is_first_rank():
        try:
            answer = [decide(), None]
        except StageError as e:
            answer = [None, e]
    dist.broadcast_object_list(answer)
    if answer[1] is not None:
        raise answer[1]
    return answer[0]


def prepare(precision: str) -> None:
    """To be called once before the first engine is made."""
    import deepspeed
    import torch
    from deepspeed.accelerator import get_accelerator

    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    else:
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
        if precision == "fp16":
            # It asks for native fp16 instructions; without them codem/half_on_cpu.py makes up for it.
            get_accelerator().is_fp16_supported = lambda: True
    if not deepspeed.comm.is_initialized():  # ZeRO-3 would count one process while it loads the weights
        deepspeed.init_distributed("nccl" if gpu else "gloo", auto_mpi_discovery=False, verbose=False)


def engine_config(choice: dict[str, Any]) -> dict[str, Any]:
    """DeepSpeed's configuration: the chosen one, with all that the method decides left to the trainer (`auto`)."""
    defaults: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": "auto",
        "train_batch_size": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        # The loss scale starts at 2^16, halves when a step overflows, and doubles after 1,000 steps that did not.
        "fp16": {
            "enabled": "auto",
            "loss_scale": 0,
            "initial_scale_power": 16,
            "loss_scale_window": 1000,
            "hysteresis": 2,
            "min_loss_scale": 1,
        },
        "bf16": {"enabled": "auto"},
        "steps_per_print": 1 << 62,
    }
    both: dict[str, Any] = {key: defaults[key] | choice[key] for key in ("fp16", "bf16") if key in choice}
    return {**defaults, **choice, **both}


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
