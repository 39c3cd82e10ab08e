"""The order in which languages are shown and how they are spelled: the order of the paper's Table 1."""

from __future__ import annotations

from collections.abc import Iterable

NONE = "none"
"""The row of the untrained base model."""
MIXED = "mixed"
"""The row trained on equal shares of all languages."""
MIXED_PUBLISHED = "mixed-published"
"""The row trained on the mixture that the paper's authors published as a file."""
MIXTURES = {MIXED: "Mixed", MIXED_PUBLISHED: "Mixed (published)"}
"""The rows of several languages that have a name of their own, last in this order."""

TITLES = {
    "python": "Python",
    "javascript": "JavaScript",
    "typescript": "TypeScript",
    "c": "C",
    "cpp": "C++",
    "java": "Java",
    "go": "Go",
    "html": "HTML",
}
"""Human spelling; the order of the keys is the order of the rows and of the columns."""

_RANK = {name: rank for rank, name in enumerate(TITLES)}


def title(name: str) -> str:
    """`cpp` -> `C++`, `go+python` -> `Go + Python`; a name that is not known stays as it is."""
    if name == NONE:
        return "Base"
    if name in MIXTURES:
        return MIXTURES[name]
    return " + ".join(TITLES.get(part, part) for part in name.split("+"))


def ordered_rows(trains: Iterable[str]) -> list[str]:
    """The base first, single languages in Table 1's order, then mixtures (small ones first), those with a name last."""

    def key(train: str) -> tuple:
        parts = train.split("+")
        group = 0 if train == NONE else 3 if train in MIXTURES else 2 if len(parts) > 1 else 1
        return group, len(parts), [_column_key(part) for part in parts]

    return sorted(set(trains), key=key)


def ordered_columns(langs: Iterable[str]) -> list[str]:
    """Table 1's order; languages that it does not have follow in the order of the alphabet."""
    return sorted(set(langs), key=_column_key)


def _column_key(lang: str) -> tuple[int, str]:
    return _RANK.get(lang, len(_RANK)), lang


def is_own(train: str, lang: str) -> bool:
    """Was this row trained on that column's language? (`mixed` saw all of them: no cell of it is special.)"""
    return lang in train.split("+")
