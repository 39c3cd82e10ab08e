"""What of a pair was found in a problem of a benchmark, in words that a human can check."""

from __future__ import annotations

from collections.abc import Sequence

from codem.corpus import leak_code, leak_signs
from codem.corpus.leak_index import Feature, Views, grams
from codem.corpus.leak_signs import Reading

LONGEST = 160
"""Characters of one sign's evidence."""
LINES = 3
"""Of code."""


def of(reading: Reading, sign: str, found: float, views: Views, view: int) -> str:
    """`text 93%: "closer to each other than given threshold"`."""
    if sign == "text":
        shown = _runs(reading.words, views, view, leak_signs.WORDS, " ")
    elif sign == "examples":
        shown = _runs(
            [t.lstrip('"') for t in reading.literals], views, view, leak_signs.LITERALS, ", ", reading.literals
        )
    elif sign == "code":
        shown = _code(reading, views, view)
    elif sign == "structure":
        shown = " ".join(leak_code.skeleton(reading.code))
    elif sign == "name":
        shown = next((name for key, name in reading.identifiers.items() if views.has(view, key)), "")
    else:
        shown = " ".join(sorted(str(w) for w in reading.features(sign) if views.has(view, w)))
    return f"{sign} {found:.0%}: {shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + '...'}"


def _matched(features: Sequence[Feature], views: Views, view: int, n: int, length: int) -> list[bool]:
    """Which of the items stand in an n-gram that the view has."""
    inside = [False] * length
    for start, feature in enumerate(features):
        if views.has(view, feature):
            inside[start : start + n] = [True] * min(n, length - start)
    return inside


def _runs(
    shown: Sequence[str], views: Views, view: int, n: int, between: str, compared: Sequence[str] | None = None
) -> str:
    """The longest runs of matched items, the longest first."""
    inside = _matched(grams(compared or shown, n), views, view, n, len(shown))
    runs: list[list[str]] = [[]]
    for item, is_inside in zip(shown, inside, strict=True):
        if is_inside:
            runs[-1].append(item)
        elif runs[-1]:
            runs.append([])
    return " ... ".join(f'"{between.join(run)}"' for run in sorted(filter(None, runs), key=len, reverse=True)[:3])


def _code(reading: Reading, views: Views, view: int) -> str:
    """The lines with the most matched tokens, in their order."""
    n, found = leak_signs.TOKENS, reading.tokens
    inside = _matched(grams(leak_code.renamed(found), n), views, view, n, len(found))
    per_line: dict[int, int] = {}
    for token, is_inside in zip(found, inside, strict=True):
        line = reading.code.count("\n", 0, token.start)
        per_line[line] = per_line.get(line, 0) + is_inside
    most = sorted(sorted(per_line, key=lambda line: -per_line[line])[:LINES])
    lines = reading.code.split("\n")
    return " | ".join(" ".join(lines[line].split()) for line in most)
