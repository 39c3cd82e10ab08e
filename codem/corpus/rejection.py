"""Why a pair is left out of a corpus, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    EMPTY = "empty"
    REFUSAL = "refusal"
    CUT_OFF = "cut_off"
    """The answer ended at the limit of tokens (finish_reason=length)."""
    NO_CODE = "no_code"
    OTHER_LANGUAGE = "other_language"
    DOES_NOT_PARSE = "does_not_parse"
    DOES_NOT_COMPILE = "does_not_compile"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NEAR_DUPLICATE = "near_duplicate"
    CONTAMINATED = "contaminated"
    """It holds a problem of a benchmark, or its solution."""
    TESTS_FAILED = "tests_failed"
    BAD_ANSWER = "bad_answer"
    """The teacher's answer has not the form that was asked for."""
    REFUSED_BY_ENDPOINT = "refused_by_endpoint"


@dataclass(frozen=True)
class Rejection:
    pair: str
    """Its id."""
    reason: Reason
    evidence: str
    other: str = ""
    """The id of the pair or of the problem that it is too like."""
    score: float | None = None
    """How like, from 0 to 1."""
