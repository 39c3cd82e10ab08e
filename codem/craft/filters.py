"""The filters of one corpus, bound together: the teacher's own words, its tests, and those of every corpus."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from codem import plugins
from codem.corpus import cleaning, filters, lengths
from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason, Rejection
from codem.craft.decisions import Decision
from codem.craft.item import Made
from codem.craft.settings import Craft
from codem.errors import StageError
from codem.records import Problem
from codem.sandbox import HarnessError, Sandbox, open_sandbox

FORMLESS = ("no_tests", "no_function")
"""Outcomes of validation that say: the tests are none."""


def content_of(craft: Craft) -> Callable[[Pair], Rejection | None]:
    """What speaks against a pair as text alone. Raises StageError when the base has no tokenizer."""
    c = craft.craft
    limits = filters.Limits(c.min_response_tokens, c.max_response_tokens, c.max_pair_tokens)
    measure = lengths.measure(craft.tokenizer, craft.source.cache_dir)
    return functools.partial(filters.content, facts=craft.facts, limits=limits, count_tokens=measure)


def compiles_here(craft: Craft) -> bool:
    """Whether the compile filter can be used for this corpus: there is something to compile it with."""
    if not (craft.craft.compile and craft.facts.executable and craft.lang in plugins.names("languages")):
        return False
    toolchain = plugins.load("languages", craft.lang).toolchain()
    if not toolchain.found:
        raise StageError(
            f"craft.compile: {craft.lang} cannot be compiled on this machine; {toolchain.how_to_get()}; "
            f"or give craft.compile=false"
        )
    return True


class CorpusFilters:
    """decisions.Filters for one corpus."""

    def __init__(
        self,
        craft: Craft,
        content: Callable[[Pair], Rejection | None],
        problems: Sequence[Problem],
        others: Iterable[Pair],
    ):
        """problems: what must not be in it. others: pairs of finished corpora that none of this one may repeat."""
        from codem.corpus import leaks
        from codem.corpus.duplicates import NearDuplicates

        self._validator: Any = None
        compiles = None
        sandbox = functools.cache(lambda: _sandbox(craft))  # opening one tries it out
        if craft.craft.validate == "tests":
            from codem.craft.validation import Validator

            self._validator = Validator(craft.facts, sandbox(), craft.workers)
        if compiles_here(craft):
            from codem.corpus.compiles import failures

            compiles = functools.partial(failures, facts=craft.facts, sandbox=sandbox(), workers=craft.workers)
        self._duplicates = NearDuplicates(craft.craft.near_duplicate)
        for pair in others:
            self._duplicates.first_like(pair)
        index = leaks.index(problems) if problems else None
        self._cleaner = cleaning.Cleaner(content, compiles, self._duplicates, index)

    def remember(self, pair: Pair) -> None:
        self._duplicates.first_like(pair)

    def judge(self, made: Sequence[Made]) -> list[Decision]:
        """Raises StageError when something of ours fails: then nothing is decided."""
        try:
            tested = self._tested([m for m in made if m.rejection is None and m.tests is not None])
            open_ones = [m.pair for m in made if m.rejection is None and not _failed(tested.get(m.pair.id))]
            cleaned = dict(zip((p.id for p in open_ones), self._cleaner.add(open_ones), strict=True))
        except HarnessError as e:
            raise StageError(str(e)) from e
        decisions = []
        for m in made:
            validated = tested.get(m.pair.id)
            rejection = m.rejection or _failed(validated) or cleaned.get(m.pair.id)
            decisions.append(Decision(m.pair.id, m.sha256, rejection, validated.outcome if validated else ""))
        return decisions

    def _tested(self, made: Sequence[Made]) -> dict[str, Any]:
        if self._validator is None or not made:
            return {}
        outcomes = self._validator.judge([(m.pair, m.tests) for m in made])
        return {m.pair.id: Tested(m.pair, outcome) for m, outcome in zip(made, outcomes, strict=True)}


def _sandbox(craft: Craft) -> Sandbox:
    try:
        return open_sandbox(craft.sandbox)
    except HarnessError as e:
        raise StageError(str(e)) from e


class Tested:
    def __init__(self, pair: Pair, validation: Any):
        self.outcome: str = validation.outcome
        reason = Reason.BAD_ANSWER if self.outcome in FORMLESS else Reason.TESTS_FAILED
        evidence = f"{self.outcome}: {validation.evidence}"
        self.rejection = None if validation.passed else Rejection(pair.id, reason, evidence)


def _failed(tested: Tested | None) -> Rejection | None:
    return tested.rejection if tested else None
