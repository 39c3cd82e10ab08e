"""SIGTERM or SIGUSR2, in any stage: what is finished is kept, the record says failed, and the same command goes on.

A first signal ends training at the end of a step, with a checkpoint, on all processes at once; elsewhere it raises
Terminated in the main thread. A second one ends the process on the spot, unless its caller is `patient`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codem.errors import StageError

EXIT_CODE = 128 + signal.SIGTERM
SIGNALS = (signal.SIGTERM, signal.SIGUSR2)
"""Slurm sends SIGUSR2 to a job that asked to be told before its time limit."""
SAME_S = 3.0
"""A launcher and a cluster's scheduler both send theirs: two within this time are one."""


class Terminated(BaseException):
    """No Exception: nothing that goes on after an error may go on after this."""


class Stopped(StageError):
    """The end of a training that was asked to end, and has saved a checkpoint."""


class _State:
    asked_at: float | None = None
    """By the monotonic clock."""
    asked_by = "SIGTERM"
    patient = False
    waits = False
    """Whoever does the work looks at `asked` itself."""
    file: Path | None = None
    """Another way to ask: this file exists. It holds the name of the signal that its maker got."""


_state = _State()


def asked() -> bool:
    """Whether this process is to end."""
    return _state.asked_at is not None or (_state.file is not None and _state.file.exists())


def obey() -> None:
    """To be called where nothing is under way. Raises Terminated when this process is to end."""
    if asked():
        raise Terminated(message())


def asked_by() -> str:
    """The name of the signal."""
    if _state.asked_at is None and _state.file is not None and _state.file.exists():
        return _state.file.read_text("utf-8")
    return _state.asked_by


def message(at: str = "") -> str:
    """at: `at step 7 of 10`"""
    return f"stopped by {asked_by()}{' ' + at if at else ''}; the same command goes on from {'there' if at else 'here'}"


@contextmanager
def handled(signals: Sequence[signal.Signals] = SIGNALS, patient: bool = False) -> Iterator[None]:
    """Signals are answered in this block, by the main thread of a command; afterwards as before. What was asked in a
    block inside another one is still asked after it.

    patient: this process takes the time it needs, however often it is asked. A cluster asks again when the time limit
    is reached, and kills by other means. A command in the background of a script ignores SIGINT: it still does, but
    the programs that it starts do not inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_inside = signal.getsignal(signal.SIGTERM) is _on_signal
    before_patient, _state.patient = _state.patient, patient
    before: dict[signal.Signals, Any] = {number: signal.signal(number, _on_signal) for number in signals}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, ignored)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _state.patient = before_patient
        if not is_inside:
            _state.asked_at, _state.waits, _state.asked_by = None, False, "SIGTERM"


@contextmanager
def looked_for() -> Iterator[None]:
    """In this block a signal raises nothing: the block asks `asked` where it can stop."""
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
                raise Stopped(message(f"at step {state.global_step} of {state.max_steps}"))

    return Interruption()


def ignored(number: int, frame: Any) -> None:
    """As SIG_IGN, but only in this process: what it starts has no handlers, and would go on ignoring."""


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


def _on_signal(number: int, frame: Any) -> None:
    now = time.monotonic()
    if _state.asked_at is None:
        _state.asked_at, _state.asked_by = now, signal.Signals(number).name
        if not _state.waits:
            raise Terminated(message())
    elif now - _state.asked_at > SAME_S and not _state.patient:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
