"""A weighted sum of cells with its interval and its test: from verdicts paired by problem, or from counts alone.

OfFrame(analysis.load("runs/")).test({("html", "java"): 1, ("java", "java"): -1})
OfMatrix(matrix, problems).test(...)             # pass@1 in % and N of each column
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis import matrix as matrices

Weights = Mapping[tuple[str, str], float]
"""(train, lang) -> weight."""


def value(matrix: pd.DataFrame, train: str, lang: str) -> float:
    """One cell as a float; NaN for <NA>."""
    found: Any = matrix.at[train, lang]
    return math.nan if found is pd.NA else float(found)


@dataclass(frozen=True)
class Tested:
    """Effects in percentage points; NaN where there is no number, and `why` says why."""

    points: float
    low: float
    high: float
    """95 % interval."""
    p: float
    """Two-sided, of "the sum is `by`"."""
    problems: int
    """The problems that stand behind it: of the language with the most."""
    test: str
    """How: "paired by problem", "unpaired, from counts", ..."""
    why: str = ""


class Source(Protocol):
    """A grid that claims can be evaluated on."""

    matrix: pd.DataFrame
    """pass@1 in %, rows train, columns lang; NaN where there is no score."""
    problems: pd.Series
    """N of each column."""

    def solved(self, train: str, lang: str) -> float:
        """Problems solved (a mean over seeds and samples when there are several); NaN: not known."""

    def asked(self, train: str, lang: str) -> int:
        """Problems that this cell has a score for."""

    def test(self, weights: Weights, by: float = 0.0) -> Tested: ...


class OfMatrix:
    """A matrix and the number of problems of each column.

    `counts`: solved problems, <NA> where a printed value stands for no whole number: such a cell has a value, and
    nothing that rests on it has a test. Without `counts` they are `matrix` x N / 100, whole or not (means over seeds).
    """

    def __init__(self, matrix: pd.DataFrame, problems: pd.Series, counts: pd.DataFrame | None = None):
        if lacking := [str(lang) for lang in matrix.columns if not problems.get(lang, 0) > 0]:
            raise ValueError(f"expected the number of problems of every column, found none for {', '.join(lacking)}")
        self.matrix, self.problems = matrix.astype("float64"), problems
        n = problems[list(matrix.columns)].astype("float64")
        self._solved = self.matrix * n / 100 if counts is None else counts.astype("float64")

    def solved(self, train: str, lang: str) -> float:
        return value(self._solved, train, lang)

    def asked(self, train: str, lang: str) -> int:
        return int(self.problems[lang])

    def test(self, weights: Weights, by: float = 0.0) -> Tested:
        points = sum(weight * value(self.matrix, *cell) for cell, weight in weights.items())
        n = max((int(self.problems[lang]) for _, lang in weights), default=0)
        strange = [cell for cell in weights if math.isnan(self.solved(*cell))]
        if strange:
            nan = float("nan")
            told = ", ".join(
                f"{train} on {lang} ({value(self.matrix, train, lang):.2f} is no k/{self.problems[lang]})"
                for train, lang in strange
            )
            return Tested(points, nan, nan, nan, n, "none", f"no whole number of problems: {told}")
        low, high, p = unpaired(
            [(weight, self.solved(*cell), float(self.problems[cell[1]])) for cell, weight in weights.items()], by / 100
        )
        languages = len({lang for _, lang in weights})
        how = "unpaired, from counts" + (f", {languages} languages as if independent" if languages > 1 else "")
        return Tested(points, 100 * low, 100 * high, p, n, how)


class OfFrame:
    """Verdicts of one grid, as `analysis.load` gives them."""

    def __init__(self, frame: pd.DataFrame):
        from analysis.cube import cube

        table = matrices.cells(frame)
        self.matrix = matrices.pass_at_1(table)
        self.problems = matrices.wide(table, "problems").max()
        self._n = matrices.wide(table, "problems")
        self._cube = cube(frame)

    def solved(self, train: str, lang: str) -> float:
        return value(self.matrix, train, lang) * value(self._n, train, lang) / 100

    def asked(self, train: str, lang: str) -> int:
        return round(value(self._n, train, lang))

    def test(self, weights: Weights, by: float = 0.0) -> Tested:
        from scipy import stats

        from analysis.contrast import contrast
        from analysis.paired import per_problem, sign_test

        found = contrast(self._cube, weights)
        how = "paired by problem"
        p = float(2 * stats.t.sf(abs(found.estimate - by) / found.se, found.df)) if found.se > 0 else math.nan
        if not found.why and not found.se > 0 and abs(found.estimate - by) < 1e-9:
            p = 1.0
        pair = sorted(weights.items(), key=lambda item: -item[1])
        if not found.why and by == 0 and [weight for _, weight in pair] == [1, -1] and pair[0][0][1] == pair[1][0][1]:
            ((ours, lang), _), ((theirs, _), _) = pair
            if len(self._cube.of(ours, lang)) == len(self._cube.of(theirs, lang)) == 1:
                p = sign_test(per_problem(self._cube, ours, theirs, lang))
                how = "paired by problem, exact McNemar test"
        if found.left_out:
            how += f", {found.left_out} problem{'' if found.left_out == 1 else 's'} left out that only some have"
        low, high = float(found.low), float(found.high)
        return Tested(float(found.estimate), low, high, p, found.problems, how, found.why)


def unpaired(cells: list[tuple[float, float, float]], by: float = 0.0) -> tuple[float, float, float]:
    """Interval (95 %) and two-sided p of a weighted sum of independent proportions: cells of (weight, solved, n).

    The method of variance estimates recovery from Wilson's limits (Zou and Donner 2008, Stat. Med. 27:1693-1702): for
    two proportions it is Newcombe's hybrid score interval (1998, method 10), which keeps its level where the plain
    normal one does not. The p-value is the level at which that interval just excludes `by`, so that the two agree.
    Sums and `by` are proportions, not per cent.
    """
    from scipy import optimize, stats

    weight, solved, n = (np.array(column, dtype="float64") for column in zip(*cells, strict=True))
    share = solved / n
    estimate = float(weight @ share)

    def limits(z: float) -> tuple[float, float]:
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        down, up = share - (middle - half), (middle + half) - share
        below = np.where(weight > 0, weight * down, weight * up)
        above = np.where(weight > 0, weight * up, weight * down)
        return estimate - float(np.sqrt((below**2).sum())), estimate + float(np.sqrt((above**2).sum()))

    side = 0 if estimate > by else 1
    gap = abs(estimate - by)
    if gap < 1e-12:
        p = 1.0
    elif abs(limits(MOST_Z)[side] - estimate) < gap:
        p = float(2 * stats.norm.sf(MOST_Z))  # farther away than any proportions can be
    else:
        p = float(2 * stats.norm.sf(optimize.brentq(lambda z: abs(limits(z)[side] - estimate) - gap, 0, MOST_Z)))
    return *limits(float(stats.norm.ppf(0.975))), p


MOST_Z = 37.0
"""Beyond, the normal tail is no longer a number."""
