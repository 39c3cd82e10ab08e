"""By what a problem of a benchmark is recognised in a pair: six signs, and how much each says.

The sum of what the signs say is the score; 1 is enough. How the numbers were chosen is told in
docs/decontamination.md.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.corpus import leak_code, leak_words
from codem.corpus.leak_index import Feature, Views, counted, grams
from codem.records import Problem

if TYPE_CHECKING:
    import numpy as np

WORDS, TOKENS, STEPS, LITERALS = 4, 7, 3, 3
"""Lengths of the n-grams of texts, of code, of its structure and of its literals."""
EXAMPLES_ENOUGH = 6.0
"""The weight of runs of literals at which the examples are surely the same."""


@dataclass(frozen=True)
class Sign:
    says: float
    """What it adds when all of it is found."""
    from_: float
    """What is found by chance: this share adds nothing."""
    enough: float
    """The weight that a view needs to be recognised by."""

    def score(self, found: np.ndarray) -> np.ndarray:
        import numpy as np

        return self.says * np.maximum(0.0, found - self.from_)


SIGNS = {
    "text": Sign(2.3, 0.05, 8.0),
    "code": Sign(1.9, 0.3, 14.0),
    "structure": Sign(3.0, 0.22, 18.0),
    "examples": Sign(1.3, 0.01, 0.0),
    "name": Sign(1.6, 0.3, 1.0),
    "topics": Sign(0.8, 0.45, 3.0),
}
"""`text`: the words of the description, in order; `code`: the solution, names apart; `structure`: its steps, in any
language; `examples`: literals of the description and the tests, in order; `name`: of the function, in any spelling;
`topics`: the telling words of the description."""


class Reading:
    """A pair's texts taken apart, each piece when it is first asked for."""

    def __init__(self, instruction: str, response: str) -> None:
        self.instruction = instruction
        self.both = f"{instruction}\n{response}"
        self.code = leak_code.code_of(response)

    @functools.cached_property
    def words(self) -> list[str]:
        return leak_words.words(self.both)

    @functools.cached_property
    def tokens(self) -> list[leak_code.Token]:
        return leak_code.tokens(self.code)

    @functools.cached_property
    def identifiers(self) -> dict[tuple[str, ...], str]:
        return {leak_words.parts(name): name for name in dict.fromkeys(leak_words.IDENTIFIER.findall(self.both))}

    @functools.cached_property
    def literals(self) -> list[str]:
        return leak_code.literals(self.both)

    def features(self, sign: str) -> Collection[Feature]:
        """In order, where the sign is one of n-grams in a row."""
        match sign:
            case "text":
                return grams(self.words, WORDS)
            case "code":
                return grams(leak_code.renamed(self.tokens), TOKENS)
            case "structure":
                return steps(self.code)
            case "examples":
                return grams(self.literals, LITERALS)
            case "name":
                return self.identifiers
            case _:
                return leak_words.topics(leak_words.words(self.instruction))


def steps(code: str) -> set[Feature]:
    found = leak_code.skeleton(code)
    return counted(grams(found, STEPS)) | counted(grams(found, STEPS - 1))


def index(problems: Iterable[Problem]) -> tuple[list[str], dict[str, Views]]:
    """The tasks, and by sign what each is recognised by."""
    views = {name: Views(sign.enough) for name, sign in SIGNS.items()}
    tasks: dict[str, int] = {}
    runs: dict[int, dict[Feature, float]] = {}
    names: dict[int, str] = {}
    for p in problems:
        task = tasks.setdefault(p.task, len(tasks))
        description = leak_words.words(p.description)
        opening = leak_words.words(leak_words.prose(p.description))
        solution = p.signature + p.reference
        views["text"].add(task, p.id, {g: _telling(g) for g in grams(description, WORDS)})
        views["text"].add(task, p.id, {g: _telling(g) for g in grams(opening, WORDS)})
        views["code"].add(task, p.id, dict.fromkeys(grams(leak_code.renamed(leak_code.tokens(solution)), TOKENS), 1.0))
        views["structure"].add(task, p.id, dict.fromkeys(steps(solution), 1.0))
        views["topics"].add(task, p.id, dict.fromkeys(leak_words.topics(opening), 1.0))
        views["name"].add(task, p.id, {(name := leak_words.parts(p.entry_point)): _named(name)})
        for text in (p.description, p.tests):
            found = grams(leak_code.literals(text), LITERALS)
            runs.setdefault(task, {}).update((g, _rare(g)) for g in found if len(g) == LITERALS)
        names.setdefault(task, p.id)
    for task, features in runs.items():
        views["examples"].add(task, names[task], features)
    return list(tasks), {name: v.freeze(len(tasks)) for name, v in views.items()}


def found(views: Views, sign: str, features: Collection[Feature]) -> tuple[np.ndarray, np.ndarray]:
    """(tasks,), (views,): how much of each was found, from 0 to 1."""
    import numpy as np

    unique = features if isinstance(features, set | dict) else set(features)
    shared = views.shared(unique)
    if sign == "examples":
        of_views = np.minimum(shared / EXAMPLES_ENOUGH, 1.0)
    elif sign == "topics":
        of_views = views.likeness(shared, unique)
    elif sign == "structure":
        of_views = (views.containment(shared) + views.likeness(shared, unique)) / 2
    else:
        of_views = views.containment(shared)
    return views.of_tasks(of_views), of_views


def _telling(gram: tuple[str, ...]) -> float:
    """`a function that returns` tells nothing, `closer to each other` something."""
    return (0.05, 0.5, 0.8, 0.9, 1.0)[sum(word not in leak_words.COMMON for word in gram)]


def _rare(gram: tuple[str, ...]) -> float:
    """`1, 1, 0` is everywhere; `2, 4, 6` and `a, b, c` are nobody's."""
    places = [ord(t[1]) if len(t) == 2 and t[0] == '"' else int(t) if t.isdecimal() else None for t in gram]
    steps = {None if x is None or y is None else y - x for x, y in itertools.pairwise(places)}
    if len(steps) == 1 and None not in steps:
        return 0.05
    return (1.0, 0.8, 0.5, 0.15)[sum(len(text) == 1 for text in gram)]


def _named(name: tuple[str, ...]) -> float:
    return min(1.0, sum(0.25 if part in leak_words.COMMON else 0.5 for part in name))
