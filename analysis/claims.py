"""Claims about a grid, written as contrasts in a small YAML file, and read here.

    claims:
      - say: HTML exceeds Java on Java
        claim: html -> java beats java -> java
      - claim: mixed beats the mean specialist

    python -m analysis claims my_claims.yaml runs/

A claim is one of

    SIDE beats SIDE [by POINTS]                     the difference is above 0, or above POINTS
    SIDE is NUMBER                                  the printed number is the one that the cells give
    correlations of (training | evaluation) languages are [mostly | all] positive
    own language beats other languages              transfer.own_language_advantage
    same family beats other families                similarity.family_effect, with the families of conf/lang

A SIDE is a sum of cells, in percentage points of pass@1:

    html -> java                                    the model trained on HTML, on Java; `none` is the base model
    gain html -> java                               that minus none -> java
    A minus B,  A plus B,  mean(A, B, ...)
    mixed                                           without an arrow: the mean over all evaluated languages

Rows and columns may be sets, with a quantifier before the set:

    each, mean, best    trained | single | LANGUAGE and LANGUAGE ... [except LANGUAGE and own ...]    -> ...
    ... -> each, mean   all | LANGUAGE and LANGUAGE ... [except ...]

`trained`: every row but the base. `single`: trained on one language alone. `specialist`: the row trained on the
column's own language; `own` in a list after `except` is the same. `each` makes the claim one about every one of them;
it stands for the same language wherever it stands. `best`: the row with the highest score in that column.
`analysis.claim_values` says what each claim comes to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.names import MIXED, NONE, TITLES

FIELDS = ("say", "claim", "source", "table", "note")
EACH = "each"
QUANTIFIERS = (EACH, "mean", "best")
ROW_SETS = ("trained", "single")
SPECIALIST, OWN, ALL = "specialist", "own", "all"
KEYWORDS = {
    *QUANTIFIERS,
    *ROW_SETS,
    SPECIALIST,
    OWN,
    ALL,
    "beats",
    "by",
    "is",
    "gain",
    "minus",
    "plus",
    "except",
    "and",
}
_SPELLINGS = {title.lower(): name for name, title in TITLES.items()} | {"base": NONE, MIXED: MIXED}
_TOKEN = re.compile(r"->|[(),]|[^\s(),]+")


class BadClaim(ValueError):
    """A claim that cannot be read, or names what the grid does not know; the message says where and what to do."""


@dataclass(frozen=True)
class Some:
    """Rows or columns: names, or a set word, under a quantifier."""

    quantifier: str
    """each, mean, best, or empty for a single name."""
    names: tuple[str, ...]
    """Names, or one set word; empty: an `each` that stands for what another one names."""
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cells:
    rows: Some
    columns: Some
    gain: bool = False


@dataclass(frozen=True)
class Mean:
    parts: tuple[Side, ...]


@dataclass(frozen=True)
class Sum:
    terms: tuple[tuple[int, Cells | Mean], ...]
    """(+1 or -1, term)."""


Side = Sum


@dataclass(frozen=True)
class Beats:
    left: Side
    right: Side
    by: float = 0.0


@dataclass(frozen=True)
class Is:
    left: Side
    printed: str


@dataclass(frozen=True)
class Correlations:
    side: str
    """train or eval"""
    mostly: bool


@dataclass(frozen=True)
class Structure:
    kind: str
    """own or family"""


Statement = Beats | Is | Correlations | Structure


@dataclass(frozen=True)
class Claim:
    claim: str
    """As written."""
    say: str
    """In the words of whoever claims it."""
    statement: Statement = field(compare=False)
    source: str = ""
    table: int | None = None
    """Which table of a paper it is about; None: the grid."""
    note: str = ""


def read(path: str | Path) -> list[Claim]:
    """The claims of a YAML file, in its order. Raises BadClaim with every fault of the file at once."""
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text("utf-8"))
    except yaml.YAMLError as error:
        raise BadClaim(f"{path}: expected YAML. {error}") from None
    return of(data, str(path))


def of(data: Any, where: str = "claims") -> list[Claim]:
    """Claims from what a YAML file holds: `{"claims": [{"claim": "html -> java beats java -> java"}, ...]}`."""
    entries = data.get("claims") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadClaim(f"{where}: expected a list under `claims`, found {type(entries).__name__}")
    found, errors = [], []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_claim(entry))
        except BadClaim as error:
            errors.append(f"claim {number}: {error}")
    if errors:
        raise BadClaim("\n".join([f"{where}: {len(errors)} of {len(entries)} claims cannot be read", *errors]))
    return found


def _claim(entry: Any) -> Claim:
    if isinstance(entry, str):
        entry = {"claim": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("claim"), str):
        raise BadClaim(f"expected a text, or fields with `claim`, found {entry!r}")
    if unknown := sorted(set(map(str, entry)) - set(FIELDS)):
        raise BadClaim(f"unknown field {', '.join(unknown)}: have {', '.join(FIELDS)}")
    if not isinstance(entry.get("table"), int | None):
        raise BadClaim(f"expected the number of a table, found table: {entry['table']!r}")
    text = {name: str(entry.get(name) or "") for name in ("say", "source", "note")}
    claim = " ".join(entry["claim"].split())
    return Claim(claim, text["say"] or claim, parse(claim), text["source"], entry.get("table"), text["note"])


def parse(text: str) -> Statement:
    """One claim. Raises BadClaim that shows the place."""
    words = " ".join(text.lower().split())
    if match := re.fullmatch(r"correlations of (training|evaluation) languages are (?:(mostly|all) )?positive", words):
        return Correlations("train" if match[1] == "training" else "eval", match[2] == "mostly")
    if words == "own language beats other languages":
        return Structure("own")
    if words == "same family beats other families":
        return Structure("family")
    return _Parser(text).statement()


class _Parser:
    """Recursive descent over the words of one claim."""

    def __init__(self, text: str):
        self.text = text
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def statement(self) -> Statement:
        left = self.side()
        if self.take("beats"):
            right = self.side()
            by = float(self.number()) if self.take("by") else 0.0
            found: Statement = Beats(left, right, by)
        elif self.take("is"):
            found = Is(left, self.number())
        else:
            raise self.fault("`beats` or `is`")
        if self.peek() is not None:
            raise self.fault("the end of the claim")
        return found

    def side(self) -> Side:
        terms = [(1, self.term())]
        while self.peek() in ("minus", "plus"):
            sign = -1 if self.next() == "minus" else 1
            terms.append((sign, self.term()))
        return Sum(tuple(terms))

    def term(self) -> Cells | Mean:
        self.take("the")
        if self.peek() == "mean" and self.peek(1) == "(":
            self.at += 2
            parts = [self.side()]
            while self.take(","):
                parts.append(self.side())
            if not self.take(")"):
                raise self.fault("`,` or `)`")
            return Mean(tuple(parts))
        gain = self.take("gain")
        self.take("the")
        if self.peek() == "mean" and self.peek(1) == SPECIALIST:
            self.at += 1  # `the mean specialist`: the mean is that over the languages
        rows = self.some("row", (*ROW_SETS, SPECIALIST), "trained")
        columns = self.some("column", (ALL,), ALL) if self.take("->") else Some("mean", (ALL,))
        if columns.quantifier == "best":
            raise BadClaim(f"in {self.text!r}: expected each or mean of the columns, found best: it picks rows")
        return Cells(rows, columns, gain)

    def some(self, what: str, sets: tuple[str, ...], default: str) -> Some:
        word = self.peek()
        quantifier = self.next() if word in QUANTIFIERS else ""
        self.take("of")
        names: tuple[str, ...] = () if quantifier == EACH else (default,)
        if self.peek() in sets:
            names = (self.next(),)
        elif not quantifier or self.starts_name():
            names = self.names(what)
        without = self.names(what, own=what == "row") if self.take("except") else ()
        if not quantifier and (len(names) > 1 or names[0] in (*ROW_SETS, ALL)):
            found = " and ".join(names)
            raise BadClaim(f"in {self.text!r}: expected each, mean or best before {found!r}: a claim compares numbers")
        return Some(quantifier, names, without)

    def names(self, what: str, own: bool = False) -> tuple[str, ...]:
        found = [self.name(what, own)]
        while self.take("and"):
            found.append(self.name(what, own))
        return tuple(found)

    def name(self, what: str, own: bool) -> str:
        if own and self.take(OWN):
            return OWN
        if not self.starts_name():
            raise self.fault(f"the name of a {what}")
        word = self.next()
        return _SPELLINGS.get(word.lower(), word.lower())

    def number(self) -> str:
        word = self.peek() or ""
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", word):
            raise self.fault("a number of percentage points")
        return self.next()

    def starts_name(self) -> bool:
        word = self.peek()
        return word is not None and word not in KEYWORDS and word not in ("->", "(", ")", ",", "of")

    def peek(self, ahead: int = 0) -> str | None:
        place = self.at + ahead
        if place >= len(self.tokens):
            return None
        word = self.tokens[place]
        return word.lower() if word.lower() in KEYWORDS or word.lower() in ("the", "of") else word

    def next(self) -> str:
        word = self.peek()
        assert word is not None
        self.at += 1
        return word

    def take(self, word: str) -> bool:
        if self.peek() != word:
            return False
        self.at += 1
        return True

    def fault(self, expected: str) -> BadClaim:
        found = self.peek()
        after = " ".join(self.tokens[: self.at])
        place = f" after {after!r}" if after else " at the start"
        hint = ": join names with `and`" if found == "," else ""
        return BadClaim(
            f"in {self.text!r}: expected {expected}{place}, found {'the end' if found is None else repr(found)}{hint}"
        )
