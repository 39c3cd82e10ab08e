"""One row in a process of its own on this machine, as a job of submitit's local executor: codem/local_jobs.py."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from codem import interruption, pipeline
from codem import run as runs
from codem.inside import kernel
from codem.slurm.stage_job import StageJob

LOOK_EVERY_S = 0.2
KEPT_BACK = (signal.SIGINT, signal.SIGHUP)
"""What a terminal sends to all processes of a command: it is the command that answers. Blocked when this process is
started, and in submitit's process between the two."""


@dataclass(frozen=True)
class Outcome:
    """How a row's process ended."""

    error: str = ""
    was_stopped: bool = False
    """It was asked to end, and did."""


@dataclass(frozen=True)
class RowJob:
    jobs: tuple[StageJob, ...]
    """The stages of a row, one after another."""
    wanted: Path
    """A folder that the command holds while it wants this."""
    environment: dict[str, str]

    def __call__(self) -> Outcome:
        os.environ.update(self.environment)
        kernel.die_with_parent()  # submitit's process, which the command kills when there is no time for an orderly end
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, KEPT_BACK)
        with interruption.handled():
            threading.Thread(target=self._end_when_unwanted, daemon=True).start()
            try:
                for job in self.jobs:
                    interruption.obey()
                    job()
            except (KeyboardInterrupt, interruption.Terminated) as e:
                return Outcome(str(e), was_stopped=True)
            except Exception as e:
                return Outcome(pipeline.explained(e, self.jobs[0].node.cell.runs), interruption.asked())
        return Outcome()

    def _end_when_unwanted(self) -> None:
        while runs.is_held(self.wanted):
            time.sleep(LOOK_EVERY_S)
        os.kill(os.getpid(), signal.SIGTERM)
