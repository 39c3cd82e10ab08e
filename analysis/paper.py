"""The paper's Table 1 and Table 2 as data: "Can Programming Languages Boost Each Other via Instruction Tuning?"
(Zan et al. 2023, arXiv:2308.16824).

    table = paper.tables()[1]
    table.matrix            # pass@1 in %, rows train (none, python, ..., mixed), columns lang: like matrix.pass_at_1
    table.counts            # the solved problems that each value stands for; <NA> where it stands for no whole number

Everything that needs only a matrix (`analysis.transfer`, `analysis.correlation`, ...) takes `table.matrix`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis.names import NONE

FILE = Path(__file__).with_name("paper_tables.yaml")


@dataclass(frozen=True)
class PaperTable:
    number: int
    caption: str
    labels: pd.Series
    """What the paper calls each row: `none` -> `StarCoder 7B`."""
    printed: pd.DataFrame
    """The values as strings, rows train, columns lang."""
    increases: pd.DataFrame
    """The red numbers as strings; the base has no such row."""
    problems: pd.Series
    """For each column, how many problems a value is a fraction of."""

    @property
    def matrix(self) -> pd.DataFrame:
        """pass@1 in %, as printed."""
        return self.printed.astype("float64")

    @property
    def counts(self) -> pd.DataFrame:
        """Solved problems; <NA> where no k/N is printed so."""
        found = {
            lang: [solved(text, int(self.problems[lang])) for text in self.printed[lang]]
            for lang in map(str, self.printed)
        }
        return pd.DataFrame(found, index=self.printed.index, dtype="Int64").rename_axis(columns="lang")

    @property
    def exact(self) -> pd.DataFrame:
        """pass@1 in % from the counts, without the rounding; NaN where there is no count."""
        return 100 * self.counts.astype("float64") / self.problems.astype("float64")


def tables() -> dict[int, PaperTable]:
    """By the number that the paper gives them."""
    data = _read()
    columns = pd.Index(data["columns"], name="lang")
    problems = pd.Series({lang: data["problems"][lang]["n"] for lang in columns}, name="problems").rename_axis("lang")
    return {number: _table(number, table, columns, problems) for number, table in data["tables"].items()}


def families() -> dict[str, str]:
    """Language -> the family whose syntax it shares."""
    return dict(_read()["families"])


def typing() -> dict[str, str]:
    """Language -> `static` or `dynamic`; a language without types is left out."""
    return dict(_read()["typing"])


def why_problems() -> dict[str, tuple[int, str]]:
    """Column -> N, and how it is known."""
    return {lang: (entry["n"], entry["why"]) for lang, entry in _read()["problems"].items()}


def solved(printed: str, problems: int) -> int | None:
    """The k for which 100 k/N, rounded to the printed decimals, is `printed`; None: there is none.

    A half may have been rounded either way: a value is called impossible only when every rounding gives another.
    """
    value = Decimal(printed)
    exponent = value.as_tuple().exponent
    half = Fraction(1, 2) * Fraction(10) ** int(exponent)
    nearest = round(Fraction(value) * problems / 100)
    return nearest if abs(Fraction(100 * nearest, problems) - Fraction(value)) <= half else None


def _table(number: int, table: dict[str, Any], columns: pd.Index, problems: pd.Series) -> PaperTable:
    rows = table["rows"]

    def strings(field: str) -> pd.DataFrame:
        found = {train: row[field] for train, row in rows.items() if field in row}
        return pd.DataFrame.from_dict(found, orient="index", columns=columns).rename_axis("train")

    labels = pd.Series({train: row["label"] for train, row in rows.items()}, name="label").rename_axis("train")
    return PaperTable(number, table["caption"], labels, strings("values"), strings("increases"), problems)


@functools.cache
def _read() -> dict[str, Any]:
    data = yaml.safe_load(FILE.read_text("utf-8"))
    for table in data["tables"].values():
        if next(iter(table["rows"])) != NONE:
            raise ValueError(f"{FILE.name}: expected the base model ({NONE}) as the first row of every table")
    return data
