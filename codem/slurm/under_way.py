"""Which nodes of a graph Slurm works on already, because an earlier command has submitted them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codem import execute
from codem.errors import CodemError
from codem.graph import Node
from codem.slurm import ledger
from codem.slurm import queue as slurm_queue
from codem.slurm.arrays import Job
from codem.slurm.cluster import patiently
from codem.slurm.ledger import Entry, Key
from codem.slurm.queue import Live, Queue


@dataclass
class Work:
    todo: list[int] = field(default_factory=list)
    """Places of the nodes that are to be submitted."""
    jobs: dict[int, Job] = field(default_factory=dict)
    """Place -> the job that makes it, of nodes that are under way."""
    after: dict[int, tuple[Job, ...]] = field(default_factory=dict)
    """Place of a node to be submitted -> jobs that work in the same folder on something else, and must have ended."""
    stale: list[Job] = field(default_factory=list)
    """Jobs that wait for one that has failed; they are to be cancelled, and their nodes submitted anew."""


def key(node: Node) -> Key:
    cell = node.cell
    if node.stage == "generate":
        return Key(node.stage, node.row, cell.bench_name, cell.decode.name, None, "")
    if node.stage != "execute":
        return Key(node.stage, node.row, "", "", None, "")
    ways = {execute.variant(cell, lang) for lang in cell.eval_lang}
    shard = str(cell.shard) if cell.shard else None
    return Key(node.stage, node.row, cell.bench_name, cell.decode.name, shard, "+".join(sorted(filter(None, ways))))


def jobs_under_way(root: Path) -> list[tuple[Entry, Live]]:
    """All that was submitted from a runs folder and is not over. Raises CodemError when Slurm does not answer: it might
    be working on anything."""
    known = ledger.entries(root)
    if not known:
        return []
    queue = Queue()

    def look() -> tuple[str, str]:
        nonlocal queue
        queue = slurm_queue.look(known)
        return "", queue.error

    if error := patiently(look)[1]:
        raise CodemError(f"Slurm does not say what is under way: {error}; try again later")
    found = [(entry, live) for entry in known if (live := queue.of(entry)) and not live.is_over]
    for comment, array in {e.comment: live.job.split("_")[0] for e, live in found if e.job is None}.items():
        ledger.add_job(root, comment, array)  # its command was killed before it could
    return found


def work(nodes: Sequence[Node], under_way: Sequence[tuple[Entry, Live]]) -> Work:
    mine: dict[tuple, list[tuple[Entry, Live]]] = defaultdict(list)
    for entry, live in under_way:
        mine[entry.key].append((entry, live))
    going_on = {live.job for _, live in under_way if live.state != "COMPLETING"}
    made = Work()
    for place, node in enumerate(nodes):
        if node.stage == "summary" and made.todo:
            made.todo.append(place)  # one that waits already knows nothing of what is submitted now
            continue
        again = bool(set(node.needs) & set(made.todo))
        left = []
        for entry, live in mine[key(node)]:
            job = job_of(live)
            if again and live.state == "PENDING" and not going_on & set(entry.needs):
                made.stale.append(job)
            elif live.state == "COMPLETING" or not set(node.missing) <= set(entry.work):
                left.append(job)  # it ends, and did not make this; or it makes something else
            else:
                made.jobs[place] = job
        if place not in made.jobs:
            made.todo.append(place)
            if left:
                made.after[place] = tuple(left)
    return made


def job_of(live: Live) -> Job:
    array, _, index = live.job.partition("_")
    return Job(array, int(index))
