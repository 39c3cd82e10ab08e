"""What is wrong in published benchmarks, and what is done about it: codem/benchmarks/errata/<name>.yaml.

Loaders give every item as published. A broken one is repaired here, in its tests, its prelude or its reference, or it
is left out, before anything is judged; what the model is shown is never changed, so scores with and without the errata
come from the same answers. A repair replaces an exact text, and fails loudly where that text is not: then the data is
not what the repair was written for.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import yaml

from codem.errors import CodemError
from codem.records import Problem

FOLDER = Path(__file__).parent / "benchmarks" / "errata"
FIELDS = ("tests", "prelude", "reference")


class StaleErratum(CodemError):
    """An erratum and the data that it is about do not fit together."""


@dataclasses.dataclass(frozen=True)
class Replacement:
    field: str
    """One of FIELDS."""
    old: str | None
    """What must be there, every occurrence of it; None: the whole field is replaced."""
    new: str


@dataclasses.dataclass(frozen=True)
class Erratum:
    set: str
    """The published set that the item is from. Sets that share a file have no language in common."""
    lang: str
    n: int
    found: str
    """When, as YYYY-MM-DD."""
    reason: str
    drop: bool
    replacements: tuple[Replacement, ...]

    @property
    def effect(self) -> str:
        """`left out`, `repaired`: verdicts may change; `reference`: only our own check of the item changes."""
        if self.drop:
            return "left out"
        return "repaired" if any(r.field != "reference" for r in self.replacements) else "reference"


def applied(problems: Sequence[Problem], bench: ModuleType | str) -> list[Problem]:
    """The problems as they are judged. bench: a benchmark's module, or the name of its errata file.

    Raises StaleErratum with all repairs that do not fit.
    """
    name = bench if isinstance(bench, str) else getattr(bench, "ERRATA", None)
    if name is None:
        return list(problems)
    repaired, errors = [], []
    for problem in problems:
        erratum = for_problem(name, problem)
        if erratum is None:
            repaired.append(problem)
        elif not erratum.drop:
            try:
                repaired.append(_repaired(problem, erratum))
            except StaleErratum as error:
                errors.append(str(error))
    if errors:
        raise StaleErratum("\n".join(errors) + f"\nGet the benchmark's files again, or correct {_path(name)}")
    return repaired


def for_problem(name: str, problem: Problem) -> Erratum | None:
    """What is known about one item, or None."""
    return _by_item(name).get((problem.lang, int(problem.id.rpartition("/")[2])))


@functools.cache
def entries(name: str) -> tuple[Erratum, ...]:
    """All errata of a file, in its order. Raises StaleErratum when the file is not as it should be."""
    rows = yaml.safe_load(_path(name).read_text("utf-8"))
    return tuple(_erratum(row, f"{_path(name)}, entry {number}") for number, row in enumerate(rows, 1))


@functools.cache
def _by_item(name: str) -> dict[tuple[str, int], Erratum]:
    found: dict[tuple[str, int], Erratum] = {}
    for entry in entries(name):
        if (entry.lang, entry.n) in found:
            raise StaleErratum(f"{_path(name)}: two entries for {entry.lang}/{entry.n}; expected one")
        found[entry.lang, entry.n] = entry
    return found


def _path(name: str) -> Path:
    return FOLDER / f"{name}.yaml"


def _repaired(problem: Problem, erratum: Erratum) -> Problem:
    texts = {field: getattr(problem, field) for field in FIELDS}
    for r in erratum.replacements:
        if r.old is not None and r.old not in texts[r.field]:
            raise StaleErratum(
                f"{problem.id}: expected {r.old!r} in its {r.field}, which an erratum repairs; found none"
            )
        texts[r.field] = r.new if r.old is None else texts[r.field].replace(r.old, r.new)
    return dataclasses.replace(problem, **texts)


def _erratum(row: dict, where: str) -> Erratum:
    """From the file's form: a field of FIELDS is its whole new text, or a list of `old` and `new`."""
    try:
        replacements: list[Replacement] = []
        for field in FIELDS:
            given = row.get(field, [])
            if isinstance(given, str):
                replacements.append(Replacement(field, None, given))
            else:
                replacements += [Replacement(field, part["old"], part["new"]) for part in given]
        unknown = row.keys() - {"set", "lang", "n", "found", "reason", "drop", *FIELDS}
        if unknown or bool(row.get("drop")) == bool(replacements):
            raise ValueError(f"unknown keys {sorted(unknown)}" if unknown else "expected either drop or a replacement")
        head = (row["set"], row["lang"], int(row["n"]), str(row["found"]), row["reason"])
        return Erratum(*head, drop=bool(row.get("drop")), replacements=tuple(replacements))
    except (KeyError, TypeError, ValueError) as error:
        raise StaleErratum(f"{where}: cannot be used ({type(error).__name__}: {error})") from None
