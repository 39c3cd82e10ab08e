"""One kind of command line: which primary config it composes, and what a composed tree becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from codem.language_facts import LanguageFacts

Made = TypeVar("Made")


@dataclass(frozen=True)
class Entry(Generic[Made]):
    """`Made` is the frozen record of one cell."""

    primary: str
    """conf/<primary>.yaml: its defaults list is the table of contents."""
    required: tuple[str, ...]
    """What cannot be taken out of it with ~key."""
    make: Callable[[dict[str, Any], dict[str, LanguageFacts]], Made]
    """A composed tree and the facts of every language -> the record. Raises ConfigErrors."""
    axes: Callable[[Made], tuple]
    """Two records that differ here are not the same; hashable."""
    collisions: Callable[[Sequence[Made]], list[str]]
    """A message for each pair of records that would write into one folder and are not the same there."""
    examples: str
    """The end of the help text."""
