"""Many cells, many tests: which differences stand when all of them are looked at together?

    table = significance(frame)          # differences() with p_holm, p_bh and p_max_t beside p

Holm bounds the chance of any false finding, whatever the dependence; Benjamini-Hochberg bounds the share of false ones
among the findings, for exploring; max-T bounds what Holm bounds, and is sharper where cells go together, because it
takes their dependence from the verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrast import contrast
from analysis.cube import Cube, cube
from analysis.paired import BASE, differences, per_problem, reference

Table = TypeVar("Table", pd.Series, pd.DataFrame)
BLOCK = 2_000
"""Permutations that are held at a time."""


def significance(
    frame: pd.DataFrame | Cube,
    to: str = BASE,
    confidence: float = 0.95,
    permutations: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """`paired.differences` with three more columns: p_holm, p_bh (of its column p) and p_max_t."""
    grid = frame if isinstance(frame, Cube) else cube(frame)
    table = differences(grid, to, confidence)
    at = list(table.columns).index("p") + 1
    table.insert(at, "p_holm", holm(table["p"]))
    table.insert(at + 1, "p_bh", benjamini_hochberg(table["p"]))
    table.insert(at + 2, "p_max_t", max_t(grid, to, permutations, seed)["p"])
    return table


def holm(p: Table) -> Table:
    """Adjusted p values in the shape of `p` (Holm 1979, Scand. J. Statist. 6:65-70). NaN stays, and is no test."""
    return _adjusted(p, "holm")


def benjamini_hochberg(p: Table) -> Table:
    """Adjusted p values in the shape of `p` (Benjamini and Hochberg 1995, JRSS B 57:289-300). NaN stays NaN."""
    return _adjusted(p, "fdr_bh")


def _adjusted(p: Table, method: str) -> Table:
    from statsmodels.stats.multitest import multipletests

    values = np.asarray(p, dtype=float)
    known = ~np.isnan(values)
    if ((values[known] < 0) | (values[known] > 1)).any():
        raise ValueError("expected p values between 0 and 1, found others")
    adjusted = np.full(values.shape, np.nan)
    if known.any():
        adjusted[known] = multipletests(values[known], method=method)[1]
    if isinstance(p, pd.DataFrame):
        return pd.DataFrame(adjusted, index=p.index, columns=p.columns)
    return pd.Series(adjusted, index=p.index, name=p.name)


def max_t(frame: pd.DataFrame | Cube, to: str = BASE, permutations: int = 10_000, seed: int = 0) -> pd.DataFrame:
    """One row per (train, lang): `statistic` and the adjusted `p`, against row `to` as in `paired.differences`.

    Under "this training changes nothing" the two models of a comparison could be exchanged, problem by problem. So
    whole problems are flipped: a problem's differences change sign together in all languages and all rows, which keeps
    how cells go together. The statistic of a cell is |sum of differences| / root of the sum of their squares, which
    the flips leave as it is; the largest over all cells that are still in the race is what each is compared with
    (step-down: Westfall and Young 1993, *Resampling-Based Multiple Testing*, algorithm 4.1; Romano and Wolf 2005, JASA
    100:94-108). The p of the sharpest cell is (1 + flips at least as large) / (1 + flips); when there are no more sign
    patterns than `permutations`, all of them are gone through and p is exact.

    The level is exact for one row over all languages. Rows that share one base are exchanged all at once, which keeps
    their covariances but not their skewness: over several rows the level holds as the number of problems grows
    (`benchmarks/calibration.py` measures it). Differences are averaged over seeds. With several, a cell's statistic is
    made smaller by the share of its standard error that problems make: a statistic that spread between seeds has made
    large says nothing about other seeds. (That share is estimated, so the level is then an approximation.)
    """
    grid = frame if isinstance(frame, Cube) else cube(frame)
    other = reference(grid, to)
    cells, found, share = [], [], []
    for train in grid.trains:
        for lang in grid.langs:
            against = other(lang)
            if against is not None and against != train and grid.of(train, lang):
                cells.append((train, lang))
                found.append(per_problem(grid, train, against, lang))
                cell = contrast(grid, {(train, lang): 1.0, (against, lang): -1.0})
                share.append(cell.se_of_problems / cell.se if cell.se > 0 else 1.0)
    index = pd.MultiIndex.from_tuples(cells, names=["train", "lang"])
    if not cells:
        return pd.DataFrame({"statistic": [], "p": []}, index=index, dtype=float)
    statistic, p = flip(np.array(found), permutations, seed, np.array(share))
    return pd.DataFrame({"statistic": statistic, "p": p}, index=index)


def flip(
    by_problem: NDArray[np.float64],
    permutations: int = 10_000,
    seed: int = 0,
    share: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(cells, problems) differences -> statistics and step-down adjusted p values, (cells,) each.

    share: (cells,) factors of the observed statistics, see `max_t`. NaN entries take no part; a cell of nothing but NaN
    has neither statistic nor p, one without a difference has p 1.
    """
    if permutations < 1:
        raise ValueError(f"expected at least one permutation, found {permutations}")
    known = np.asarray(~np.isnan(by_problem).all(axis=1))
    values = np.nan_to_num(by_problem[known])
    size = np.sqrt((values**2).sum(axis=1))
    values = values / np.where(size > 0, size, 1)[:, None]
    observed = np.abs(values.sum(axis=1)) * (1 if share is None else share[known])
    order = np.argsort(-observed, kind="stable")
    values = values[order][:, (values != 0).any(axis=0)]
    threshold = observed[order] - 1e-9  # sums in another order differ in the last digits
    exceeded, flips = np.zeros(len(order)), 0
    exact = _all_patterns(values.shape[1], permutations)
    for signs in _signs(values.shape[1], permutations, seed):
        largest = np.maximum.accumulate(np.abs(signs @ values.T)[:, ::-1], axis=1)[:, ::-1]
        exceeded += (largest >= threshold).sum(axis=0)
        flips += len(signs)
    p = np.maximum.accumulate(exceeded / flips if exact else (1 + exceeded) / (1 + flips))
    statistic, adjusted = np.full(len(known), np.nan), np.full(len(known), np.nan)
    statistic[np.flatnonzero(known)] = observed
    adjusted[np.flatnonzero(known)[order]] = p
    return statistic, adjusted


def _all_patterns(problems: int, permutations: int) -> bool:
    return problems < 31 and 2**problems <= permutations


def _signs(problems: int, permutations: int, seed: int) -> Iterator[NDArray]:
    """Blocks of sign patterns, (flips, problems) of -1 and 1: all there are, or random ones."""
    if _all_patterns(problems, permutations):
        patterns = np.arange(2**problems)[:, None] >> np.arange(problems)
        yield 1.0 - 2.0 * (patterns & 1)
        return
    rng = np.random.default_rng(seed)
    for start in range(0, permutations, BLOCK):
        count = min(BLOCK, permutations - start)
        yield 1.0 - 2.0 * rng.integers(0, 2, size=(count, problems))
