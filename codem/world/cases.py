"""Choose the test cases of a benchmark problem, so that plausible wrong answers fail.

Rivals are the wrong answers: every other family with the same kinds of arguments and result, the same family
with other constants, and the right function with one slip in it. Cases are taken one by one, each time the one
that exposes most of the rivals that are left; then cases with results as different as possible fill the list up.
"""

from __future__ import annotations

import itertools
import random
from functools import cache

from codem.world.families import FAMILIES, LETTERS, Param
from codem.world.fillings import Filling
from codem.world.mutants import mutants
from codem.world.spec import Function, Undefined, Value, evaluate

Case = tuple[tuple[Value, ...], Value]
"""The arguments and the right result."""
CASES = 8
CANDIDATES = 80
WORDS = ("", "a", "go", "moon", "level", "banana", "keyboard", "strawberry", "extraordinary")


@cache
def cases(filling: Filling) -> tuple[Case, ...]:
    function = filling.function()
    found = _answers(function, _candidates(filling))
    chosen = found[:1]  # the smallest input there is
    left = {i: _outcomes(rival, found) for i, rival in enumerate(rivals(filling))}
    left = {i: outcomes for i, outcomes in left.items() if outcomes[0] == found[0][1]}
    while left:
        exposed = [{i for i, outcomes in left.items() if outcomes[c] != case[1]} for c, case in enumerate(found)]
        best = max(range(len(found)), key=lambda c: len(exposed[c]))
        if not exposed[best]:
            break  # what is left is right on every candidate: another way to write the same function
        chosen.append(found[best])
        left = {i: outcomes for i, outcomes in left.items() if i not in exposed[best]}
    for case in _varied(found):
        if len(chosen) >= CASES:
            break
        if case not in chosen:
            chosen.append(case)
    return tuple(chosen)


def rivals(filling: Filling) -> list[Function]:
    """Wrong answers that a model could well give."""
    me = filling.family
    functions = [me.function(filling.name, filling.args, params) for params in _neighbours(filling.params)]
    functions += mutants(filling.function())
    for family in FAMILIES:
        alike = len(family.takes) == len(me.takes) and [d == "text" for d in family.takes] == [
            d == "text" for d in me.takes
        ]
        if family is me or not alike or family.returns != me.returns:
            continue
        kept = [p for p in filling.params if isinstance(p, str) == bool(family.params and family.params[0] == LETTERS)]
        # the problem's own constants where the rival has room for them, else constants of its own
        own = [choices[len(choices) // 2] for choices in family.params]
        functions.append(family.function(filling.name, filling.args, tuple((kept + own[len(kept) :])[: len(own)])))
        functions.append(family.function(filling.name, filling.args, tuple(own)))
    return functions


def _neighbours(params: tuple[Param, ...]) -> list[tuple[Param, ...]]:
    near = []
    for i, value in enumerate(params):
        for step in (-1, 1):
            other = value + step if isinstance(value, int) else chr((ord(value) - 97 + step) % 26 + 97)
            if other != 0:
                near.append((*params[:i], other, *params[i + 1 :]))
    if len(params) == 2:
        near.append((params[1], params[0]))
    return near


def _candidates(filling: Filling) -> list[tuple[Value, ...]]:
    rng = random.Random(f"cases/{filling.family.name}/{filling.params}")
    per_argument = [_values(domain, filling.params, rng) for domain in filling.family.takes]
    everything = list(itertools.product(*per_argument))
    first, *others = everything
    if filling.family.takes == ("int", "int"):  # a sum that is right is rare by chance
        targets = [p for p in filling.params if isinstance(p, int)]
        others += [(p + step - 3, 3) for p in targets for step in (-1, 0, 1)]
    return [first, *others[len(everything) - 1 :], *rng.sample(others, min(len(others), CANDIDATES))]


def _values(domain: str, params: tuple[Param, ...], rng: random.Random) -> list[Value]:
    if domain == "text":
        words: list[Value] = [*WORDS]
        for p in params:
            if isinstance(p, str):
                words += [p, p + "moon", "tin" + p, "re" + p + "u" + p + "i", p * 3]
            else:
                words += ["kayaksandrowboats"[: p + step] for step in (-1, 0, 1)]
        return words
    if domain == "small":
        numbers = list(range(13))
    else:
        near = {p + step for p in params if isinstance(p, int) for step in (-1, 0, 1)}
        near |= {p * k for p in params if isinstance(p, int) for k in (2, 5)}
        numbers = [0, 1, 2, 7, 10, 48, 99, 100, 1234, *sorted(near), *(rng.randrange(2, 400) for _ in range(4))]
        if domain == "int":
            numbers += [-1, -8, -100, *(-n for n in sorted(near))]
        if domain == "positive":
            numbers = [n for n in numbers if n > 0]
    return list(dict.fromkeys(numbers))


def _answers(function: Function, candidates: list[tuple[Value, ...]]) -> list[Case]:
    found = []
    for values in dict.fromkeys(candidates):
        try:
            found.append((values, evaluate(function, values)))
        except Undefined:
            continue
    return found


def _outcomes(rival: Function, found: list[Case]) -> list[Value | None]:
    outcomes: list[Value | None] = []
    for values, _ in found:
        try:
            outcomes.append(evaluate(rival, values))
        except Undefined:
            outcomes.append(None)
    return outcomes


def _varied(found: list[Case]) -> list[Case]:
    """Each result in turn: a constant answer must not look half right."""
    by_result: dict[Value, list[Case]] = {}
    for case in found:
        by_result.setdefault(case[1], []).append(case)
    rounds = itertools.zip_longest(*by_result.values())
    return [case for cases_of_round in rounds for case in cases_of_round if case is not None]
