"""Nodes of one stage -> job arrays, with as few of them, and of dependencies between them, as can be.

Where each row's job waits for one job of the same row, the two arrays have the same numbers and are joined by
`aftercorr`: row 3 is scored as soon as row 3 is trained. Where all wait for one job, by `afterok`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One task of an array that was submitted."""

    array: str
    index: int

    def __str__(self) -> str:
        return f"{self.array}_{self.index}"


@dataclass(frozen=True)
class Task:
    """A node that is about to be submitted."""

    place: int
    """In the graph."""
    needs: tuple[Job, ...] = ()
    """Must have succeeded."""
    after: tuple[Job, ...] = ()
    """Must have ended."""


@dataclass(frozen=True)
class Array:
    tasks: tuple[Task, ...]
    indices: tuple[int, ...]
    """Of the tasks, in the same order, rising."""
    dependency: str
    """As sbatch spells it; empty: none."""

    @property
    def numbers(self) -> str:
        """Of the tasks, as sbatch's --array spells them: `0-3,7`."""
        return _ranges(self.indices)

    def halves(self) -> tuple[Array, Array]:
        middle = len(self.tasks) // 2
        return (
            Array(self.tasks[:middle], self.indices[:middle], self.dependency),
            Array(self.tasks[middle:], self.indices[middle:], self.dependency),
        )


def arrays(tasks: Sequence[Task], most: int, sizes: Mapping[str, int] | None = None) -> list[Array]:
    """most: an index must be below it (MaxArraySize). sizes: tasks of the arrays there are, by their number: where all
    of one are waited for, it is named as a whole."""
    together: dict[tuple, list[Task]] = defaultdict(list)
    for task in tasks:
        together[_shape(task)].append(task)
    made = []
    for mine in together.values():
        if len(mine[0].needs) == 1 and not mine[0].after:
            made += _of_one_parent(mine, most)
        else:
            made += _numbered(mine, _dependency(mine[0], sizes or {}), most)
    return made


def _shape(task: Task) -> tuple:
    """Tasks of one shape can be in one array: they wait for the same jobs, or each for one job of the same array."""
    if len(task.needs) == 1 and not task.after:
        return (task.needs[0].array,)
    return (task.needs, task.after)


def _of_one_parent(tasks: Sequence[Task], most: int) -> list[Array]:
    children: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        children[task.needs[0].index].append(task)
    array = tasks[0].needs[0].array
    layers = max(map(len, children.values()))
    if len(children) <= layers:
        return [a for mine in children.values() for a in _numbered(mine, _dependency(mine[0], {}), most)]
    made = []
    for layer in range(layers):
        mine = [(index, kids[layer]) for index, kids in sorted(children.items()) if layer < len(kids)]
        made.append(Array(tuple(t for _, t in mine), tuple(n for n, _ in mine), f"aftercorr:{array}"))
    return made


def _numbered(tasks: Sequence[Task], dependency: str, most: int) -> list[Array]:
    chunks = [tasks[start : start + most] for start in range(0, len(tasks), most)]
    return [Array(tuple(chunk), tuple(range(len(chunk))), dependency) for chunk in chunks]


def _dependency(task: Task, sizes: Mapping[str, int]) -> str:
    kinds = [("afterok", task.needs), ("afterany", task.after)]
    return ",".join(":".join([kind, *_names(jobs, sizes)]) for kind, jobs in kinds if jobs)


def _names(jobs: Sequence[Job], sizes: Mapping[str, int]) -> list[str]:
    by_array: dict[str, list[Job]] = defaultdict(list)
    for job in dict.fromkeys(jobs):
        by_array[job.array].append(job)
    return [
        name
        for array, mine in by_array.items()
        for name in ([array] if len(mine) == sizes.get(array) else [str(job) for job in mine])
    ]


def _ranges(numbers: Sequence[int]) -> str:
    said = []
    start = before = None
    for number in [*sorted(numbers), None]:
        if before is not None and number == before + 1:
            before = number
            continue
        if start is not None:
            said.append(f"{start}" if start == before else f"{start}-{before}")
        start = before = number
    return ",".join(said)
