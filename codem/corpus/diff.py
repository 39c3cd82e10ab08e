"""How two corpora differ: which pairs only one of them has, which were edited, how lengths and languages moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from codem.corpus import duplicates
from codem.corpus.code import blocks
from codem.corpus.duplicates import NearDuplicates
from codem.corpus.given import Given, Place
from codem.corpus.identify import response_language
from codem.corpus.lengths import Measure, spread
from codem.corpus.pair import Pair


@dataclass(frozen=True)
class Match:
    """A pair of A and the pair of B that it became."""

    a: Place
    b: Place
    score: float = 1.0
    """Share of the runs of three words that both have in common."""


@dataclass(frozen=True)
class Difference:
    both: int
    """Pairs with the same instruction and response in A and in B; a pair that stands there twice counts twice."""
    other_response: list[Match]
    """The same instruction, answered otherwise."""
    edited: list[Match]
    """Near-duplicates; neither of the two stands in the other corpus as it is."""
    only_a: list[Place]
    only_b: list[Place]


@dataclass(frozen=True)
class Extent:
    """What one corpus is like."""

    rows: int
    bad_rows: int
    pairs: int
    instruction: dict[str, float]
    """Lengths: `mean`, `median`, `p95`, `longest`."""
    response: dict[str, float]
    languages: dict[str, int]
    """Pairs by the language that the code of the response is in; `unknown`: none was recognised."""


def difference(a: Given, b: Given, threshold: float) -> Difference:
    """Every pair of A and of B is counted once: as the same, answered otherwise, edited, or only there.

    Each finds at most one partner, the first that is left; texts are compared without the white space around them and
    with line feeds alone ending their lines. threshold: from which share on two pairs are near-duplicates.
    """
    left_a, left_b, same = _matched(a.pairs, b.pairs, lambda p: (_text(p.instruction), _text(p.response)))
    left_a, left_b, answered = _matched(left_a, left_b, lambda p: _text(p.instruction))
    edited: list[tuple[Pair, Pair, float]] = []
    seen = NearDuplicates(threshold)
    alike: dict[str, list[Pair]] = {}
    for pair in left_a:
        like = seen.first_like(pair)
        alike.setdefault(like[0] if like else pair.id, []).append(pair)
    only_b = []
    for pair in left_b:
        like = seen.look_up(duplicates.sketch(pair), remember=False)
        partners = alike.get(like[0], []) if like else []
        if like and partners:
            edited.append((partners.pop(0), pair, like[1]))
        else:
            only_b.append(pair)
    gone = {p.id for p, _, _ in edited}
    return Difference(
        both=len(same),
        other_response=[Match(a.places[p.id], b.places[q.id]) for p, q in answered],
        edited=[Match(a.places[p.id], b.places[q.id], score) for p, q, score in edited],
        only_a=[a.places[p.id] for p in left_a if p.id not in gone],
        only_b=[b.places[q.id] for q in only_b],
    )


def extent(given: Given, measure: Measure) -> Extent:
    return Extent(
        rows=given.rows,
        bad_rows=len(given.bad),
        pairs=len(given.pairs),
        instruction=spread(measure.many([p.instruction for p in given.pairs])),
        response=spread(measure.many([p.response for p in given.pairs])),
        languages=languages(given.pairs),
    )


def languages(pairs: Sequence[Pair]) -> dict[str, int]:
    """Pairs by `language`, the commonest first; `unknown`: none was recognised."""
    return dict(Counter(language(pair) or "unknown" for pair in pairs).most_common())


def language(pair: Pair) -> str:
    """Which the code of its response is in, a doubt decided for the one that its file is named for; empty: unknown."""
    found = response_language(blocks(pair.response), pair.lang)
    return pair.lang if pair.lang and found.is_in(pair.lang) else found.lang


def _matched(
    a: Sequence[Pair], b: Sequence[Pair], key: Callable[[Pair], Hashable]
) -> tuple[list[Pair], list[Pair], list[tuple[Pair, Pair]]]:
    """(of A without a partner, of B without one, the partners)"""
    waiting: dict[Hashable, list[Pair]] = {}
    for pair in b:
        waiting.setdefault(key(pair), []).append(pair)
    for partners in waiting.values():
        partners.reverse()  # the first is taken first, from the end
    alone, found = [], []
    for pair in a:
        partners = waiting.get(key(pair), [])
        if partners:
            found.append((pair, partners.pop()))
        else:
            alone.append(pair)
    taken = {q.id for _, q in found}
    return alone, [pair for pair in b if pair.id not in taken], found


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
