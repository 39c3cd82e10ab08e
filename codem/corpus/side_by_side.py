"""Two texts beside each other for a person to compare, on any terminal, whatever they hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

TAB = "    "
MARK = "="
"""Before a line whose words are also a line of the other text."""


@dataclass(frozen=True)
class Column:
    title: str
    text: str


def printable(text: str) -> str:
    """With tabs as spaces, and what could steer a terminal or hide its neighbours spelled out; line feeds stay."""
    return "".join(_shown(c) for c in text.replace("\r\n", "\n").replace("\t", TAB))


def one_line(text: str, characters: int) -> str:
    words = " ".join(printable(text).split())
    return words if len(words) <= characters else words[: characters - 1] + "\N{HORIZONTAL ELLIPSIS}"


def side_by_side(left: Column, right: Column, width: int, lines: int) -> list[str]:
    """width: characters in all. lines: at most so many of each text, after wrapping; what is left out is counted.

    A line that both have, letter case, spaces and punctuation aside, is marked on both sides.
    """
    each = max(20, (width - 3) // 2)
    shared = _keys(left.text) & _keys(right.text)
    columns = [_column(column, each, lines, shared) for column in (left, right)]
    height = max(map(len, columns))
    padded = [column + [""] * (height - len(column)) for column in columns]
    return [f"{_padded(a, each)} | {b}".rstrip() for a, b in zip(*padded, strict=True)]


def _column(column: Column, width: int, lines: int, shared: frozenset[str]) -> list[str]:
    made: list[str] = []
    for line in printable(column.text).strip("\n").split("\n"):
        mark = MARK if _key(line) in shared else " "
        made += [f"{mark if n == 0 else ' '} {piece}" for n, piece in enumerate(_wrapped(line, width - 2))]
    shown = made[:lines]
    if len(made) > lines:
        shown.append(f"  ... {len(made) - lines} more lines")
    return [_cut(column.title, width), *shown]


def _wrapped(line: str, width: int) -> list[str]:
    """Cut where the width is full: code has its own line breaks, and a word may be longer than a line."""
    pieces, piece, filled = [], "", 0
    for character in line.rstrip():
        if filled + _width(character) > width:
            pieces.append(piece)
            piece, filled = "", 0
        piece += character
        filled += _width(character)
    return [*pieces, piece]


def _cut(text: str, width: int) -> str:
    return _wrapped(one_line(text, width), width)[0]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - sum(map(_width, text)))


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _keys(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(_key, text.split("\n"))))


def _key(line: str) -> str:
    """Its words; empty where there are too few to say anything, as in `}` or `return x`."""
    words: Sequence[str] = re.findall(r"\w+", line.lower())
    return " ".join(words) if len(words) >= 3 else ""


def _shown(character: str) -> str:
    if character == "\n" or character.isprintable() and not unicodedata.combining(character):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
