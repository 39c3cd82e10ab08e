"""How far each cell is from the base, or from the specialist of its language, paired problem by problem.

    frame = analysis.load("runs/")
    differences(frame)                    # every cell minus the base row
    differences(frame, to="specialist")   # CodeM-A on B minus CodeM-B on B: the paper's second baseline
    pooled(frame)                         # every row minus the base, over all languages

Standard errors, intervals, and what several seeds add: `analysis.contrast`. The exact test of a cell is McNemar's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.contrast import contrast, lacking
from analysis.cube import Cube, cube
from analysis.names import NONE

BASE, SPECIALIST = "base", "specialist"
FINEST = 5_000
"""Above so many steps in a problem's score, the exact distribution gives way to random signs."""


def differences(frame: pd.DataFrame | Cube, to: str = BASE, confidence: float = 0.95) -> pd.DataFrame:
    """One row per (train, lang): the cell minus the same language's cell in row `to`, in the order of Table 1.

    to: "base", "specialist" (the row trained on exactly that language) or the name of a row. Cells that would be
    compared with themselves, and languages without that row, are not in the table.

    | column           | meaning                                                                              |
    |------------------|--------------------------------------------------------------------------------------|
    | difference se    | in points; se pairs by problem and includes seeds when there are several              |
    | low high         | interval, see `analysis.contrast`                                                    |
    | p                | one seed on both sides: `p_exact`; else the t test with `df`, which includes seeds    |
    | df               | degrees of freedom                                                                   |
    | p_exact          | exact McNemar test, or what replaces it (see `sign_test`); of these very models      |
    | gained lost      | problems on which the cell did better, and worse (McNemar's b and c)                 |
    | problems left_out| paired problems, and those that only one side has a score for                        |
    | seeds seed_sd    | of the trained row with the fewest; spread between seeds in points                    |
    | note             | why there is no number, or that problem sets differ; empty otherwise                 |

    Raises ValueError if the frame holds several grids, or if no row is called `to`.
    """
    grid = frame if isinstance(frame, Cube) else cube(frame)
    other = reference(grid, to)
    rows = {}
    for train in grid.trains:
        for lang in grid.langs:
            against = other(lang)
            if against is not None and against != train and grid.of(train, lang):
                rows[train, lang] = _cell(grid, train, against, lang, confidence)
    index = pd.MultiIndex.from_tuples(list(rows), names=["train", "lang"])
    return pd.DataFrame(list(rows.values()), index=index, columns=list(_COLUMNS))


def pooled(
    frame: pd.DataFrame | Cube, to: str = BASE, over: Iterable[str] | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """One row per train: the mean over languages of its differences to row `to`, clustered by problem.

    Every language weighs the same. A language whose specialist is the row itself takes no part when to="specialist".
    Columns as in `differences`, without the exact test, and `langs`: how many languages were averaged.
    """
    grid = frame if isinstance(frame, Cube) else cube(frame)
    other = reference(grid, to)
    wanted = list(grid.langs if over is None else over)
    rows = {}
    for train in grid.trains:
        langs = [lang for lang in wanted if other(lang) not in (None, train)]
        if not langs:
            continue
        weights = {(train, lang): 1 / len(langs) for lang in langs}
        for lang in langs:
            weights[str(other(lang)), lang] = -1 / len(langs)
        found = contrast(grid, weights, confidence)
        rows[train] = {
            "difference": found.estimate,
            **{name: getattr(found, name) for name in ("se", "low", "high", "p", "df", "problems", "left_out")},
            **{"seeds": found.seeds, "seed_sd": found.seed_sd, "langs": len(langs), "note": _note(found)},
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("train")


_COLUMNS = (
    *("difference", "se", "low", "high", "p", "df", "p_exact", "gained", "lost"),
    *("problems", "left_out", "seeds", "seed_sd", "note"),
)


def _cell(grid: Cube, train: str, against: str, lang: str, confidence: float) -> dict[str, Any]:
    found = contrast(grid, {(train, lang): 1.0, (against, lang): -1.0}, confidence)
    by_problem = per_problem(grid, train, against, lang)
    exact = sign_test(by_problem) if not found.why else float("nan")
    alone = len(grid.of(train, lang)) == 1 and len(grid.of(against, lang) or [0]) == 1
    return {
        "difference": found.estimate,
        "se": found.se,
        "low": found.low,
        "high": found.high,
        "p": exact if alone or np.isnan(found.p) else found.p,
        "df": found.df,
        "p_exact": exact,
        "gained": int((by_problem > 0).sum()),
        "lost": int((by_problem < 0).sum()),
        "problems": found.problems,
        "left_out": found.left_out,
        "seeds": found.seeds,
        "seed_sd": found.seed_sd,
        "note": _note(found),
    }


def _note(found: Any) -> str:
    if found.why:
        return found.why
    return f"paired on the common subset: {found.left_out} left out" if found.left_out else ""


def per_problem(grid: Cube, train: str, against: str, lang: str) -> NDArray[np.float64]:
    """(tasks,): the mean over seeds of `train`'s share minus that of `against`; NaN where a seed has no score.

    NaN everywhere if one of the cells lacks verdicts.
    """
    if lacking(grid, {(train, lang): 1, (against, lang): -1}):
        return np.full(len(grid.tasks), np.nan)
    column = grid.langs.index(lang)
    mine, theirs = (grid.values[grid.of(row, lang), column].mean(axis=0) for row in (train, against))
    return np.where(np.abs(mine - theirs) < 1e-12, 0.0, mine - theirs)


def sign_test(by_problem: NDArray[np.float64], seed: int = 0) -> float:
    """Two-sided p of "no problem leans to either side": every difference could as well have had the other sign.

    With one sample and one seed the differences are -1, 0 and 1, and this is the exact McNemar test: binomial with one
    half on the discordant problems (McNemar 1947, Psychometrika 12:153-157; exact form). With several, differences are
    fractions: the statistic is their sum, and its distribution over all sign patterns is computed exactly (Fisher's
    randomisation test for paired data, 1935, *The Design of Experiments*, section 21). Fractions with too many
    different denominators are drawn: 100,000 random sign patterns. It asks about these models, not about other seeds.
    """
    found = by_problem[~np.isnan(by_problem) & (by_problem != 0)]
    if len(by_problem) == 0 or np.isnan(by_problem).all():
        return float("nan")
    if len(found) == 0:
        return 1.0
    steps = _whole_steps(found)
    if steps is None:
        rng = np.random.default_rng(seed)
        sums = np.concatenate([rng.choice([-1.0, 1.0], size=(1_000, len(found))) @ found for _ in range(100)])
        return (1 + int((np.abs(sums) >= abs(found.sum()) - 1e-9).sum())) / (1 + len(sums))
    total = int(np.abs(steps).sum())
    chance = np.ones(1)  # of each sum that the signs can give, from the smallest to the largest
    for size, count in zip(*np.unique(np.abs(steps), return_counts=True), strict=True):
        # `count` signs on steps of one size: a binomial number of them is positive, sums lie 2 x size apart.
        part = np.zeros(2 * size * count + 1)
        part[:: 2 * size] = np.exp(_log_half_binomial(int(count)))
        chance = np.convolve(chance, part)
    at_least_as_far = np.abs(np.arange(-total, total + 1)) >= abs(int(steps.sum()))
    return float(min(1.0, chance[at_least_as_far].sum()))


def _log_half_binomial(n: int) -> NDArray[np.float64]:
    """log of the chance of 0, 1, ..., n heads in n tosses of a fair coin."""
    from scipy.special import gammaln

    k = np.arange(n + 1)
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2)


def _whole_steps(found: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """The differences as multiples of their common step 1/L; None when L is too large."""
    from fractions import Fraction
    from math import lcm

    parts = lcm(*(Fraction(float(value)).limit_denominator(1_000).denominator for value in np.unique(np.abs(found))))
    if parts > FINEST:
        return None
    steps = np.rint(found * parts).astype(np.int64)
    steps //= np.gcd.reduce(np.abs(steps))
    return steps


def reference(grid: Cube, to: str) -> Any:
    """A function from a language to the row to compare with, or None."""
    if to == SPECIALIST:
        return lambda lang: lang if lang in grid.trains else None
    row = NONE if to == BASE else to
    if row not in grid.trains:
        raise ValueError(f"expected a row {row!r} to compare with, found {', '.join(grid.trains)}")
    return lambda lang: row if grid.of(row, lang) else None
