"""Fill a family's holes: which constants, names and words a concrete function gets, and who may use which.

The benchmark's fillings are fixed here. Training texts draw theirs at random, never with the constants that the
benchmark uses in the same family, and never with the same function name and arguments together.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cache

from codem.world.families import FAMILIES, Family, Param
from codem.world.spec import Function

NUMBER_NAMES = (("a", "b", "c"), ("x", "y", "z"), ("m", "n", "k"), ("n", "m", "p"))
TEXT_NAMES = (("s", "t"), ("word", "other"), ("line", "next"))
"""Arguments come in the sets that programmers use, so a small model can learn them."""
SECOND_PROBLEMS = 7
"""So many families with constants appear in the benchmark a second time, with other constants."""


@dataclass(frozen=True)
class Filling:
    family: Family
    name: str
    args: tuple[str, ...]
    params: tuple[Param, ...]
    wording: str

    def function(self) -> Function:
        return self.family.function(self.name, self.args, self.params)

    def description(self) -> str:
        return self.family.describe(self.wording, self.args, self.params)


def order_by_hash(names: list[str], salt: str) -> list[str]:
    """A fixed shuffle that no random state, process or Python version can change."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{salt}/{name}".encode()).digest())


@cache
def benchmark_fillings() -> tuple[Filling, ...]:
    """The problems of `mini`, the same for every language: each family once, some with constants twice."""
    with_params = [family.name for family in FAMILIES if family.params]
    twice = order_by_hash(with_params, "second problem")[:SECOND_PROBLEMS]
    problems = []
    for family in FAMILIES:
        rng = random.Random(f"mini/{family.name}")
        seen: set[tuple[Param, ...]] = set()
        for _ in range(2 if family.name in twice else 1):
            params = _params(family, rng, frozenset(seen))
            seen.add(params)
            problems.append(Filling(family, family.names[0], _args(family, rng), params, family.wordings[0]))
    return tuple(problems)


@cache
def reserved_params(family_name: str) -> frozenset[tuple[Param, ...]]:
    """The constants that the benchmark uses in this family."""
    return frozenset(f.params for f in benchmark_fillings() if f.family.name == family_name)


@cache
def reserved_names(family_name: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    """The function names that the benchmark uses in this family, each with its arguments."""
    return frozenset((f.name, f.args) for f in benchmark_fillings() if f.family.name == family_name)


def training_filling(family: Family, rng: random.Random) -> Filling:
    """A function that is not in the benchmark: other constants, and never the same name with the same arguments."""
    while True:
        name, args = rng.choice(family.names), _args(family, rng)
        if (name, args) not in reserved_names(family.name):
            break
    params = _params(family, rng, reserved_params(family.name)) if family.params else ()
    return Filling(family, name, args, params, rng.choice(family.wordings))


def _params(family: Family, rng: random.Random, taken: frozenset[tuple[Param, ...]]) -> tuple[Param, ...]:
    while True:
        params: tuple[Param, ...] = tuple(rng.choice(choices) for choices in family.params)
        if params not in taken and len(set(params)) == len(params):
            return params
        if not family.params:
            return params


def _args(family: Family, rng: random.Random) -> tuple[str, ...]:
    return rng.choice(TEXT_NAMES if "text" in family.takes else NUMBER_NAMES)[: len(family.takes)]
