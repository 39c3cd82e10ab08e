"""A weighted sum of cells, with a standard error that pairs by problem, clusters by problem and includes seeds.

    c = cube(analysis.load("runs/"))
    contrast(c, {("html", "java"): 1, ("java", "java"): -1})            # does HTML exceed Java on Java?
    contrast(c, {("mixed", l): 1 / len(c.langs) for l in c.langs} | ...)  # across languages

The estimate is sum over cells of weight x score. Its variance has two parts.

Problems. Each problem adds one number to the estimate: its weighted deviations from the cells' means, summed over all
cells and languages in which it occurs and averaged over seeds. The variance of those numbers is the variance of the
contrast over other problems of the same kind. Two cells of one language are thereby paired by problem, and the
translations of one problem stay together as one cluster: Miller 2024, *Adding Error Bars to Evals* (arXiv 2411.00640),
sections on clustered standard errors and on paired differences; the factor G/(G-1) makes it the usual sample variance.

Seeds. Models of one row that differ in their seed differ also on the same problems. For each row with S > 1 seeds the
variance of the row's S sums, less what problems x seeds noise alone adds to it, estimates the variance between seeds;
1/S of it is added (two crossed random factors, problems and seeds, by the method of moments: Searle, Casella and
McCulloch 1992, *Variance Components*, chapter 4.) An estimate below zero counts as zero. The untrained base has no
training seed. With one seed the second part is unknown and left out: the interval then speaks of these very models.

Degrees of freedom: Satterthwaite 1946 (Biometrics Bulletin 2:110-114).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.cube import Cube

Cell = tuple[str, str]
"""(train, lang)"""


@dataclass(frozen=True)
class Estimate:
    """All effects in percentage points."""

    estimate: float
    se: float
    df: float
    low: float
    high: float
    p: float
    """Two-sided, of t = estimate / se with df degrees of freedom; NaN when nothing varies."""
    problems: int
    """Language-independent problems that take part: the number of clusters."""
    left_out: int
    """(problem, language) pairs that some but not all of the rows have: the rest is paired on the common subset."""
    seeds: int
    """Of the trained row with the fewest; 0 when only the base takes part."""
    seed_sd: float
    """Standard deviation between seeds of the whole contrast, were there one seed of each row; NaN: one seed."""
    why: str
    """Why there is no estimate; empty when there is one."""
    se_of_problems: float = float("nan")
    """What `se` would be if these very models were all that there are: the part of it that problems make."""


@dataclass(frozen=True)
class _Row:
    sums: NDArray[np.float64]
    """(seeds,): weighted sum of the row's cell means."""
    influence: NDArray[np.float64]
    """(seeds, tasks): what each problem adds to those; sums to 0 over problems."""


def contrast(cube: Cube, weights: Mapping[Cell, float], confidence: float = 0.95) -> Estimate:
    """The weighted sum of scores (in points) of `weights`: {(train, lang): weight}.

    Without an estimate (NaN, `why` says so) if a cell was not evaluated or lacks verdicts, or if no problem is common.
    """
    weights = {cell: weight for cell, weight in weights.items() if weight}
    if not weights:
        return _none("no cell has a weight")
    if why := lacking(cube, weights):
        return _none(why)
    models, why = _models(cube, weights)
    if why:
        return _none(why)
    common, left_out = _common(cube, weights, models)
    if empty := [lang for lang, mask in common.items() if not mask.any()]:
        return _none(f"no problem of {empty[0]} is common to the rows")
    rows = {train: _row(cube, train, weights, mine, common) for train, mine in models.items()}
    clusters = int(np.any(list(common.values()), axis=0).sum())
    estimate = sum(row.sums.mean() for row in rows.values())
    per_problem = np.sum([row.influence.mean(axis=0) for row in rows.values()], axis=0)
    spread = clusters / (clusters - 1) if clusters > 1 else np.nan
    of_problems = spread * float((per_problem**2).sum())
    of_seeds, single, squares = 0.0, 0.0, 0.0
    for row in rows.values():
        count = len(row.sums)
        if count > 1:
            total = float(row.sums.var(ddof=1))
            residual = row.influence - row.influence.mean(axis=0)
            noise = spread * float((residual**2).sum()) / (count - 1)
            if total > noise:
                of_seeds += (total - noise) / count
                single += total - noise
                squares += (total / count) ** 2 / (count - 1)
                squares += (noise / count) ** 2 / ((count - 1) * (clusters - 1))
    several = any(len(row.sums) > 1 for row in rows.values())
    variance = of_problems + of_seeds
    se = float(np.sqrt(variance))
    if variance > 0:
        df = float(variance**2 / (of_problems**2 / (clusters - 1) + squares))
    else:
        df = float(max(clusters - 1, 1)) if clusters > 1 else np.nan
    low, high = _interval(cube, weights, models, common, estimate, of_problems, of_seeds, df, confidence)
    trained = [len(row.sums) for train, row in rows.items() if train != "none"]
    return Estimate(
        *(100 * estimate, 100 * se, df, 100 * low, 100 * high, _p(estimate, se, df)),
        clusters,
        left_out,
        min(trained, default=0),
        100 * float(np.sqrt(single)) if several else np.nan,
        "",
        100 * float(np.sqrt(of_problems)),
    )


def lacking(cube: Cube, cells: Mapping[Cell, float]) -> str:
    """What stands in the way of using these cells; empty: nothing."""
    for train, lang in cells:
        mine = cube.of(train, lang) if lang in cube.langs and train in cube.trains else []
        if not mine:
            return f"{train} on {lang} was not evaluated"
        if not cube.complete[mine, cube.langs.index(lang)].all():
            return f"{train} on {lang}: verdicts are missing, or nobody knows how many there should be"
    return ""


def _models(cube: Cube, weights: Mapping[Cell, float]) -> tuple[dict[str, list[int]], str]:
    """Of each row the models that were evaluated on all its languages."""
    models: dict[str, list[int]] = {}
    for train, lang in weights:
        mine = cube.of(train, lang)
        models[train] = [m for m in models[train] if m in mine] if train in models else mine
        if not models[train]:
            return {}, f"no seed of {train} was evaluated on all languages of the contrast"
    return models, ""


def _common(
    cube: Cube, weights: Mapping[Cell, float], models: Mapping[str, list[int]]
) -> tuple[dict[str, NDArray[np.bool_]], int]:
    """For each language the problems that every row and seed has a score for, and how many only some have."""
    common: dict[str, NDArray[np.bool_]] = {}
    left_out = 0
    for lang in dict.fromkeys(lang for _, lang in weights):
        mine = [m for train, of in weights if of == lang for m in models[train]]
        known = ~np.isnan(cube.values[mine, cube.langs.index(lang)])
        common[lang] = np.asarray(known.all(axis=0))
        left_out += int((known.any(axis=0) & ~common[lang]).sum())
    return common, left_out


def _row(
    cube: Cube,
    train: str,
    weights: Mapping[Cell, float],
    models: list[int],
    common: Mapping[str, NDArray[np.bool_]],
) -> _Row:
    sums, influence = np.zeros(len(models)), np.zeros((len(models), len(cube.tasks)))
    for (row, lang), weight in weights.items():
        if row == train:
            mask = common[lang]
            values = cube.values[models, cube.langs.index(lang)][:, mask]
            means = values.mean(axis=1)
            sums += weight * means
            influence[:, mask] += weight * (values - means[:, None]) / mask.sum()
    return _Row(sums, influence)


def _interval(
    cube: Cube,
    weights: Mapping[Cell, float],
    models: Mapping[str, list[int]],
    common: Mapping[str, NDArray[np.bool_]],
    estimate: float,
    of_problems: float,
    of_seeds: float,
    df: float,
    confidence: float,
) -> tuple[float, float]:
    """estimate -+ t x se; within one language with two pretended problems, one gained and one lost, added.

    Bonett and Price 2012 (J. Educ. Behav. Stat. 37:479-488) add them for paired 0/1 outcomes: without them an interval
    after few discordant problems is far too short, and after none it has no width. They count as much as one problem's
    score can move at least: 1 with one sample and one seed, 1/(samples x seeds) with more.
    """
    from scipy.special import stdtrit  # Student's t without the distribution objects, which take most of the time

    if np.isnan(df):
        return np.nan, np.nan
    if len(common) == 1 and len(weights) == 2:
        ((lang, mask),) = common.items()
        column = cube.langs.index(lang)
        n = int(mask.sum())
        units = max(int(cube.samples[mine, column].max()) * len(mine) for mine in models.values())
        step = max(map(abs, weights.values())) / units
        mean = estimate * n / (n + 2)
        square = of_problems * (n - 1) + estimate**2  # the mean square of the n differences
        of_problems = ((n * square + 2 * step**2) / (n + 2) - mean**2) / (n + 2)
        estimate, df = mean, df + 2
        half = float(stdtrit(df, (1 + confidence) / 2)) * float(np.sqrt(of_problems + of_seeds))
        most = sum(abs(weight) for weight in weights.values()) / 2
        return max(estimate - half, -most), min(estimate + half, most)
    half = float(stdtrit(df, (1 + confidence) / 2)) * float(np.sqrt(of_problems + of_seeds))
    return estimate - half, estimate + half


def _p(estimate: float, se: float, df: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(estimate) / se)) if se > 0 else np.nan


def _none(why: str) -> Estimate:
    nan = float("nan")
    return Estimate(nan, nan, nan, nan, nan, nan, 0, 0, 0, nan, why)
