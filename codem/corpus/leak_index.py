"""How much of many known texts is found in another one: weighted overlap of n-grams, by an inverted index."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Feature = Hashable

UNSEEN = 0.5
"""The weight of a feature that no known text has, for `likeness`."""
COMMON_SHARE = 0.3
"""A feature that more of the tasks have weighs nothing, and is not looked for."""


def grams(items: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of n items, in order; of a shorter sequence the whole."""
    if len(items) < n:
        return [tuple(items)] if items else []
    return list(zip(*(items[k:] for k in range(n)), strict=False))


def counted(features: Sequence[Feature]) -> set[Feature]:
    """As a set in which the second occurrence is another feature than the first."""
    seen: Counter[Feature] = Counter()
    made: set[Feature] = set()
    for feature in features:
        seen[feature] += 1
        made.add((seen[feature], feature))
    return made


class Views:
    """Sets of features, each a view of a task (one of its texts, its solution in one language), weighted by rarity.

    Arrays below have the shape (views,) or (tasks,); views are sorted by task.
    """

    def __init__(self, enough: float) -> None:
        """enough: the weight from which on a view is not too little to be recognised by."""
        self.enough = enough
        self._views: dict[tuple[int, frozenset[tuple[Feature, float]]], str] = {}

    def add(self, task: int, problem: str, features: dict[Feature, float]) -> None:
        """features: each with what it weighs in itself, from 0 to 1. Equal views of a task are one."""
        if features:
            key = task, frozenset(features.items())
            self._views[key] = min(problem, self._views.get(key, problem))

    def freeze(self, tasks: int) -> Views:
        """Once all views are there."""
        import numpy as np

        self.tasks = tasks
        ordered = sorted(self._views.items(), key=lambda view: (view[0][0], view[1], len(view[0][1])))
        self.problems = [problem for _, problem in ordered]
        self.task_of = np.array([task for (task, _), _ in ordered], np.int64)
        has: dict[Feature, set[int]] = defaultdict(set)
        places: dict[Feature, list[tuple[int, float]]] = defaultdict(list)
        for view, ((task, features), _) in enumerate(ordered):
            for feature, weight in features:
                has[feature].add(task)
                places[feature].append((view, weight))
        few = max(1.0, COMMON_SHARE * tasks)
        self._rarity = {f: math.log((tasks + 1) / len(t)) / math.log(tasks + 1) for f, t in has.items()}
        self._rarity = {f: r for f, r in self._rarity.items() if len(has[f]) <= few}
        kept = {f: n for n, f in enumerate(sorted(self._rarity, key=repr))}  # sets have no order of their own
        self._number = kept
        self._start = np.cumsum([0, *(len(places[f]) for f in kept)])
        self._view = np.array([view for f in kept for view, _ in places[f]], np.int64)
        self._weight = np.array([w * self._rarity[f] for f in kept for _, w in places[f]])
        self.weight = np.bincount(self._view, self._weight, len(ordered)) if len(ordered) else np.zeros(0)
        self._views = {}
        return self

    def shared(self, features: Collection[Feature]) -> np.ndarray:
        """(views,): the weight of those features of each view that are among these."""
        import numpy as np

        numbers = sorted(n for f in features if (n := self._number.get(f)) is not None)
        if not numbers:
            return np.zeros(len(self.weight))
        places = np.concatenate([np.arange(self._start[n], self._start[n + 1]) for n in numbers])
        return np.bincount(self._view[places], self._weight[places], len(self.weight))

    def containment(self, shared: np.ndarray) -> np.ndarray:
        """(views,): the share of each view that was found; less for a view that says little."""
        import numpy as np

        return shared / np.maximum(self.weight, self.enough)

    def likeness(self, shared: np.ndarray, features: Collection[Feature]) -> np.ndarray:
        """(views,): as containment, but what the view has not counts too."""
        import numpy as np

        own = math.fsum(self._rarity.get(f, UNSEEN) for f in features)
        both = np.sqrt(np.maximum(self.weight, self.enough) * max(own, self.enough))
        return np.minimum(shared / both, 1.0)

    def of_tasks(self, of_views: np.ndarray) -> np.ndarray:
        """(tasks,): the highest of each task's views; 0 for one without any."""
        import numpy as np

        made = np.zeros(self.tasks)
        np.maximum.at(made, self.task_of, of_views)
        return made

    def likest_of(self, task: int, of_views: np.ndarray) -> int:
        """The view of a task of which most was found."""
        import numpy as np

        mine = np.flatnonzero(self.task_of == task)
        return int(mine[np.argmax(of_views[mine])])

    def has(self, view: int, feature: Feature) -> bool:
        number = self._number.get(feature)
        return number is not None and view in self._view[self._start[number] : self._start[number + 1]]
