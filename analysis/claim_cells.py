"""From a claim's words to weighted cells of a given matrix: sets, quantifiers and names are resolved here."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.claim_tests import value
from analysis.claims import ALL, EACH, OWN, SPECIALIST, BadClaim, Beats, Cells, Is, Mean, Side, Some
from analysis.names import MIXED, NONE, TITLES
from analysis.transfer import single

Binding = dict[str, str]
"""What `each` stands for now: "row" and "column", where the claim has one."""
Weights = dict[tuple[str, str], float]
"""(train, lang) -> weight."""


class Missing(Exception):
    """A cell that the claim needs and the grid does not have."""


@dataclass(frozen=True)
class Scope:
    """What the words of one claim are about."""

    matrix: pd.DataFrame
    every: list[str]
    """The columns that `all` means."""
    text: str


def scope(statement: Beats | Is, matrix: pd.DataFrame, text: str) -> Scope:
    """A claim about specialists is about the languages that have one."""
    every = list(map(str, matrix.columns))
    if any(cell.rows.names == (SPECIALIST,) for cell in _cells_of(statement)):
        every = [lang for lang in every if lang in matrix.index]
    return Scope(matrix, every, text)


def bindings(statement: Beats | Is, about: Scope) -> Iterator[Binding]:
    """Everything that `each` stands for in this claim; one empty binding when it has none.

    Raises BadClaim when two `each` name different sets: they stand for the same language.
    """
    cells = list(_cells_of(statement))
    rows = _each([cell.rows for cell in cells], "trained", about)
    columns = _each([cell.columns for cell in cells], ALL, about)
    for lang in _columns(columns, about) if columns else [None]:
        of_lang = {} if lang is None else {"column": lang}
        for train in _rows(rows, about, lang) if rows else [None]:
            yield of_lang if train is None else of_lang | {"row": train}


def weights_of(side: Side, about: Scope, binding: Binding) -> Weights:
    """The cells of a side. Raises Missing for one without a score, BadClaim for a name nobody knows."""
    total: Weights = {}
    for sign, term in side.terms:
        parts = [weights_of(part, about, binding) for part in term.parts] if isinstance(term, Mean) else []
        if isinstance(term, Cells):
            parts = [_weights(term, about, binding)]
        for part in parts:
            for cell, weight in part.items():
                total[cell] = total.get(cell, 0.0) + sign * weight / len(parts)
    return {cell: weight for cell, weight in total.items() if abs(weight) > 1e-12}


def _weights(cells: Cells, about: Scope, binding: Binding) -> Weights:
    columns = [binding["column"]] if cells.columns.quantifier == EACH else _columns(cells.columns, about)
    found: Weights = {}
    for lang in columns:
        rows = [binding["row"]] if cells.rows.quantifier == EACH else _rows(cells.rows, about, lang)
        scores = {train: _score(about, train, lang) for train in rows}
        if cells.rows.quantifier == "best":
            rows = [max(scores, key=scores.__getitem__)]
        for train in rows:
            found[train, lang] = found.get((train, lang), 0.0) + 1 / len(rows) / len(columns)
            if cells.gain:
                _score(about, NONE, lang)
                found[NONE, lang] = found.get((NONE, lang), 0.0) - 1 / len(rows) / len(columns)
    return found


def _columns(some: Some, about: Scope) -> list[str]:
    without = {_known(name, about) for name in some.without}
    names = about.every if some.names == (ALL,) else [_known(name, about) for name in some.names]
    if gone := [name for name in names if name not in about.matrix.columns]:
        raise Missing(f"{', '.join(gone)} was not evaluated")
    return _not_empty([lang for lang in names if lang not in without], "column", about)


def _rows(some: Some, about: Scope, lang: str | None) -> list[str]:
    if lang is None and (some.names == (SPECIALIST,) or OWN in some.without):
        raise BadClaim(f"in {about.text!r}: {SPECIALIST} and {OWN} are about one column: put `-> each` after the rows")
    trains = list(map(str, about.matrix.index))
    without = {str(lang) if name == OWN else _known(name, about) for name in some.without}
    if some.names == (SPECIALIST,):
        names = [str(lang)]
    elif some.names == ("single",):
        names = list(map(str, single(about.matrix).index))
    elif some.names == ("trained",):
        names = [train for train in trains if train != NONE]
    else:
        names = [_known(name, about) for name in some.names]
    if gone := [name for name in names if name not in trains]:
        what = "the base model was not evaluated" if NONE in gone else f"no model of {', '.join(gone)} was trained"
        raise Missing(what)
    return _not_empty([train for train in names if train not in without], "row", about)


def _score(about: Scope, train: str, lang: str) -> float:
    there = train in about.matrix.index and lang in about.matrix.columns
    score = value(about.matrix, train, lang) if there else math.nan
    if math.isnan(score):
        who = "the base model" if train == NONE else train
        raise Missing(f"{who} on {lang} has no score")
    return score


def _known(name: str, about: Scope) -> str:
    """The name, if it is one of the grid's or of a language that grids have. Mixtures in any order of their parts."""
    trains, langs = list(map(str, about.matrix.index)), list(map(str, about.matrix.columns))
    have = [*dict.fromkeys([*trains, *langs])]
    if name in have:
        return name
    for other in have:
        if "+" in name and sorted(other.split("+")) == sorted(name.split("+")):
            return other
    if all(part in TITLES or part in have or part in (NONE, MIXED) for part in name.split("+")):
        return name
    near = difflib.get_close_matches(name, [*have, *TITLES], n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise BadClaim(
        f"in {about.text!r}: no row or column is called {name!r}.{meant} "
        f"Have rows {', '.join(trains)}; columns {', '.join(langs)}."
    )


def _each(found: list[Some], default: str, about: Scope) -> Some | None:
    """What `each` ranges over: the set that one of them names; without any name, the default."""
    each = [some for some in found if some.quantifier == EACH]
    named = list(dict.fromkeys(some for some in each if some.names or some.without))
    if len(named) > 1:
        raise BadClaim(
            f"in {about.text!r}: expected one set for `each`, found {len(named)}: it stands for the same everywhere"
        )
    if not each:
        return None
    return Some(EACH, (named[0].names if named else ()) or (default,), named[0].without if named else ())


def _cells_of(statement: Beats | Is) -> Iterator[Cells]:
    yield from _cells_in(statement.left)
    if isinstance(statement, Beats):
        yield from _cells_in(statement.right)


def _cells_in(side: Side) -> Iterator[Cells]:
    for _, term in side.terms:
        if isinstance(term, Mean):
            for part in term.parts:
                yield from _cells_in(part)
        else:
            yield term


def _not_empty(names: list[str], what: str, about: Scope) -> list[str]:
    if not names:
        raise Missing(f"no {what} is left of what {about.text!r} names")
    return names
