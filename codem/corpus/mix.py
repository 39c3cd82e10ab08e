"""Corpora of several languages -> one of a fixed size, with a share of each language. The same seed, the same items.

    chosen = mixed({"go": go_pairs, "python": python_pairs}, total=9000, seed=0, weights={"python": 3})
    chosen = of_sources({"go": "go.jsonl", "python": "corpora/mine"}, total=9000, seed=0)

What is drawn of one language depends on the seed, on its corpus and on its share alone, so another language's corpus
may grow without changing it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from codem.corpus import sources
from codem.corpus.load import Tally, pairs
from codem.corpus.pair import Pair
from codem.errors import StageError

Item = TypeVar("Item")


def whole_weights(names: Sequence[str], weights: Mapping[str, float] | None) -> dict[str, int]:
    """A language that has no weight of its own has 1. The smallest whole numbers in the same proportion: two ways to
    say the same mixture become one. weights: positive; as decimal numbers they are exact."""
    exact = {name: Fraction(str((weights or {}).get(name, 1))) for name in names}
    scale = math.lcm(*(w.denominator for w in exact.values()))
    scaled = {name: int(w * scale) for name, w in exact.items()}
    shared = math.gcd(*scaled.values())
    return {name: w // shared for name, w in scaled.items()}


def shares(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`total` items among the languages, in proportion to their weights, by largest remainders (Hamilton's method):
    each has its exact share rounded down, and those with the largest rest have one more until the total is met. Of
    equal rests the first name in the alphabet comes first. Sorted by name."""
    names = sorted(weights)
    weight = sum(weights.values())
    made = {name: total * weights[name] // weight for name in names}
    by_rest = sorted(names, key=lambda name: (-(total * weights[name] % weight), name))
    for name in by_rest[: total - sum(made.values())]:
        made[name] += 1
    return made


def mixed(
    corpora: Mapping[str, Sequence[Item]], total: int, seed: int, weights: Mapping[str, float] | None = None
) -> list[Item]:
    """`total` items, shuffled; no item twice.

    weights: language -> how many parts of the mixture are its own; None: equal shares. Raises StageError when a
    corpus is smaller than its share, for all languages at once.
    """
    share = shares(total, whole_weights(list(corpora), weights))
    have = {name: len(corpus) for name, corpus in corpora.items()}
    if lacking := [f"{n} has {have[n]} items, {k} are asked for" for n, k in share.items() if k > have[n]]:
        heavy = "" if weights is None else ", or the weight in corpus.weights"
        raise StageError(f"{'; '.join(lacking)}; lower corpus.size{heavy}")
    chosen: list[Item] = []
    for name, count in share.items():
        chosen += random.Random(f"{seed}/{name}").sample(corpora[name], count)
    random.Random(f"{seed}/order").shuffle(chosen)
    return chosen


def of_sources(
    where: Mapping[str, str], total: int, seed: int, weights: Mapping[str, float] | None = None
) -> list[Pair]:
    """`mixed` of corpora that are read from files, for use without a training.

    where: language -> a file, a folder, a glob or a hub data set. Bad rows are left out; raises StageError when there
    are too many, and as `mixed` does.
    """
    corpora = {n: list(pairs(sources.files(source, n), Tally(), lang=n)) for n, source in where.items()}
    return mixed(corpora, total, seed, weights)
