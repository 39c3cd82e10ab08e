"""One node of the graph as a job of submitit: on a cluster, or beside this process.

Loaded from the frozen code of its submission. It sets up the processes of a training, answers Slurm's signals, goes
back into the queue when its time is up, and keeps a line for each attempt in the row's folder.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from codem import interruption, launchers, provenance
from codem import run as runs
from codem.errors import CodemError, StageError
from codem.graph import Node
from codem.settings import Cell
from codem.slurm import attempts, requeue
from codem.slurm import job as slurm_job
from codem.slurm.job import Place

GIVEN_UP = "the first process of this job has failed; its log says why"


@dataclass(frozen=True)
class StageJob:
    node: Node
    """Its cells' paths are absolute."""
    submission: str
    argv: tuple[str, ...] = ()
    """The command that submitted it, for the records."""
    estimate: dict[str, Any] = field(default_factory=dict)
    """costs.Estimate as plain values, kept in the records beside what it really took."""
    max_requeues: int = 0

    def __call__(self) -> None:
        """Raises StageError, or what failed, so that the job ends as failed."""
        place = slurm_job.here()
        signals = _signals(place)
        launch = {"submission": self.submission, "job": place.job, "node": place.node, "estimate": self.estimate}
        if place.cluster:
            for number in signals:  # so also afterwards: submitit would make an error of a signal that is late
                signal.signal(number, signal.SIG_IGN)
        with interruption.handled(signals, patient=bool(place.cluster)), provenance.by_job(launch, self.argv):
            if place.rank > 0:
                self._follow(place)
            attempt = _Attempt(self, place)
            self._lead(place, attempt)
        if attempt.leaves is not None:
            _leave(attempt.leaves)

    def _lead(self, place: Place, attempt: _Attempt) -> None:
        from codem import ranks
        from codem.slurm import ranks as slurm_ranks

        def work() -> int:
            try:
                self.make(self._cells(place))
            except BaseException as e:
                attempt.end(e)  # while the other processes wait: one that has ended would end them all
                return 0 if attempt.leaves == 0 else 1
            attempt.end(None)
            return 0

        name = f"{place.job}.{place.restart}"
        try:
            if place.tasks > 1:
                with slurm_ranks.met(name):
                    ranks.started_by_a_launcher(work, name)
            else:
                for variable in filter(ranks.LAUNCHER_VARIABLES.fullmatch, tuple(os.environ) if place.cluster else ()):
                    del os.environ[variable]  # of the shell that submitted this job: nobody else is here to be met
                work()
        except BaseException as e:
            attempt.end(e)
        if attempt.error is not None:
            raise attempt.error

    def _follow(self, place: Place) -> NoReturn:
        from codem import ranks
        from codem.slurm import ranks as slurm_ranks

        name = f"{place.job}.{place.restart}"
        with slurm_ranks.met(name):
            code = ranks.started_by_a_launcher(lambda: 0, name)
        if code:
            print(GIVEN_UP, file=sys.stderr)
        _leave(code)

    def _cells(self, place: Place) -> tuple[Cell, ...]:
        """With as many workers as this job has processors, which the machine that submitted it could not know."""
        if not place.cpus or any(word.startswith("workers=") for word in self.argv):
            return self.node.cells
        return tuple(replace(cell, workers=place.cpus) for cell in self.node.cells)

    def make(self, cells: tuple[Cell, ...]) -> None:
        """The work itself."""
        from codem import stages, summary

        if self.node.stage == "summary":
            summary.run(cells, self.submission)
            return
        if self.node.stage == "generate":
            for cell in filter(stages.TRAIN.missing, cells):
                if cell.trains:  # Slurm can lose a dependency, such as when its controller is started anew
                    raise StageError(
                        f"{self.node.row}: its training is not finished: that job was cancelled, or has failed. "
                        f"python -m codem.launch retry {self.node.row} submits it again"
                    )
                stages.TRAIN.run(cell)  # of the base itself, a record is all it needs
        stages.make(self.node.stage, cells)


class _Attempt:
    """This attempt, on record from its beginning to its end, which is decided here."""

    def __init__(self, job: StageJob, place: Place):
        self.job, self.place = job, place
        self.path: Path = attempts.of_node(job.node, job.submission)
        self.is_over = False
        self.error: BaseException | None = None
        """What is to be raised, so that the job ends as failed."""
        self.leaves: int | None = None
        """The exit code with which this process ends without a word: Slurm has its own plans with the job."""
        self.name = {"submission": job.submission, "job": place.job, "restart": place.restart}
        with interruption.looked_for():
            started = {"node": place.node, "pid": os.getpid(), "started": runs.now()}
            attempts.append(self.path, self.name | started | {"mark": requeue.mark(job.node)})

    def end(self, error: BaseException | None) -> None:
        """error: None when the stage is done. Says so on record, and puts the job back into the queue where that is
        what to do."""
        if self.is_over:
            return
        self.is_over = True
        with interruption.looked_for():  # nothing may interrupt this
            if error is None:
                self._write("done", "", "")
            elif not isinstance(error, interruption.Terminated | interruption.Stopped | KeyboardInterrupt):
                self._fail(error)
            elif self.place.is_slurm:
                try:
                    self._decide(error)
                except Exception as e:
                    self._fail(e)
            else:
                self._write("stopped", str(error) or type(error).__name__, interruption.asked_by())
                # submitit keeps no word of what is no Exception
                self.error = StageError(str(error)) if self.place.cluster else error

    def _fail(self, error: BaseException) -> None:
        self.error = error
        self._write("failed", said(error, self.job.node.cell.runs, self.place.tasks), "")

    def _decide(self, error: BaseException) -> None:
        job, asked_by = self.place.job, interruption.asked_by()
        past = attempts.of_job(attempts.read(self.path), self.job.submission, job)
        mark = requeue.mark(self.job.node)
        now = slurm_job.now(job) or slurm_job.assumed()
        decision = requeue.decide(now, asked_by, self._limits(), past, mark)
        self._write(decision.end, decision.why, decision.by, mark)
        if decision.end == "requeued":
            print(f"{error}\n{decision.why}: back into the queue", flush=True)
            refused = slurm_job.requeue(job)
            if refused:
                why = f"{decision.why}; Slurm does not put the job back into the queue: {refused}"
                self._write("failed", why, decision.by, mark)
                self.error = StageError(f"{why}. The same command goes on from here")
            else:
                self.leaves = 0
        elif decision.end == "stopped":
            print(f"{error}\n{decision.why}", flush=True)
            self.leaves = interruption.EXIT_CODE
        else:
            self.error = StageError(decision.why)

    def _limits(self) -> requeue.Limits:
        launcher, stage = self.job.node.cell.launcher, self.job.node.stage
        if not isinstance(launcher, launchers.Slurm):
            raise StageError(f"a job on Slurm needs launcher=slurm, found {launcher.name}")
        return requeue.Limits(launcher.signal_s, self.job.max_requeues, stage, str(getattr(launcher, stage).time))

    def _write(self, end: str, why: str, by: str, mark: str | None = None) -> None:
        mark = requeue.mark(self.job.node) if mark is None else mark
        ended = {"ended": runs.now(), "end": end, "why": why, "by": by, "mark": mark}
        attempts.append(self.path, self.name | ended)


def said(error: BaseException, where: Path, processes: int = 1) -> str:
    """In words that a user understands; the traceback is in the log. processes: of the job."""
    if isinstance(error, CodemError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the memory of this job was full; give it more (launcher.<stage>.memory)"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename or where}; nothing finished is lost"
    others = "; another process of this job may have ended before: the logs of the job say so" if processes > 1 else ""
    return f"{type(error).__name__}: {error}{others}"


def _signals(place: Place) -> tuple[signal.Signals, ...]:
    """Those that ask this job to end: submitit lets a user choose which one Slurm sends before the time limit."""
    if not place.cluster:
        return interruption.SIGNALS
    from submitit import JobEnvironment

    return tuple(dict.fromkeys((*interruption.SIGNALS, JobEnvironment._usr_sig())))


def _leave(code: int) -> NoReturn:
    """Without the result or the error that submitit would keep."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
