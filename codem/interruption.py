"""SIGTERM, in any stage: what is finished is kept, the record says failed, and the same command goes on.

A first SIGTERM ends training at the end of a step, with a checkpoint, on all processes at once; elsewhere it raises
Terminated in the main thread. A second one ends the process on the spot.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codem.errors import StageError

EXIT_CODE = 128 + signal.SIGTERM
MESSAGE = "stopped by SIGTERM; the same command goes on from here"
SAME_S = 3.0
"""A launcher and a cluster's scheduler both send theirs: two within this time are one."""


class Terminated(BaseException):
    """No Exception: nothing that goes on after an error may go on after this."""


class _State:
    asked_at: float | None = None
    """By the monotonic clock."""
    waits = False
    """Whoever does the work looks at `asked` itself."""
    file: Path | None = None
    """Another way to ask: this file exists."""


_state = _State()


def asked() -> bool:
    """Whether this process is to end."""
    return _state.asked_at is not None or (_state.file is not None and _state.file.exists())


def obey() -> None:
    """To be called where nothing is under way. Raises Terminated when this process is to end."""
    if asked():
        raise Terminated(MESSAGE)


@contextmanager
def handled() -> Iterator[None]:
    """SIGTERM is answered in this block, by the main thread of a command; afterwards as before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _state.asked_at, _state.waits = None, False


@contextmanager
def looked_for() -> Iterator[None]:
    """In this block SIGTERM raises nothing: the block asks `asked` where it can stop."""
    before, _state.waits = _state.waits, True
    try:
        yield
    finally:
        _state.waits = before


def ask_by(file: Path) -> None:
    """From now on the existence of this file, too, asks this process to end."""
    _state.file = file


def callback() -> Any:
    """A TrainerCallback, for training in a block that is `looked_for`: once any process was asked to end, all save a
    checkpoint at the end of the same step, and raise StageError. Goes on exactly from there: the checkpoint is one like
    any other."""
    from transformers import TrainerCallback

    class Interruption(TrainerCallback):
        stopping = False

        def on_step_end(self, args, state, control, **kwargs):
            if _any_process(asked(), args.device):
                self.stopping = control.should_save = control.should_training_stop = True

        def on_save(self, args, state, control, **kwargs):
            if self.stopping:
                _all_arrived()  # or the first to leave would take the others down while they write
                raise StageError(
                    f"stopped by SIGTERM at step {state.global_step} of {state.max_steps}; "
                    f"the same command goes on from there"
                )

    return Interruption()


def _any_process(mine: bool, device: Any) -> bool:
    import torch
    import torch.distributed as dist

    if not dist.is_initialized() or dist.get_world_size() == 1:
        return mine
    flag = torch.tensor(int(mine), device=device)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag.item())


def _all_arrived() -> None:
    import torch.distributed as dist

    if dist.is_initialized():
        dist.barrier()


def _on_sigterm(number: int, frame: Any) -> None:
    now = time.monotonic()
    if _state.asked_at is None:
        _state.asked_at = now
        if not _state.waits:
            raise Terminated(MESSAGE)
    elif now - _state.asked_at > SAME_S:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
