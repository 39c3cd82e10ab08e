"""Which language to train on: the cells that lost, the best donor for a target, and few donors that cover all targets.

    negative_transfer(matrix, problems)       # the trained rows that are below the base, with intervals
    best_donors(matrix, "go", problems)       # ranking of the training languages for one target
    greedy_cover(matrix, k=3)                 # training languages chosen one by one; best_cover tries every set

A matrix alone (pass@1 in %, rows train, columns lang) gives unpaired intervals: two proportions out of N each
(Newcombe 1998, Stat. Med. 17:873-890, method 10). The paired ones that verdicts allow are shorter: pass
`paired.differences(frame)` to `negative_transfer`.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd

from analysis.claim_tests import value
from analysis.names import NONE
from analysis.transfer import gains, require_whole, single

MOST_SETS = 200_000
"""Sets of donors that `best_cover` tries; beyond it refuses."""


def negative_transfer(
    matrix: pd.DataFrame, problems: pd.Series | None = None, differences: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The trained cells below the base row, the worst first; empty when nothing lost.

    Columns `train`, `lang`, `points` (negative). With `problems` (N of each column) also `low`, `high` (95 %,
    unpaired), `net` (problems solved more than the base, so negative) and `problems`. With `differences`
    (`paired.differences` to the base) the intervals are those, paired by problem, and `p` is there. Raises ValueError
    without a base row.
    """
    if differences is not None:
        paired = differences.reset_index().rename(columns={"difference": "points"})
        paired["net"] = paired["gained"] - paired["lost"]
        cells = paired[["train", "lang", "points", "low", "high", "p", "net", "problems"]]
    else:
        cells = _cells(matrix, problems)
    return cells[cells["points"] < 0].sort_values("points", kind="stable").reset_index(drop=True)


def best_donors(matrix: pd.DataFrame, target: str, problems: pd.Series | None = None) -> pd.DataFrame:
    """The languages trained on alone, ranked by their gain on `target`.

    Columns as in `negative_transfer`, and `rank` (equal scores share one) and `own` (it is the target itself). `net` is
    NaN for means over seeds that are no whole problems. Raises ValueError for a target that the matrix does not have,
    and without a base row.
    """
    if target not in matrix.columns:
        have = ", ".join(map(str, matrix.columns))
        raise ValueError(f"expected an evaluated language as the target, found {target!r}: have {have}")
    cells = _cells(matrix, problems)
    cells = cells[(cells["lang"] == target) & cells["train"].isin(single(matrix).index)]
    cells = cells.sort_values("points", ascending=False, kind="stable").reset_index(drop=True)
    cells.insert(0, "rank", cells["points"].round(9).rank(ascending=False, method="min").astype("int64"))
    return cells.assign(own=cells["train"] == target)


def _cells(matrix: pd.DataFrame, problems: pd.Series | None) -> pd.DataFrame:
    """One row per trained cell that has a score and a base to compare with."""
    gained = gains(matrix)
    rows = []
    for train in gained.index:
        for lang in gained.columns:
            points = value(gained, train, lang)
            if math.isnan(points):
                continue
            row: dict[str, object] = {"train": str(train), "lang": str(lang), "points": points}
            if problems is not None:
                n = int(problems[lang])
                row |= _interval(value(matrix, train, lang), value(matrix, NONE, lang), n) | {"problems": n}
            rows.append(row)
    extra = [] if problems is None else ["low", "high", "net", "problems"]
    return pd.DataFrame(rows, columns=["train", "lang", "points", *extra])


def _interval(ours: float, base: float, n: int) -> dict[str, float]:
    from statsmodels.stats.proportion import confint_proportions_2indep

    solved, before = ours / 100 * n, base / 100 * n
    low, high = confint_proportions_2indep(solved, n, before, n, method="newcomb", compare="diff")
    whole = all(
        abs(count - round(count)) <= 0.005 * n / 100 + 1e-9 for count in (solved, before)
    )  # printed: 2 decimals
    net = float(round(solved) - round(before)) if whole else float("nan")
    return {"low": 100 * float(low), "high": 100 * float(high), "net": net}


def greedy_cover(matrix: pd.DataFrame, k: int | None = None) -> pd.DataFrame:
    """Training languages chosen one by one, each to raise the mean over targets of the best donor's score the most.

    One row per choice: `train`, `mean` (over all columns, of the best of the chosen models on each, in %), `worst` (the
    lowest of those), `serves` (the columns on which the new one is the best chosen). The mean of a maximum is
    submodular, so the greedy k are never worse than 63 % of the way to the best k from nothing (Nemhauser, Wolsey &
    Fisher 1978); `best_cover` shows how far they are. The scores are of models trained apart: which languages to keep a
    specialist for. What one model trained on all of them would do, only training it tells.

    Ties go to the language that comes first. Chosen on the same scores that it reports, so the means are optimistic.
    Raises ValueError for a missing cell, and a k that there are not enough languages for.
    """
    donors = _donors(matrix, k)
    values, names = donors.to_numpy(), list(map(str, donors.index))
    chosen: list[int] = []
    rows = []
    while len(chosen) < (k or len(names)):
        reached = values[chosen].max(axis=0) if chosen else np.full(values.shape[1], -np.inf)
        left = [i for i in range(len(names)) if i not in chosen]
        best = max(left, key=lambda i: (round(float(np.maximum(reached, values[i]).mean()), 9), -i))
        serves = [str(lang) for lang, more in zip(donors.columns, values[best] > reached + 1e-9, strict=True) if more]
        chosen.append(best)
        covered = values[chosen].max(axis=0)
        rows.append({"train": names[best], "mean": covered.mean(), "worst": covered.min(), "serves": ", ".join(serves)})
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="k"))


def best_cover(matrix: pd.DataFrame, k: int) -> tuple[tuple[str, ...], float]:
    """The k training languages whose best donors have the highest mean, by trying every set; and that mean, in %."""
    donors = _donors(matrix, k)
    sets = math.comb(len(donors), k)
    if sets > MOST_SETS:
        raise ValueError(f"expected at most {MOST_SETS:,} sets of languages to try, found {sets:,}: use greedy_cover")
    values = donors.to_numpy()
    means = {
        chosen: float(values[list(chosen)].max(axis=0).mean())
        for chosen in itertools.combinations(range(len(values)), k)
    }
    best = max(means, key=lambda chosen: (round(means[chosen], 9), [-i for i in chosen]))
    return tuple(str(donors.index[i]) for i in best), means[best]


def _donors(matrix: pd.DataFrame, k: int | None) -> pd.DataFrame:
    donors = single(matrix).astype("float64")
    if donors.empty or (k is not None and not 1 <= k <= len(donors)):
        raise ValueError(f"expected k from 1 to the {len(donors)} languages trained on alone, found {k}")
    require_whole(donors)
    return donors


def regret(matrix: pd.DataFrame, most: int = 4) -> pd.DataFrame:
    """How far greedy is from the best: rows k, columns greedy and best (means in %), languages (of the best set)."""
    greedy = greedy_cover(matrix, min(most, len(single(matrix))))
    rows = []
    for k, mean in zip(greedy.index, greedy["mean"], strict=True):
        languages, best = best_cover(matrix, int(k))
        rows.append({"greedy": float(mean), "best": best, "languages": ", ".join(languages)})
    return pd.DataFrame(rows, index=greedy.index)
