"""Train in this process, in one process per GPU of this machine, or together with those that a launcher has started.

    python -m codem.train ...                          # one process, or one per GPU: codem/local_ranks.py
    torchrun --nproc-per-node 8 -m codem.train ...     # any launcher that sets RANK, WORLD_SIZE, MASTER_ADDR, ...

Under a launcher the first process does everything but the training alone; the others wait for a training, take part in
it, and wait for the next.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from codem import interruption, plugins
from codem.errors import StageError
from codem.job import Job

LAUNCHER_VARIABLES = re.compile("(LOCAL_)?(RANK|WORLD_SIZE)|MASTER_(ADDR|PORT)|TORCHELASTIC_.*")
LOOK_EVERY_S = 0.2
FAREWELL_S = 20.0
"""How long a process that failed waits for the first one to fail as well and say why, before it ends and takes the
others with it."""
DECISION_S = 3600.0
"""How long a process that was asked to end waits for the first one, which may have a scheduler to talk to before."""
MEET_WITHIN = timedelta(minutes=10)


def run(job: Job) -> dict[str, Any]:
    """Make the job's model with its method; returns what the record keeps of it."""
    if _launch is not None:
        return _launch.lead(job)
    here = _gpus_here()
    count = _useful(here, job.config.gpus, job.config.grad_accumulation)
    # After ZeRO-3 DeepSpeed holds on to the model: only the end of a process gives a GPU's memory back.
    if count > 1 or (here and job.deepspeed.get("zero_optimization", {}).get("stage") == 3):
        from codem.local_ranks import run_here

        return run_here(job, count)
    return train(job)


def train(job: Job) -> dict[str, Any]:
    """In this very process, which may be one of several."""
    try:
        return plugins.load("methods", job.method).train(job)
    finally:
        _forget_engine()


def started_by_a_launcher(lead: Callable[[], int], name: str = "") -> int:
    """A command: all of it in a launcher's first process, its trainings in the others. Returns the exit code.

    name: of the launch; processes of launches with other names never take each other for their own.
    The launcher's variables are hidden, but for the trainings: other users of torch would wait for the other processes.
    """
    global _launch
    variables = {name: value for name, value in os.environ.items() if LAUNCHER_VARIABLES.fullmatch(name)}
    for name in variables:
        del os.environ[name]
    if int(variables.get("WORLD_SIZE", "1")) == 1:
        return lead()
    mine = _Launch(variables, name)
    if mine.rank > 0:
        return mine.follow()
    code = 1
    try:
        _launch = mine
        code = lead()
    finally:
        _launch = None
        mine.dismiss(code)
    return code


def are_lost() -> bool:
    """A training has failed under a launcher: nobody knows where the other processes stand, so nothing can be trained
    after it."""
    return _launch is not None and _launch.lost


@dataclass
class _Launch:
    """The processes of a launcher, seen from one of them. They talk through the key-value store that torch has for
    processes to find each other: it needs no process group, so waiting costs nothing and has no time limit."""

    variables: dict[str, str]
    name: str
    store: Any = field(init=False)
    jobs: int = 0
    lost: bool = False

    def __post_init__(self) -> None:
        import torch.distributed as dist

        with self._shown():
            store, _, _ = next(dist.rendezvous("env://", self.rank, self.size, timeout=MEET_WITHIN))
        restart = self.variables.get("TORCHELASTIC_RESTART_COUNT", "0")
        self.store = dist.PrefixStore(f"codem/{self.name}/{restart}", store)

    @property
    def rank(self) -> int:
        return int(self.variables["RANK"])

    @property
    def size(self) -> int:
        return int(self.variables["WORLD_SIZE"])

    def lead(self, job: Job) -> dict[str, Any]:
        """Train with all others. Raises StageError with what the first that failed said."""
        self.store.set(f"job{self.jobs}", pickle.dumps(replace(job, report=Job.report)))
        self.jobs += 1
        try:
            with self._shown():
                return train(job)
        except StageError:
            self.lost = True
            raise
        except Exception as e:
            self.lost = True
            time.sleep(2 * LOOK_EVERY_S)  # what ended it here may be the end of another, who says so
            for rank in range(1, self.size):
                if self.store.check([f"failed{rank}"]):
                    raise StageError(f"process {rank}: {self.store.get(f'failed{rank}').decode()}") from e
            raise

    def dismiss(self, code: int) -> None:
        """Let the others end with this exit code, and wait until they have heard it: the store may live in here."""
        self.store.set("end", str(code))
        heard = [f"heard{rank}" for rank in range(1, self.size)]
        deadline = time.monotonic() + FAREWELL_S
        while not self.store.check(heard) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)

    def follow(self) -> int:
        """Take part in every training until dismissed; returns the exit code of the first process."""
        try:
            while (message := self._next()) is not None:
                job = pickle.loads(message)
                self.jobs += 1
                with self._shown():
                    train(job)
        except (interruption.Terminated, interruption.Stopped):
            with interruption.looked_for(), suppress(Exception):  # the first process may be gone
                if self._dismissed(DECISION_S) is not None:
                    return int(self.store.get("end"))
            return interruption.EXIT_CODE
        except Exception as e:
            said = str(e) if isinstance(e, StageError) else f"{type(e).__name__}: {e}"
            self.store.set(f"failed{self.rank}", said)
            if self._dismissed(FAREWELL_S) is None:
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)  # the others may wait for this one in a way that keeps it from ending in order
        return int(self.store.get("end"))

    def _next(self) -> bytes | None:
        """The next training, when it comes; None when there is none any more."""
        name = f"job{self.jobs}"
        with interruption.looked_for():  # whether to begin is for the first process to say: it was asked to end as well
            while not self.store.check([name]):
                if self._dismissed(0) is not None:
                    return None
                time.sleep(LOOK_EVERY_S)
            return self.store.get(name)

    def _dismissed(self, patience_s: float) -> int | None:
        deadline = time.monotonic() + patience_s
        while not self.store.check(["end"]):
            if time.monotonic() >= deadline:
                return None
            time.sleep(LOOK_EVERY_S)
        self.store.set(f"heard{self.rank}", "")
        return int(self.store.get("end"))

    @contextmanager
    def _shown(self) -> Iterator[None]:
        os.environ.update(self.variables)
        try:
            yield
        finally:
            for name in self.variables:
                os.environ.pop(name, None)


_launch: _Launch | None = None


def _gpus_here() -> int:
    import torch

    return torch.cuda.device_count()


def _useful(here: int, wanted: int, grad_accumulation: int) -> int:
    """The most processes, of those there can be, that a step's micro-batches can be shared out to evenly."""
    micro_batches = grad_accumulation * wanted
    return max((n for n in range(1, min(here, wanted) + 1) if micro_batches % n == 0), default=1)


def _forget_engine() -> None:
    """After ZeRO-3 transformers would split the next model, too, over processes, in this process until the end."""
    if "transformers" not in sys.modules:
        return
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()
