"""Decontamination: does a pair hold a problem of a benchmark, or its solution, renamed or in another language?

n-gram overlap as in Brown et al. (2020), weighted by how rare an n-gram is, and of more than the texts: of the code
without its names, of its structure in any language, and of the literals of the examples. docs/decontamination.md tells
what is found, and what is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.corpus import leak_evidence, leak_signs
from codem.corpus.leak_index import Views
from codem.corpus.leak_signs import SIGNS, Reading
from codem.corpus.pair import Pair
from codem.records import Problem

if TYPE_CHECKING:
    import numpy as np

    Found = tuple[np.ndarray, np.ndarray]
    """(tasks,), (views,): how much of each was found, from 0 to 1."""

ENOUGH = 1.0
"""What the signs must say together."""


@dataclass(frozen=True)
class Leak:
    pair: str
    """Its id."""
    problem: str
    """The id of the problem, in the language in which it is most like the pair."""
    task: str
    score: float
    """From 0.5, where a pair begins to be listed, to 1."""
    kind: str
    """The sign that is told first; one of leak_signs.SIGNS."""
    evidence: str
    """What was matched, for a human to read."""


def index(problems: Iterable[Problem], enough: float = ENOUGH) -> Leaks:
    """All problems of all benchmarks that are not to leak. enough: a lower one finds more, and more that is none."""
    tasks, views = leak_signs.index(problems)
    return Leaks(tasks, views, enough)


class Leaks:
    def __init__(self, tasks: list[str], views: dict[str, Views], enough: float = ENOUGH) -> None:
        self.tasks = tasks
        self._views = views
        self._enough = enough

    def matches(self, pair: Pair) -> list[Leak]:
        """The tasks that the pair holds, the likest first."""
        import numpy as np

        if not self.tasks:
            return []
        reading = Reading(pair.instruction, pair.response)
        features = {sign: reading.features(sign) for sign in SIGNS}
        found = {sign: leak_signs.found(views, sign, features[sign]) for sign, views in self._views.items()}
        said = {sign: SIGNS[sign].score(of_tasks) for sign, (of_tasks, _) in found.items()}
        totals = np.round(np.sum(list(said.values()), axis=0), 6)
        likest = sorted(np.flatnonzero(totals >= self._enough).tolist(), key=lambda task: -totals[task])
        return [self._leak(pair, reading, task, float(totals[task]), said, found) for task in likest]

    def _leak(
        self,
        pair: Pair,
        reading: Reading,
        task: int,
        total: float,
        said: dict[str, np.ndarray],
        found: dict[str, Found],
    ) -> Leak:
        """The sign that is told first is one that is enough alone, the most literal of those, else what says most."""
        telling = sorted((s for s in SIGNS if said[s][task] > 0), key=lambda s: -min(said[s][task], self._enough))
        parts = []
        for sign in telling:
            views, (of_tasks, of_views) = self._views[sign], found[sign]
            view = views.likest_of(task, of_views)
            parts.append((views.problems[view], leak_evidence.of(reading, sign, float(of_tasks[task]), views, view)))
        shown = "; ".join(evidence for _, evidence in parts)
        return Leak(pair.id, parts[0][0], self.tasks[task], min(1.0, total / 2), telling[0], shown)
