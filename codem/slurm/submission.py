"""Hand the graph of a command to Slurm through submitit, and return.

cells -> graph -> what is missing and not under way -> frozen code -> job arrays that wait for each other
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codem import cannot_work, costs, graph
from codem.errors import CodemError
from codem.graph import Node
from codem.interruption import Terminated
from codem.launchers import Slurm
from codem.run import Launches
from codem.settings import Cell
from codem.slurm import cluster as slurm_cluster
from codem.slurm import frozen, ledger, submitter, under_way
from codem.slurm.resources import asked

__all__ = ["asked", "submit"]


def submit(
    cells: Sequence[Cell],
    stages: Sequence[str],
    make_job: Callable[..., Any] | None = None,
    argv: Sequence[str] | None = None,
) -> int:
    """Freeze the code, submit what is missing and not under way, say what was submitted. Returns the exit code: 0, or 1
    when Slurm took only part of it, or 2 when nothing could be submitted.

    make_job: StageJob, or what stands for it. argv: the command's settings, for the records; None: this process's.
    """
    shown, given = cells[0].runs, tuple(sys.argv[1:] if argv is None else argv)
    cells = _absolute(cells)
    root = cells[0].runs
    try:
        if any(cell.runs != root for cell in cells):
            raise CodemError(
                f"runs: one submission fills one folder, found several; give {shown} and others one by one"
            )
        cluster = slurm_cluster.ask()
        if said := slurm_cluster.warning(root):
            print(f"Warning: {said}", file=sys.stderr)
        with ledger.alone(root):
            nodes, failed = _graph(cells, stages)
            work = under_way.work(nodes, under_way.jobs_under_way(root))
            if failed and not nodes:
                return 1
            if not work.todo:
                there = f"{len(nodes)} jobs for it are under way" if nodes else "all of it was done before"
                print(f"Nothing to submit: {there}; look: python -m codem.status {shown} --watch")
                return 1 if failed else 0
            estimates = [costs.estimate(node) for node in nodes]
            for said in cannot_work.of([nodes[n] for n in work.todo], [estimates[n] for n in work.todo]):
                print(f"Warning: {said}", file=sys.stderr)
            code = frozen.freeze(Launches(root), cells[0].launch.allow_dirty)
            name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
            submission = ledger.Submission(name, given, tuple(stages), str(Path.cwd()), code.as_record())
            ledger.add_submission(root, submission)
            make = make_job or _stage_job()
            made = submitter.Submitter(root, submission, code, cluster, nodes, estimates, work, make)
            try:
                made.run()
            finally:  # a signal may come in the middle
                print(made.text(shown), flush=True)
            return 1 if failed or made.lost else 0
    except CodemError as e:
        print(e, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated) as e:
        print("Stopped; what was submitted runs, and the same command submits the rest.", file=sys.stderr)
        if isinstance(e, Terminated):
            raise
        return 130


def _graph(cells: Sequence[Cell], stages: Sequence[str]) -> tuple[list[Node], int]:
    """And how many cells cannot be looked at, such as one whose folder holds another recipe's results: it is said, and
    the others go on, as they would here."""
    launcher = cells[0].launcher
    assert isinstance(launcher, Slurm)
    try:
        return graph.of(cells, stages, launcher.shards, summary=True), 0
    except CodemError:
        good = [cell for cell in cells if _can_be_planned(cell, stages)]
    return graph.of(good, stages, launcher.shards, summary=True), len(cells) - len(good)


def _can_be_planned(cell: Cell, stages: Sequence[str]) -> bool:
    try:
        graph.of([cell], stages)
    except CodemError as e:
        print(f"{Node('train', (cell,), ()).row} is not submitted: {e}", file=sys.stderr)
        return False
    return True


def _absolute(cells: Sequence[Cell]) -> list[Cell]:
    """The cells as another machine, in another folder, can take them. What is equal in all of them is one object: a job
    of many cells is pickled with all of them."""
    made: list[Cell] = []
    for cell in cells:
        source = replace(cell.source, cache_dir=cell.source.cache_dir.absolute())
        first = made[0] if made else cell
        same = first.languages if first.languages == cell.languages else cell.languages
        launcher = first.launcher if first.launcher == cell.launcher else cell.launcher
        made.append(replace(cell, runs=cell.runs.absolute(), source=source, languages=same, launcher=launcher))
    return made


def _stage_job() -> Callable[..., Any]:
    from codem.slurm.stage_job import StageJob

    return StageJob
