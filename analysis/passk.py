"""Unbiased pass@k: the chance that at least one of k answers passes, estimated from n >= k answers per problem.

    frame = analysis.load("runs/")
    table = cells(frame, k=10)         # one row per (train, lang)

Source: Chen et al., *Evaluating Large Language Models Trained on Code* (arXiv 2107.03374), equation 1. It is computed
as a product, because the binomial coefficients themselves overflow.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.matrix import in_order, judged, require_one_grid
from codem.records import Outcome


def pass_at_k(n: ArrayLike, passed: ArrayLike, k: int) -> NDArray[np.float64]:
    """1 - C(n - c, k) / C(n, k) for every problem, as the product over i < k of 1 - (n - c - i) / (n - i).

    n, passed: answers of each problem and those that passed, any shape that broadcasts. NaN where n < k: fewer than k
    answers say nothing without bias. Raises ValueError for k < 1 and for counts that cannot be.
    """
    if k < 1:
        raise ValueError(f"pass@k: expected k of at least 1, found {k}")
    n, passed = np.broadcast_arrays(np.asarray(n, dtype=float), np.asarray(passed, dtype=float))
    if ((passed < 0) | (passed > n)).any():
        raise ValueError("pass@k: expected 0 <= passed <= n for every problem, found other counts")
    none_passes = np.ones(n.shape)
    for i in range(k):
        # Once more are drawn than failed, one of them passed: the factor is 0, never negative.
        none_passes *= np.clip(n - passed - i, 0, None) / np.where(n > i, n - i, 1)
    return np.where(n >= k, 1 - none_passes, np.nan)


def cells(frame: pd.DataFrame, k: int) -> pd.DataFrame:
    """One row per (train, lang): pass@k in %, the mean over problems, then over seeds.

    Columns: `pass_at_k`, `problems` (those with at least k scored answers, mean over seeds), `too_few` (problems with
    fewer, summed over seeds), `seeds`. A cell has no score (NaN) when verdicts are missing
    or when a problem has fewer than k scored answers: a mean over the rest would be another number.
    """
    require_one_grid(frame)
    keys = ["train", "lang", "seed"]
    frame = judged(frame)
    flags = frame[[*keys, "problem", "expected"]].assign(
        passed=frame["outcome"] == Outcome.PASSED, scored=frame["outcome"] != Outcome.HARNESS_ERROR
    )
    grouped = flags.groupby(keys, observed=True)
    missing = grouped["expected"].first().astype("float64") - grouped.size()
    counts = flags.groupby([*keys, "problem"], observed=True)[["passed", "scored"]].sum()
    counts["share"] = pass_at_k(counts["scored"].to_numpy(), counts["passed"].to_numpy(), k)
    by_seed = counts.groupby(level=keys, observed=True)["share"].agg(["mean", "count", "size"])
    by_seed["too_few"] = by_seed["size"] - by_seed["count"]
    by_seed["mean"] = (100 * by_seed["mean"]).where((by_seed["too_few"] == 0) & (missing == 0))
    cell = by_seed.groupby(level=["train", "lang"], observed=True)
    table = pd.DataFrame(
        {
            "pass_at_k": cell["mean"].agg(lambda values: values.mean(skipna=False)),
            "problems": cell["count"].mean(),
            "too_few": cell["too_few"].sum(),
            "seeds": cell.size(),
        }
    )
    return table.loc[in_order(table.index)]
