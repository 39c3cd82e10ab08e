"""The transfer matrix: pass@1 of every trained model on every language (the paper's Table 1).

    frame = analysis.load("runs/")
    table = cells(frame)          # one row per (train, lang): pass@1, counts, interval
    matrix = pass_at_1(table)     # rows: training language; columns: evaluation language; in %
    gain(matrix)                  # minus the base row, in percentage points
    relative_gain(matrix)         # gain as % of the base's score
    headroom_share(matrix)        # gain as % of what the base left to gain

A harness error is our failure, not the model's: it is counted, and left out of both sides of the fraction.
An evaluation with missing verdicts has no score (NaN): an average over those that happen to be there is
a different number, because the programs that take longest are the last to be judged. A verdict without an outcome
(NaN) is a missing one.

The interval of a cell is Wilson's (1927, JASA 22:209-212). It answers: how far might the score be from that of these
models on other problems of the same kind? A problem is one trial. With several samples or seeds a problem's share is
between 0 and 1, which varies less than a single 0 or 1 of the same mean, so that the interval is then too wide rather
than too narrow; it says nothing about seeds that were not run. Differences between cells have their own intervals, in
`analysis.paired`: whether two of these overlap is no test.
"""

from __future__ import annotations

from itertools import product

import pandas as pd

from analysis.names import NONE, ordered_columns, ordered_rows
from codem.records import Outcome

_CELL = ["train", "lang"]


def cells(frame: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """One row per (train, lang), in the order of Table 1.

    | column         | meaning                                                                                |
    |----------------|----------------------------------------------------------------------------------------|
    | pass_at_1      | in %: mean over problems of the share of scored samples that passed, mean over seeds   |
    | low high       | Wilson interval in %; one problem is one trial, however many samples and seeds it has  |
    | passed scored  | samples, summed over seeds                                                             |
    | problems       | problems with at least one scored sample (mean over seeds)                             |
    | harness_errors | samples that were not scored                                                           |
    | missing        | verdicts that should be there and are not; NaN: no record says how many there should be |
    | copies         | verdict lines beyond the first for a sample                                            |
    | seeds          | runs that were averaged                                                                |
    """
    require_one_grid(frame)
    by_seed = _by_seed(frame)
    grouped = by_seed.groupby(_CELL, observed=True)
    table = grouped[["passed", "scored", "harness_errors", "copies"]].sum()
    table["missing"] = grouped["missing"].agg(lambda values: values.sum(skipna=False))
    table["seeds"] = grouped.size()
    table["problems"] = grouped["problems"].mean()
    # One incomplete seed makes the cell incomplete: mean() must not skip it.
    table["pass_at_1"] = grouped["pass_at_1"].agg(lambda values: values.mean(skipna=False))
    table["low"], table["high"] = _wilson(table["pass_at_1"], table["problems"], confidence)
    return table.loc[in_order(table.index)]


def pass_at_1(table: pd.DataFrame) -> pd.DataFrame:
    """`cells` as a matrix in %; NaN where nothing was evaluated or verdicts are missing."""
    return wide(table, "pass_at_1")


def wide(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of `cells` as a matrix: rows are training languages, columns evaluation languages."""
    matrix = table[column].unstack("lang")
    matrix.index = pd.Index(matrix.index.astype(str), name="train")
    matrix.columns = pd.Index(matrix.columns.astype(str), name="lang")
    return matrix.loc[ordered_rows(matrix.index), ordered_columns(matrix.columns)]


def gain(matrix: pd.DataFrame) -> pd.DataFrame:
    """Minus the base row, in percentage points. NaN everywhere when the base was not evaluated."""
    if NONE not in matrix.index:
        return matrix * float("nan")
    return matrix - matrix.loc[NONE]


def relative_gain(matrix: pd.DataFrame) -> pd.DataFrame:
    """The gain in % of the base's score: 100 means twice as many problems. NaN where the base solved none."""
    base = _base(matrix)
    return 100 * gain(matrix) / base.mask(base <= 0)


def headroom_share(matrix: pd.DataFrame) -> pd.DataFrame:
    """The gain in % of what the base left unsolved: 100 means everything. NaN where the base solved all."""
    left = 100 - _base(matrix)
    return 100 * gain(matrix) / left.mask(left <= 0)


def _base(matrix: pd.DataFrame) -> pd.Series:
    scores = matrix.loc[NONE].to_numpy() if NONE in matrix.index else float("nan")
    return pd.Series(scores, index=matrix.columns, dtype=float)


def to_csv(matrix: pd.DataFrame) -> str:
    """`train,python,...` with two decimals; an empty field where there is no score."""
    return matrix.to_csv(float_format="%.2f", index_label="train", lineterminator="\n")


def outcomes(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """How many verdicts had each outcome, and how many problems there were, in the order of the matrix.

    Every outcome has its column, also when nothing ended so. `by` is any of "train" and "lang".
    """
    counts = frame.groupby([*by, "outcome"], observed=True).size().unstack("outcome", fill_value=0)
    counts.columns = pd.Index(counts.columns.astype(str), name="outcome")
    counts = counts.reindex(columns=[o.value for o in Outcome], fill_value=0)
    counts.insert(0, "problems", frame.groupby(by, observed=True)["problem"].nunique())
    return counts.loc[in_order(counts.index)]


def in_order(index: pd.Index) -> list:
    """The keys of an index over train, lang, or both, in the order of Table 1."""
    orders = {"train": ordered_rows, "lang": ordered_columns}
    names = product(*(orders[level](index.get_level_values(level)) for level in map(str, index.names)))
    keys = (key if len(key) > 1 else key[0] for key in names)
    return [key for key in keys if key in index]


def _by_seed(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per (train, lang, seed): counts, and pass@1 in % if every verdict is there."""
    keys = [*_CELL, "seed"]
    frame = judged(frame)
    flags = frame[[*keys, "problem", "expected"]].assign(
        passed=(frame["outcome"] == Outcome.PASSED).astype("int64"),
        scored=(frame["outcome"] != Outcome.HARNESS_ERROR).astype("int64"),
        copies=frame["copies"] - 1,
    )
    grouped = flags.groupby(keys, observed=True)
    table = grouped[["passed", "scored", "copies"]].sum()
    present = grouped.size()
    table["harness_errors"] = present - table["scored"]
    table["missing"] = grouped["expected"].first().astype("float64") - present
    problems = flags[flags["scored"] == 1].groupby([*keys, "problem"], observed=True)["passed"].mean()
    per_problem = problems.groupby(level=keys, observed=True)
    table["problems"] = per_problem.size().reindex(table.index, fill_value=0)
    # More verdicts than problems is as wrong as fewer: the benchmark is not the one that the record names.
    table["pass_at_1"] = (100 * per_problem.mean()).reindex(table.index).where(table["missing"] == 0)
    return table


def _wilson(percent: pd.Series, problems: pd.Series, confidence: float) -> tuple[pd.Series, pd.Series]:
    from statsmodels.stats.proportion import proportion_confint

    known = percent.notna()
    low, high = percent.copy(), percent.copy()
    if known.any():
        n = problems[known].to_numpy(dtype=float)
        bounds = proportion_confint(percent[known].to_numpy() / 100 * n, n, alpha=1 - confidence, method="wilson")
        low[known], high[known] = (100 * bound for bound in bounds)
    return low, high


def judged(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the rows that have no outcome: they were neither passed nor failed, they are missing."""
    known = frame["outcome"].notna()
    return frame if known.all() else frame[known]


def require_one_grid(frame: pd.DataFrame) -> None:
    """Verdicts of two benchmarks or two base models in one cell would be averaged: refuse."""
    if frame.empty:
        raise ValueError("expected verdicts, found an empty frame")
    for axis in ("base", "method", "bench", "decode"):
        values = sorted(set(frame[axis].unique()) - ({NONE} if axis == "method" else set()))
        if len(values) > 1:
            found = ", ".join(values)
            raise ValueError(f"expected one {axis}, found {found}: load one, as in load(runs, {axis}={values[0]!r})")
