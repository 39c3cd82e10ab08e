"""Parse trees of source text, by tree-sitter. The parsers are loaded when the first text of a language is cut.

Positions are characters of the text, not bytes. Nothing here recurses: answers may be nested thousands deep.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_GRAMMARS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "java": ("tree_sitter_java", "language"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
}

WINDOW = 12_000
"""Characters of one parse. `a<a<a<...` in Java costs quadratic time: 10 seconds for 50,000 characters."""


def _parser(lang: str) -> Parser:
    """A new one each time: the judge cuts in threads."""
    from tree_sitter import Parser

    return Parser(_language(lang))


@functools.cache
def _language(lang: str):
    from tree_sitter import Language

    package, function = _GRAMMARS[lang]
    return Language(getattr(importlib.import_module(package), function)())


class Code:
    """A stretch of text and its tree."""

    def __init__(self, lang: str, text: str) -> None:
        self.text = text
        data = text.encode("utf-8", "surrogatepass")
        self.root: Node = _parser(lang).parse(data).root_node
        self._chars = None if len(data) == len(text) else _character_of_each_byte(text)

    def at(self, byte: int) -> int:
        return byte if self._chars is None else self._chars[byte]

    def start(self, node: Node) -> int:
        return self.at(node.start_byte)

    def end(self, node: Node) -> int:
        return self.at(node.end_byte)

    def of(self, node: Node | None) -> str:
        return "" if node is None else self.text[self.start(node) : self.end(node)]

    def between(self, first: Node, last: Node) -> str:
        return self.text[self.start(first) : self.end(last)]


def _character_of_each_byte(text: str) -> list[int]:
    places: list[int] = []
    for i, character in enumerate(text):
        places += [i] * len(character.encode("utf-8", "surrogatepass"))
    return [*places, len(text)]


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    cursor = node.walk()
    while True:
        if cursor.node is not None:
            yield cursor.node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while True:
            if not cursor.goto_parent():
                return
            if cursor.goto_next_sibling():
                break


def broken(node: Node) -> bool:
    return node.has_error or node.is_error or node.is_missing
