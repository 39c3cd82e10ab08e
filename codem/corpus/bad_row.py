"""A row of a corpus file that is no pair of texts: why, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    NOT_UTF8 = "not UTF-8"
    NOT_JSON = "not JSON"
    NOT_AN_OBJECT = "not an object"
    MISSING = "missing field"
    WRONG_TYPE = "wrong type"
    EMPTY = "empty"
    OVER_LONG = "over-long"


@dataclass(frozen=True)
class BadRow:
    file: str
    """As the pairs of the file are named."""
    line: int
    """From 1. Of a Parquet file: the number of the row."""
    fault: Fault
    found: str
    """In words."""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return f"{self.where}: {self.fault}: {self.found}"
