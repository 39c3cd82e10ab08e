"""What is wrong with corpora that are there: every filter asked about every pair, nothing removed.

    found = examine(given, Examination(languages, Limits(), measure), problems, workers=2)

Craft leaves a pair out for the first thing that speaks against it (codem/corpus/cleaning.py); here a pair may have
several, so that the counts of one filter do not hide those of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from codem.corpus import filters, leaks
from codem.corpus.cleaning import Cleaner, Compiles
from codem.corpus.code import blocks
from codem.corpus.duplicates import THRESHOLD, NearDuplicates
from codem.corpus.filters import Limits
from codem.corpus.given import Given, Place
from codem.corpus.identify import response_language
from codem.corpus.lengths import Measure
from codem.corpus.pair import Pair
from codem.corpus.refusals import refusal
from codem.corpus.rejection import Reason, Rejection
from codem.language_facts import LanguageFacts
from codem.records import Problem

BATCH = 4_096


@dataclass(frozen=True)
class Content:
    """What a pair's own text says against it. Can be pickled."""

    languages: Mapping[str, LanguageFacts]
    limits: Limits
    measure: Measure

    def __call__(self, pair: Pair) -> Rejection | None:
        """A pair of no known language is asked as one of the language that its code is in, whichever that is; code of
        a language that conf/lang/ does not have is not parsed."""
        facts = self.languages.get(pair.lang)
        if facts is not None:
            return filters.content(pair, facts, self.limits, self.measure)
        have = blocks(pair.response)
        lang = response_language(have).lang
        if lang in self.languages:
            return filters.content(pair, self.languages[lang], self.limits, self.measure)
        if not any(block.fenced for block in have) and (said := refusal(pair.response)):
            return Rejection(pair.id, Reason.REFUSAL, said)
        if not lang:
            return Rejection(pair.id, Reason.NO_CODE, "no code of a language that is known")
        return filters.length(pair, self.limits, self.measure)


@dataclass(frozen=True)
class Finding:
    place: Place
    rejection: Rejection
    first: Place | None = None
    """Of a near-duplicate: the pair that it is like."""


@dataclass
class Found:
    findings: list[Finding] = field(default_factory=list)
    """In the order of the pairs; those of one pair as they were found."""
    clean: int = 0
    """Pairs with none."""
    counts: dict[Reason, int] = field(default_factory=dict)
    """Pairs by reason; a pair may have several."""

    def of(self, reason: Reason) -> list[Finding]:
        return [f for f in self.findings if f.rejection.reason is reason]


def examine(
    given: Given,
    content: Content | None,
    problems: Sequence[Problem],
    *,
    compiles: Compiles | None = None,
    threshold: float = THRESHOLD,
    workers: int = 1,
    report: Callable[[int], None] = lambda done: None,
) -> Found:
    """content: None: near-duplicates and leaks alone. problems: of benchmarks; none: leaks are not looked for.
    threshold: of near-duplicates. report: called with the pairs that are done."""
    found = Found()
    index = leaks.index(problems) if problems else None
    with Cleaner(content, compiles, NearDuplicates(threshold), index, workers, every=True) as cleaner:
        for at in range(0, len(given.pairs), BATCH):
            some = given.pairs[at : at + BATCH]
            for pair, rejections in zip(some, cleaner.examine(some), strict=True):
                found.findings += [_finding(given, pair, r) for r in rejections]
            report(at + len(some))
        found.clean = cleaner.kept
        found.counts = dict(sorted(cleaner.counts.items()))
    return found


def _finding(given: Given, pair: Pair, rejection: Rejection) -> Finding:
    is_duplicate = rejection.reason is Reason.NEAR_DUPLICATE
    return Finding(given.places[pair.id], rejection, given.places[rejection.other] if is_duplicate else None)
