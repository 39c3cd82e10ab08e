"""What a text is made of once it is read as code: imports, definitions, set-up statements, and the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

_WORD = re.compile(r"[^\W\d]\w*")


class Kind(Enum):
    IMPORT = "import"
    DEFINITION = "definition"
    """A function, class, type, macro or constant: having it does nothing by itself."""
    SETUP = "setup"
    """Python, JavaScript, TypeScript: a statement that gives names their values, when it runs."""
    MAIN = "main"
    """What the answer would do as a program of its own: its main, its tests."""


@dataclass(frozen=True)
class Piece:
    kind: Kind
    text: str
    names: frozenset[str]
    """What it defines; empty when that cannot be said (`#include`, an operator)."""
    whole: bool = True
    """A body is there, and it ends: a prototype or a text that was cut short has none."""
    parses: bool = True
    free: frozenset[str] = frozenset()
    """Names that it takes from outside, where the language's scopes are followed."""
    changes: frozenset[str] = frozenset()
    """Outer names that running it changes."""
    header: str = ""
    """What makes it the same definition as another one: in most languages the text before the body."""
    words: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", frozenset(words(self.text)))


def words(text: str) -> set[str]:
    return set(_WORD.findall(text))


def header_of(text: str) -> str:
    """Blanks do not matter, nor the brace that opens the body."""
    return re.sub(r"\s+", "", text).rstrip("{=")
