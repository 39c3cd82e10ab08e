"""The nodes of a graph, stage by stage, as job arrays: each on record before Slurm is given it, and after."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codem import costs
from codem import run as runs
from codem.graph import Node
from codem.launchers import STAGES, Slurm
from codem.run import Launches
from codem.slurm import cluster as slurm_cluster
from codem.slurm import ledger
from codem.slurm import queue as slurm_queue
from codem.slurm.arrays import Array, Job, Task, arrays
from codem.slurm.frozen import Code
from codem.slurm.resources import asked
from codem.slurm.under_way import Work, job_of, key

NAMES = {"prepare": ("preparation", "preparations"), "train": ("training", "trainings"),
         "generate": ("generation", "generations"), "execute": ("judging", "judgings"),
         "summary": ("summary", "summaries")}  # fmt: skip
SHOWN = 6
"""Rows, or arrays, that a line names."""


@dataclass
class Submitter:
    root: Path
    submission: ledger.Submission
    code: Code
    cluster: slurm_cluster.SlurmCluster
    nodes: Sequence[Node]
    estimates: Sequence[costs.Estimate]
    work: Work
    make_job: Callable[..., Any]
    jobs: dict[int, Job] = field(init=False)
    """By place in the graph: those that were under way, and those submitted."""
    taken: list[tuple[Array, str]] = field(default_factory=list)
    """Arrays that Slurm took, with their numbers."""
    lost: set[int] = field(default_factory=set)
    """Places of nodes that Slurm refused, or that need one that it refused."""
    gone: str = ""
    """Why Slurm can no longer be reached."""
    count: int = 0

    def __post_init__(self) -> None:
        self.jobs = dict(self.work.jobs)

    def run(self) -> None:
        if self.work.stale:
            slurm_queue.ask(["scancel", *map(str, reversed(self.work.stale))])  # what waits first
        for stage in STAGES:
            alike: dict[str, list[Task]] = {}
            for place in self.work.todo:
                node = self.nodes[place]
                if node.stage == stage and (task := self._task(place, node)):
                    alike.setdefault(json.dumps(asked(node), sort_keys=True, default=str), []).append(task)
            sizes = Counter({job: len(array.tasks) for array, job in self.taken})
            for tasks in alike.values():
                for array in arrays(tasks, self.cluster.max_array_size, sizes):
                    if error := self._submit(array):
                        self._say_refused(array, error)

    def _task(self, place: int, node: Node) -> Task | None:
        """None: Slurm has refused what it needs."""
        after = self.work.after.get(place, ())
        needs = tuple(self.jobs[n] for n in node.needs if n in self.jobs)
        if node.stage == "summary" and (needs or not node.needs):
            return Task(place, (), tuple(dict.fromkeys((*needs, *after))))
        if len(needs) < len(node.needs):
            self.lost.add(place)
            return None
        return Task(place, needs, after)

    def _submit(self, array: Array) -> str:
        """Why Slurm has refused it, or part of it. Where it takes no more jobs at once, half of them are tried."""
        job, error = self._hand_over(array)
        if job:
            self.taken.append((array, job))
            self.jobs |= {t.place: Job(job, i) for t, i in zip(array.tasks, array.indices, strict=True)}
        elif slurm_cluster.is_limit(error) and len(array.tasks) > 1:
            first, second = array.halves()
            error = self._submit(first) or self._submit(second)
        return error

    def _hand_over(self, array: Array) -> tuple[str, str]:
        """The array's number in Slurm, or why it has none."""
        from codem.slurm.array_executor import ArrayExecutor

        if self.gone:
            return "", self.gone
        self.count += 1
        mine = [self.nodes[task.place] for task in array.tasks]
        launcher = mine[0].cell.launcher
        assert isinstance(launcher, Slurm)
        entries = self._entries(array, mine)
        ledger.add_array(self.root, entries)
        first = entries[0]
        tasks = {
            entry.index: self.make_job(
                node=node,
                submission=self.submission.name,
                argv=self.submission.argv,
                estimate=entry.estimate,
                max_requeues=launcher.max_requeues,
            )
            for node, entry in zip(mine, entries, strict=True)
        }
        options = asked(mine[0])
        more = {**options["additional_parameters"], "chdir": str(self.code.folder)}
        options |= {
            "comment": first.comment,
            "job_name": first.job_name,
            "setup": [*options["setup"], *self.code.setup()],
            "additional_parameters": {**more, "dependency": array.dependency} if array.dependency else more,
        }
        numbers = f"{array.numbers}%{min(launcher.array_parallelism, len(mine))}"
        tries = 0

        def sbatch() -> tuple[str, str]:
            nonlocal tries
            tries += 1
            if tries > 1 and (live := slurm_queue.look(entries).of(first)):  # the answer was lost on its way
                return job_of(live).array, ""
            return ArrayExecutor(first.folder).submit_tasks(tasks, numbers, options)

        job, error = slurm_cluster.patiently(sbatch)
        if job:
            ledger.add_job(self.root, first.comment, job)
        else:
            ledger.add_refusal(self.root, first.comment, error)
            self.gone = error if slurm_cluster.is_passing(error) else ""
        return job, error

    def _entries(self, array: Array, mine: Sequence[Node]) -> list[ledger.Entry]:
        name, stage = self.submission.name, mine[0].stage
        named = tuple(re.findall(r"[\d_]+", array.dependency))  # a whole array by its number alone
        is_own = array.dependency.startswith("aftercorr")
        return [
            ledger.Entry(
                submission=name,
                **key(node)._asdict(),
                work=node.missing,
                comment=f"codem-{name}.{self.count}",
                index=index,
                job_name=f"{stage}-{name[-4:]}.{self.count}",
                job=None,
                needs=tuple(map(str, (*task.needs, *task.after))) if is_own else named,
                folder=Launches(self.root).jobs(name) / f"{self.count}-{stage}",
                at=runs.now(),
                estimate=dataclasses.asdict(self.estimates[task.place]),
            )
            for node, task, index in zip(mine, array.tasks, array.indices, strict=True)
        ]

    def _say_refused(self, array: Array, error: str) -> None:
        refused = [task.place for task in array.tasks if task.place not in self.jobs]
        self.lost |= set(refused)
        rows = dict.fromkeys(self.nodes[place].row for place in refused)
        stage = self.nodes[refused[0]].stage
        of = f" of {_some(list(rows))}" if any(rows) else ""
        print(f"Slurm did not take {_count(len(refused), stage)}{of}: {error}", file=sys.stderr, flush=True)

    def text(self, shown: Path) -> str:
        """What was submitted, for the terminal."""
        parts = []
        for stage in STAGES:
            mine = [(array, job) for array, job in self.taken if self.nodes[array.tasks[0].place].stage == stage]
            if not mine:
                continue
            numbers = _some([job for _, job in mine])
            each = {array.dependency.partition(":")[0] for array, _ in mine}
            how = ", each after its row's previous stage" if each == {"aftercorr"} else ""
            many = "arrays" if len(mine) > 1 else "array"
            parts.append(f"{_count(sum(len(a.tasks) for a, _ in mine), stage)} ({many} {numbers}{how})")
        said = [f"submitted {', '.join(parts)}; code {self.code.name}" if parts else "submitted nothing"]
        if self.work.jobs:
            said.append(f"under way before: {len(self.work.jobs)}")
        if self.lost:
            said.append(f"not submitted: {len(self.lost)}, which the same command submits")
        return "; ".join([*said, f"look: python -m codem.status {shown} --watch"])


def _count(number: int, stage: str) -> str:
    one, several = NAMES[stage]
    return f"{number} {one if number == 1 else several}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
