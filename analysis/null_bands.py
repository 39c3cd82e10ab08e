"""What the heat maps of correlations can show: the values that they would have if there were nothing to see.

    share = probabilities(matrix, NO_TRANSFER)
    bands = null_bands(matrix, problems, share, side="train")

The paper's Figure 4 correlates the rows, or the columns, of a small matrix of pass@1. Each of its cells is a count out
of about 164 problems and carries a standard error of 3 to 4 points, the size of the differences themselves, so two rows
correlate by chance, and all rows correlate where some columns are easy for every model. A value inside its band is one
that binomial noise alone gives in 95 of 100 experiments.

The simulated cells are independent. Models that solve the same problems differ by less than independent ones, so that
for a grid with verdicts the bands are on the wide side; from a matrix alone nothing better can be had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import correlation, transfer
from analysis.names import NONE

NO_TRANSFER = "no transfer"
"""Every row has the base model's probability in each column: training did nothing."""
NO_DIFFERENCE = "no difference"
"""Every row has its column's mean probability: training may help, but all languages help alike."""
SIDES = ("eval", "train")
SIMULATIONS = 10_000
CHUNK = 2_000
CONSTANT = 1e-12
"""A line of proportions that varies less has only the rounding of its mean: one problem more is a variance of 1e-8."""


@dataclass(frozen=True)
class NullBands:
    observed: pd.DataFrame
    """The correlations of the matrix, as `analysis.correlation` gives them."""
    low: pd.DataFrame
    high: pd.DataFrame
    """The band of each pair, of the same shape; NaN on the diagonal."""
    summary: pd.DataFrame
    """Rows mean, min, max, n_negative over the pairs; columns observed, low, high, p (two-sided), of the same null."""
    p_few_negative: float
    """One-sided: how often the null gives at most as many negative correlations as observed; NaN: there are none."""
    null: str
    simulations: int

    @property
    def outside(self) -> pd.DataFrame:
        """True where the observed correlation is outside its band."""
        return (self.observed < self.low) | (self.observed > self.high)


def probabilities(matrix: pd.DataFrame, null: str = NO_TRANSFER) -> pd.Series:
    """Of each column, the probability (0 to 1) that every row shares. Raises ValueError without what that needs."""
    if null not in (NO_TRANSFER, NO_DIFFERENCE):
        raise ValueError(f"expected the null {NO_TRANSFER!r} or {NO_DIFFERENCE!r}, found {null!r}")
    if null == NO_TRANSFER and NONE not in matrix.index:
        raise ValueError(f"{NO_TRANSFER!r} needs the base model's row ({NONE}), found none: use {NO_DIFFERENCE!r}")
    rows = matrix.loc[[NONE]] if null == NO_TRANSFER else matrix
    share = rows.astype("float64").mean() / 100
    if holes := [str(lang) for lang, one in share.items() if np.isnan(one)]:
        raise ValueError(f"expected a score to simulate from in every column, found none in {', '.join(holes)}")
    return share


def observed(matrix: pd.DataFrame, side: str, gains: bool = False) -> pd.DataFrame:
    """The correlations of `matrix`, or of its gains over the base row. Raises ValueError for another side."""
    if side not in SIDES:
        raise ValueError(f"expected the side eval or train, found {side!r}")
    scores = transfer.gains(matrix) if gains else matrix
    return correlation.of_training_languages(scores) if side == "train" else correlation.of_eval_languages(scores)


def null_bands(
    matrix: pd.DataFrame,
    problems: pd.Series,
    shares: pd.Series | None = None,
    side: str = "train",
    null: str = NO_TRANSFER,
    gains: bool = False,
    simulations: int = SIMULATIONS,
    confidence: float = 0.95,
    seed: int = 0,
) -> NullBands:
    """The band of every correlation of `matrix` (in %), of all its rows: leave rows out before, not here.

    `problems`: N of each column. `shares`: the probability of each column; by default `probabilities(matrix, null)`.
    Pass it when the base row defines the null but takes no part in the correlations. `side`: "eval" is df.corr(),
    "train" is df.T.corr(). `gains`: correlate the gains over the base row instead of the scores; the base row is then
    drawn too, once for all rows, so that its noise is in every gain: gains correlate although nothing is transferred.
    Pairs whose simulated lines are constant are left out of a band, as they are of the observed correlations; a cell
    without a score is missing in every simulation too. Raises ValueError for another side, and for a column without N
    or with N < 1.
    """
    seen = observed(matrix, side, gains)
    shares = probabilities(matrix, null) if shares is None else shares
    n = problems.reindex(matrix.columns).to_numpy(dtype="float64")
    if not (n >= 1).all():
        bad = ", ".join(str(lang) for lang, good in zip(matrix.columns, n >= 1, strict=True) if not good)
        raise ValueError(f"expected the number of problems of every column, found none for {bad}")
    matrix = transfer.gains(matrix) if gains else matrix
    known = np.isfinite(matrix.to_numpy(dtype="float64"))
    drawn = _simulate(known, shares[list(matrix.columns)].to_numpy(dtype="float64"), n, side, gains, simulations, seed)
    tails = [50 * (1 - confidence), 50 * (1 + confidence)]
    low, high = _percentiles(drawn, tails)
    np.fill_diagonal(low, np.nan)
    np.fill_diagonal(high, np.nan)
    upper = np.triu_indices(len(seen), 1)
    inside = drawn[:, upper[0], upper[1]]
    inside = inside[np.isfinite(inside).any(axis=1)]
    pairs = seen.to_numpy()[upper]
    summary = _summary(pairs, inside, tails)
    few = (1 + ((inside < 0).sum(axis=1) <= (pairs < 0).sum()).sum()) / (1 + len(inside)) if len(summary) else np.nan
    lower, higher = (pd.DataFrame(band, index=seen.index, columns=seen.columns) for band in (low, high))
    return NullBands(seen, lower, higher, summary, float(few), null, simulations)


def statistics(pairs: np.ndarray) -> dict[str, np.ndarray]:
    """Of correlations (..., pairs): what one says of a whole heat map. NaN pairs do not count."""
    return {
        "mean": np.nanmean(pairs, axis=-1),
        "min": np.nanmin(pairs, axis=-1),
        "max": np.nanmax(pairs, axis=-1),
        "n_negative": (pairs < 0).sum(axis=-1),
    }


def _summary(observed: np.ndarray, drawn: np.ndarray, tails: list[float]) -> pd.DataFrame:
    rows = {}
    if np.isfinite(observed).any() and len(drawn):
        seen = statistics(observed)
        for name, values in statistics(drawn).items():
            low, high = np.percentile(values, tails)
            # The observed matrix is one of the equally likely ones, so p is never 0 (Phipson & Smyth 2010).
            upper = (1 + (values >= seen[name] - 1e-12).sum()) / (1 + len(values))
            lower = (1 + (values <= seen[name] + 1e-12).sum()) / (1 + len(values))
            rows[name] = {"observed": float(seen[name]), "low": low, "high": high, "p": min(1.0, 2 * min(upper, lower))}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["observed", "low", "high", "p"])


def _simulate(
    known: np.ndarray, shares: np.ndarray, n: np.ndarray, side: str, gains: bool, simulations: int, seed: int
) -> np.ndarray:
    """Correlations (simulations, lines, lines) of matrices drawn under the null, in chunks that fit a laptop."""
    rng = np.random.default_rng(seed)
    found = []
    for start in range(0, simulations, CHUNK):
        size = (min(CHUNK, simulations - start), *known.shape)
        cells = rng.binomial(n.astype("int64"), shares, size=size) / n
        if gains:
            cells = cells - rng.binomial(n.astype("int64"), shares, size=(size[0], 1, size[2])) / n
        as_train = side == "train"
        found.append(_correlate(cells.transpose(0, 2, 1) if as_train else cells, known.T if as_train else known))
    return np.concatenate(found)


def _correlate(cells: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Pearson r between the columns of each matrix (draws, rows, columns), over the rows that both columns have."""
    if known.all():
        centred = cells - cells.mean(axis=1, keepdims=True)
        products = np.einsum("drc,drk->dck", centred, centred)
        variance = np.einsum("dcc->dc", products)
        left, right = variance[:, :, None], variance[:, None, :]
    else:
        w = known.astype("float64")
        x = np.where(known, cells, 0.0)
        pairs = w.T @ w
        pairs = np.where(pairs >= correlation.FEWEST, pairs, np.nan)
        sums, squares = np.einsum("drc,rk->dck", x, w), np.einsum("drc,rk->dck", x * x, w)
        products = np.einsum("drc,drk->dck", x, x) - sums * sums.transpose(0, 2, 1) / pairs
        left = squares - sums**2 / pairs
        right = left.transpose(0, 2, 1)
    vary = (left > CONSTANT) & (right > CONSTANT)
    scale = np.sqrt(np.where(vary, left * right, 1.0))
    return np.where(vary, products / scale, np.nan)


def _percentiles(drawn: np.ndarray, tails: list[float]) -> np.ndarray:
    """Over the draws that have a value; NaN where none has."""
    out = np.full((2, *drawn.shape[1:]), np.nan)
    has = np.isfinite(drawn).any(axis=0)
    if np.isfinite(drawn).all():
        return np.percentile(drawn, tails, axis=0)
    out[:, has] = np.nanpercentile(drawn[:, has], tails, axis=0)
    return out
