"""Several rows at once on this machine, each in a process of its own: launcher.parallel=2.

The processes are jobs of submitit's local executor, and do what jobs of a cluster do. Their output lies in
runs/.launch/jobs/<submission>/, and what matters of it is shown here as it comes.

The command holds that folder (codem/run.py's `held`) while it wants the rows. Once it no longer does, for whatever
reason, SIGKILL included, each row ends itself in order: what is finished is kept.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from codem import graph, interruption, pipeline, train
from codem import run as runs
from codem.graph import Node
from codem.launchers import Local
from codem.progress import duration
from codem.row_job import KEPT_BACK, Outcome, RowJob
from codem.sandbox import open_sandbox
from codem.settings import Cell
from codem.slurm.stage_job import StageJob

LOOK_EVERY_S = 0.2
NO_LIMIT_MIN = 60 * 24 * 365
"""submitit wants a time limit."""
SAID = re.compile(r"  (\S+(?: \S+){0,3}: .*)")
"""How a stage speaks of itself, `  train go: 20/100`; not the tables that it may print."""
LOG_LINES = 5


def run(cells: Sequence[Cell], stages: Sequence[str]) -> int:
    """All stages of every cell, `launcher.parallel` rows at once. Returns the exit code."""
    launcher = cells[0].launcher
    assert isinstance(launcher, Local)
    by_run: dict[runs.Run, list[Cell]] = {}
    for cell in cells:
        by_run.setdefault(train.run_of(cell), []).append(cell)
    units, failed = [], []
    for number, (run, mine) in enumerate(by_run.items(), 1):
        unit = _Unit(f"[{number}/{len(by_run)}] {run}", mine)
        try:
            unit.nodes = graph.of(mine, stages)
            if any(node.stage == "execute" for node in unit.nodes):
                open_sandbox(mine[0].sandbox)  # a machine that cannot judge says so before it trains
        except Exception as e:  # a row's failure is its own
            print(f"{unit.name} failed: {pipeline.explained(e, mine[0].runs)}", file=sys.stderr, flush=True)
            failed += mine
        else:
            units.append(unit)
    todo = [unit for unit in units if unit.nodes]
    if todo:
        with _Rows(launcher.parallel, cells[0].runs).opened() as rows:
            shared = [n for n in graph.of([c for u in todo for c in u.cells], stages) if n.stage == "prepare"]
            failed += rows.prepare(shared)
            for unit in todo:
                unit.nodes = [node for node in unit.nodes if node.stage != "prepare"]
            failed += rows.run([u for u in todo if u.nodes and not any(c in failed for c in u.cells)])
            if rows.is_over():
                by, code = (" by SIGTERM", interruption.EXIT_CODE) if interruption.asked() else ("", 130)
                print(f"\nStopped{by}; the same command goes on from here.", file=sys.stderr)
                return code
    return pipeline.conclude(cells, failed, len(todo))


@dataclass
class _Unit:
    """A row, or what rows share: the work of one process."""

    name: str
    """For the terminal: `[2/9] runs/tiny/sft/go/seed0`"""
    cells: Sequence[Cell]
    nodes: list[Node] = field(default_factory=list)
    started: float = 0.0
    job: Any = None
    """submitit's."""
    shown: int = 0
    """Bytes of its output that were looked at."""

    def news(self) -> Iterator[str]:
        """What its stages have said since the last look."""
        try:
            with open(self.job.paths.stdout, "rb") as f:
                f.seek(self.shown)
                whole, newline, _ = f.read().rpartition(b"\n")
        except FileNotFoundError:
            return
        self.shown += len(whole) + len(newline)
        for line in whole.decode("utf-8", "replace").splitlines():
            if found := SAID.fullmatch(line):
                yield found[1]

    def outcome(self) -> Outcome:
        """Once its process has ended."""
        if self.job.paths.result_pickle.exists():
            return self.job.result()
        log = self.job.paths.stdout
        last = log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:] if log.exists() else []
        said = "\n".join([f"its process was killed; often the machine's memory was full. The last of {log}:", *last])
        return Outcome(said)


@dataclass
class _Rows:
    """The processes of one command."""

    at_once: int
    root: Path
    interrupts: int = 0
    """How often Ctrl-C was pressed."""
    folder: Path = field(init=False)
    executor: Any = field(init=False)
    gpus: list[str] = field(init=False)
    wanted: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def opened(self) -> Iterator[_Rows]:
        from submitit import LocalExecutor

        submission = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        self.folder = runs.Launches(self.root).jobs(submission)
        self.gpus = _gpus()
        with self.wanted, self._interrupts_counted(), interruption.looked_for():
            self.wanted.enter_context(runs.held(self.folder))
            self.executor = LocalExecutor(self.folder)
            self.executor.update_parameters(timeout_min=NO_LIMIT_MIN, stderr_to_stdout=True)
            yield self

    def is_over(self) -> bool:
        """Whether the command is to end."""
        return self.interrupts > 0 or interruption.asked()

    def prepare(self, nodes: Sequence[Node]) -> list[Cell]:
        """Returns the cells that cannot do without what could not be made."""
        return self.run([_Unit(f"prepare {node.row}", node.cells, [node]) for node in nodes])

    def run(self, units: Sequence[_Unit]) -> list[Cell]:
        """Returns the cells of those that failed. Ends early when the command is to end."""
        waiting = list(units)
        failed: list[Cell] = []
        under_way: dict[int, _Unit] = {}
        while under_way or (waiting and not self.is_over()):
            for place in range(self.at_once):
                if waiting and place not in under_way and not self.is_over():
                    under_way[place] = waiting.pop(0)
                    self._start(under_way[place], place)
            time.sleep(LOOK_EVERY_S)
            if self.is_over():
                self._end(under_way.values())
            for place, unit in list(under_way.items()):
                has_ended = unit.job.done()  # before its last words are read
                for line in unit.news():
                    print(f"{unit.name} {line}", flush=True)
                if has_ended:
                    del under_way[place]
                    failed += [] if self._is_well(unit) else unit.cells
        return failed

    def _start(self, unit: _Unit, place: int) -> None:
        environment = {"CUDA_VISIBLE_DEVICES": ",".join(share(self.gpus, place, self.at_once))}
        if "OMP_NUM_THREADS" not in os.environ:
            environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // self.at_once))
        jobs = [StageJob(_among(node, self.at_once), self.folder.name, tuple(sys.argv[1:])) for node in unit.nodes]
        unit.started = time.monotonic()
        signal.pthread_sigmask(signal.SIG_BLOCK, KEPT_BACK)
        try:
            unit.job = self.executor.submit(RowJob(tuple(jobs), self.folder, environment))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, KEPT_BACK)
        print(f"{unit.name}: {', '.join(dict.fromkeys(node.stage for node in unit.nodes))}", flush=True)

    def _is_well(self, unit: _Unit) -> bool:
        outcome = unit.outcome()
        if outcome.was_stopped and self.is_over():
            print(f"{unit.name} stopped", flush=True)
        elif outcome.error or outcome.was_stopped:
            print(f"{unit.name} failed: {outcome.error}", file=sys.stderr, flush=True)
        else:
            print(f"{unit.name} done in {duration(time.monotonic() - unit.started)}", flush=True)
        return not (outcome.error or outcome.was_stopped)

    def _end(self, units: Iterable[_Unit]) -> None:
        """In order; at once when Ctrl-C was pressed again."""
        self.wanted.close()
        for unit in units if self.interrupts > 1 else ():
            if not unit.job.done():
                os.kill(int(unit.job.job_id), signal.SIGKILL)  # submitit's process; the kernel kills the row's with it

    @contextmanager
    def _interrupts_counted(self) -> Iterator[None]:
        def count(number: int, frame: Any) -> None:
            self.interrupts += 1

        before = signal.signal(signal.SIGINT, count)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def share(gpus: Sequence[str], place: int, places: int) -> Sequence[str]:
    """The GPUs of one of so many rows that run at once: as many for each, or one for several rows."""
    each = len(gpus) // places
    return gpus[place * each : (place + 1) * each] if each else gpus[place % len(gpus) :][:1] if gpus else []


def _gpus() -> list[str]:
    """As CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _among(node: Node, rows: int) -> Node:
    """The same work where `rows` share this machine's processors."""
    return replace(node, cells=tuple(replace(c, workers=max(1, c.workers // rows)) for c in node.cells))
