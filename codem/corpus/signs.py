"""How much in a piece of code speaks for each language: signs.yaml has what each writes, and how rarely others do."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

_ANY_CASE = ("html", "sql")
_LOOKED_AT = 6000
"""Characters: more of a program tells no more about its language."""


@functools.cache
def _table() -> dict[str, list[tuple[int, str, tuple[str, ...], re.Pattern[str]]]]:
    import yaml

    rows = yaml.safe_load(Path(__file__).with_name("signs.yaml").read_text(encoding="utf-8"))
    return {
        lang: [
            (
                weight,
                name,
                tuple(filter(None, needs.split("|"))),
                re.compile(pattern, re.M | re.I * (lang in _ANY_CASE)),
            )
            for weight, name, needs, pattern in signs
        ]
        for lang, signs in rows.items()
    }


def signs(text: str, only: Sequence[str] = ()) -> dict[str, tuple[int, list[str]]]:
    """Language -> (the weights of its signs together, their names), for those that have any; each sign counts once.

    only: the languages that are looked for; none: all. TypeScript has all that JavaScript has, once there is something
    of its own; C++ and C likewise.
    """
    text = text[:_LOOKED_AT]
    small = text.lower()
    found: dict[str, tuple[int, list[str]]] = {}
    for lang, rows in _table().items():
        if only and lang not in only:
            continue
        where = small if lang in _ANY_CASE else text
        hits = [
            (weight, name)
            for weight, name, needs, pattern in rows
            if (not needs or any(need in where for need in needs)) and pattern.search(text)
        ]
        if hits:
            found[lang] = (sum(weight for weight, _ in hits), [name for _, name in hits])
    for larger, smaller in (("typescript", "javascript"), ("cpp", "c")):
        if larger in found and smaller in found:
            (own, names), (common, more) = found[larger], found[smaller]
            found[larger] = (own + common, names + more)
    return found
