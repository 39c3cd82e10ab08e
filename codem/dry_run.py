"""What a command would do, all of it: `launch.dry_run=true`. Rows (codem/plan.py), jobs and their resources, what is
under way, GPU-hours, wall time, and what cannot work. Nothing is fetched, made or submitted; Slurm need not be here.

    print(dry_run.text(cells, ("train", "generate", "execute")))
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codem import cannot_work, costs, graph, plan, plan_text
from codem.costs import Estimate
from codem.errors import CodemError
from codem.graph import Node
from codem.launchers import Slurm
from codem.settings import Cell


@dataclass(frozen=True)
class DryRun:
    rows: list[plan.Row]
    nodes: list[Node]
    """Of the rows that are not refused."""
    estimates: list[Estimate]
    """Of each node."""
    under_way: dict[int, str]
    """Place of a node that was submitted earlier -> its job."""
    unasked: str
    """Why it is not known what is under way; empty where that is known, or nothing was ever submitted."""
    wall_s: float
    """Of all that would be submitted or run, as far as it can be estimated, without the wait in a queue."""
    warnings: list[str]


def of(cells: Sequence[Cell], stages: Sequence[str]) -> DryRun:
    """stages: those that the command runs, of `train`, `generate` and `execute`."""
    rows = plan.of(cells, stages)
    nodes, refusals = _graph([row.cell for row in rows if not row.refused], stages)
    rows = [plan.refused(row, refusals[id(row.cell)]) if id(row.cell) in refusals else row for row in rows]
    estimates = [costs.estimate(node) for node in nodes]
    under_way, unasked = _under_way(nodes)
    todo = [n for n in range(len(nodes)) if n not in under_way]
    return DryRun(
        rows,
        nodes,
        estimates,
        under_way,
        unasked,
        _wall_s(nodes, estimates, todo),
        cannot_work.of([nodes[n] for n in todo], [estimates[n] for n in todo]),
    )


def text(cells: Sequence[Cell], stages: Sequence[str]) -> str:
    made = of(cells, stages)
    parts = [plan_text.text(made.rows), plan_text.jobs(made), plan_text.LAST]
    return "\n\n".join(part for part in parts if part)


def _graph(cells: Sequence[Cell], stages: Sequence[str]) -> tuple[list[Node], dict[int, str]]:
    """The nodes, and why some cells have none, by identity."""
    shards = next((c.launcher.shards for c in cells if isinstance(c.launcher, Slurm)), 1)
    on_slurm = any(isinstance(c.launcher, Slurm) for c in cells)
    try:
        return graph.of(cells, stages, shards, summary=on_slurm), {}
    except CodemError:
        refusals = {}
        for cell in cells:
            try:
                graph.of([cell], stages, shards)
            except CodemError as e:
                refusals[id(cell)] = str(e)
        if not refusals:
            raise
        return graph.of([c for c in cells if id(c) not in refusals], stages, shards, summary=on_slurm), refusals


def _under_way(nodes: Sequence[Node]) -> tuple[dict[int, str], str]:
    if not nodes or not isinstance(nodes[0].cell.launcher, Slurm):
        return {}, ""
    from codem.slurm import ledger, under_way
    from codem.slurm import queue as slurm_queue

    root = Path(nodes[0].cell.runs).absolute()
    known = ledger.entries(root)
    if not known:
        return {}, ""
    if shutil.which("squeue") is None:
        return {}, "this machine has no squeue: what is under way already is not left out"
    queue = slurm_queue.look(known)
    if queue.error:
        return {}, f"Slurm does not answer, so what is under way already is not left out: {queue.error}"
    live = [(entry, found) for entry in known if (found := queue.of(entry)) and not found.is_over]
    return {place: str(job) for place, job in under_way.work(nodes, live).jobs.items()}, ""


def _wall_s(nodes: Sequence[Node], estimates: Sequence[Estimate], todo: Sequence[int]) -> float:
    """On Slurm each stage's jobs start in their order, `array_parallelism` at once; here whole rows do, `parallel` at
    once. What is not estimated counts as nothing."""
    ends: dict[int, float] = {}
    free: dict[str, list[float]] = {}
    rows: dict[str, list[int]] = {}
    for place in todo:
        rows.setdefault(nodes[place].row, []).append(place)
    on_slurm = bool(nodes) and isinstance(nodes[0].cell.launcher, Slurm)
    for group in [[place] for place in todo] if on_slurm else rows.values():
        launcher = nodes[group[0]].cell.launcher
        at_once = launcher.array_parallelism if isinstance(launcher, Slurm) else launcher.parallel
        slots = free.setdefault(nodes[group[0]].stage if on_slurm else "", [0.0] * at_once)
        needs = [ends.get(n, 0.0) for place in group for n in nodes[place].needs] if on_slurm else []
        start = max([heapq.heappop(slots), *needs])
        end = start + sum(estimates[place].wall_s or 0.0 for place in group)
        heapq.heappush(slots, end)
        ends |= dict.fromkeys(group, end)
    return max(ends.values(), default=0.0)


def warnings_of(cells: Sequence[Cell], stages: Sequence[str]) -> list[str]:
    """What cannot work, for whoever is about to submit. Raises CodemError as the graph does."""
    return cannot_work.of(_graph(cells, stages)[0])
