"""The structure of a transfer matrix: who gives, who receives, and what belongs to neither.

Everything here takes a wide matrix (rows train, columns lang, pass@1 in %), as `matrix.pass_at_1` makes it, so that a
CSV file or a paper's table will do. The rows `none` and `mixed`, and mixtures such as `go+python`, are no single
language: they are left out wherever a language is compared with a language.

The additive model behind all of it, for training language i and evaluation language j:

    S_ij = grand mean + donor_i + recipient_j + interaction_ij        (percentage points)

How alike two languages are in difficulty, and how much any instruction tuning gives, is in the first three terms;
what one language does to *this* other one is in the last.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import matrix as matrices
from analysis.names import MIXTURES, NONE, is_own

EXACT_UP_TO = 8
"""Languages whose n! orders are all counted (8! = 40,320); beyond, a sample of orders is drawn."""
DRAWS = 9_999
CLOSE = 1e-9
"""Two orders that give the same cells give sums that differ in the last bits: those count as equal."""


@dataclass(frozen=True)
class Effect:
    """An effect with a permutation test."""

    points: float
    """Percentage points."""
    p: float
    """One-sided: the share of permutations whose effect is at least as large, the observed one among them."""
    permutations: int
    exact: bool
    """Every permutation was counted; False: that many were drawn, and p is (1 + as large) / (1 + drawn)."""
    languages: tuple[str, ...]


def single(matrix: pd.DataFrame) -> pd.DataFrame:
    """The rows trained on one language alone."""
    return matrix.loc[[train for train in matrix.index if train not in (NONE, *MIXTURES) and "+" not in str(train)]]


def square(matrix: pd.DataFrame, least: int = 3) -> pd.DataFrame:
    """The languages that are both trained on (alone) and evaluated, in the order of the columns, as a square.

    Raises ValueError when there are fewer than `least` such languages, or a cell has no score.
    """
    langs = [lang for lang in matrix.columns if lang in matrix.index]
    if len(langs) < least:
        raise ValueError(
            f"expected at least {least} languages that are both trained on and evaluated, found {_listed(langs)}: "
            "train or evaluate more, or look at the rows one by one"
        )
    found = matrix.loc[langs, langs].astype("float64")
    require_whole(found)
    return found


def require_whole(matrix: pd.DataFrame) -> None:
    """Raises ValueError that names the cells without a score."""
    rows, columns = list(matrix.index), list(matrix.columns)
    holes = [f"{rows[y]} -> {columns[x]}" for y, x in zip(*np.nonzero(_missing(matrix)), strict=True)]
    if holes:
        shown = ", ".join(holes[:6]) + (f" and {len(holes) - 6} more" if len(holes) > 6 else "")
        raise ValueError(f"expected a score in every cell, found none in {shown}: evaluate them, or drop their row")


def _missing(matrix: pd.DataFrame) -> np.ndarray:
    return ~np.isfinite(matrix.to_numpy(dtype="float64"))


def double_centred(matrix: pd.DataFrame) -> pd.DataFrame:
    """S_ij minus its row's mean minus its column's mean plus the grand mean: the interaction, in percentage points.

    The least-squares residual of the additive model when every cell is there. Raises ValueError for a missing cell.
    """
    require_whole(matrix)
    values = matrix.to_numpy(dtype="float64")
    centred = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    return pd.DataFrame(centred, index=matrix.index, columns=matrix.columns)


def permutations_of(n: int, draws: int = DRAWS, seed: int = 0) -> tuple[np.ndarray, bool]:
    """Orders of n things, (orders, n): all n! when n is small, else the identity and `draws` random ones; and which."""
    if n <= EXACT_UP_TO:
        return np.array(list(itertools.permutations(range(n)))), True
    rng = np.random.default_rng(seed)
    drawn = rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    return np.vstack([np.arange(n), drawn]), False


def own_language_advantage(matrix: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> Effect:
    """How many points a model gains on its own training language beyond what its row and its column let expect.

    The definition is the least-squares bonus b of S_ij = mean + donor_i + recipient_j + b [i = j] over the n languages
    that are both trained on and evaluated. It equals the mean of the diagonal minus the mean of the other cells (a
    balanced square: row and column effects cancel), and n/(n-1) times the mean double-centred residual on the
    diagonal; so a planted bonus of 5 points is found as 5, whatever the other effects are.

    The null: which evaluation language a training language is "own" for is an arbitrary label, so all n! assignments of
    training languages to evaluation languages are equally likely. Reordering rows leaves the row and column means, so
    the test is that of the diagonal's sum. One-sided (own is better). Raises ValueError as `square` does.
    """
    own = square(matrix)
    values, n = own.to_numpy(), len(own)
    orders, exact = permutations_of(n, draws, seed)
    diagonal = values[orders, np.arange(n)].mean(axis=1)
    bonus = (diagonal - values.mean()) * n / (n - 1)
    observed = (np.trace(values) / n - values.mean()) * n / (n - 1)
    p = float((bonus >= observed - CLOSE).mean())
    return Effect(float(observed), p, len(orders), exact, tuple(map(str, own.index)))


def gains(matrix: pd.DataFrame) -> pd.DataFrame:
    """The trained rows minus the base row, in percentage points. Raises ValueError when there is no base row."""
    if NONE not in matrix.index:
        raise ValueError(f"expected the base model's row ({NONE}) to count gains from, found none: evaluate the base")
    return matrices.gain(matrix.astype("float64")).drop(index=NONE)


def donors(matrix: pd.DataFrame) -> pd.DataFrame:
    """What each trained row gives: its mean gain over the base on languages that it was not trained on.

    | column  | meaning                                                                      |
    |---------|------------------------------------------------------------------------------|
    | score   | mean gain in points over the other languages that have a score; NaN: none    |
    | lowest  | the smallest of those gains                                                  |
    | others  | how many languages that is                                                   |
    | own     | gain on its own language (mean of them for a mixture); NaN: not evaluated    |

    Best donor first. `mixed` has seen every language, so all its columns count as others' and it has no own.
    """
    table = _scores(gains(matrix))
    return table.sort_values("score", ascending=False, kind="stable")


def recipients(matrix: pd.DataFrame) -> pd.DataFrame:
    """What each evaluated language gets: its mean gain over the base from single languages other than itself.

    Columns as in `donors`, where `own` is the gain of the model trained on that language itself.
    """
    table = _scores(single(gains(matrix)).T)
    return table.sort_values("score", ascending=False, kind="stable")


def _scores(gained: pd.DataFrame) -> pd.DataFrame:
    marks = [[is_own(str(a), str(b)) or is_own(str(b), str(a)) for b in gained.columns] for a in gained.index]
    own = np.array(marks, dtype=bool).reshape(gained.shape)  # of no row: (0, columns)
    others = gained.mask(own)
    return pd.DataFrame(
        {
            "score": others.mean(axis=1),
            "lowest": others.min(axis=1),
            "others": others.notna().sum(axis=1),
            "own": gained.where(own).mean(axis=1),
        }
    )


def asymmetry(matrix: pd.DataFrame) -> pd.DataFrame:
    """S - S^T of the gains: how many points more i gives j than j gives i (rows i, columns j; antisymmetric).

    Of gains and not of scores: the score of an easy language is high whoever trained it. Without a base row, of the
    double-centred residuals, which need none.
    """
    own = square(gains(matrix)) if NONE in matrix.index else double_centred(square(matrix))
    return own - own.T.to_numpy()


def reciprocity(matrix: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """Does i give j more than expected where j gives i more than expected? Pearson r over the pairs, and its p.

    Of the additive residuals off the diagonal (`off_diagonal`), so that a good donor that is also a good recipient does
    not pass for reciprocity: the dyadic reciprocity of round-robin designs (Warner, Kenny & Stoto 1979). One-sided p of
    the QAP permutation, in which the languages of the one direction are renamed. NaN, NaN: the residuals are all alike.
    """
    left = off_diagonal(square(matrix, least=4)).to_numpy()
    n = len(left)
    off = ~np.eye(n, dtype=bool)
    if left[off].std() < CLOSE:
        return float("nan"), float("nan")
    orders, _ = permutations_of(n, draws, seed)
    # Row and column means off the diagonal are zero: Pearson's r is the scaled inner product.
    scale = float((left[off] ** 2).sum())
    renamed = left[orders[:, :, None], orders[:, None, :]]  # (orders, n, n), the diagonal stays on the diagonal
    r = np.einsum("ij,oji->o", np.where(off, left, 0.0), np.where(off, renamed, 0.0)) / scale
    return float(r[0]), float((r >= r[0] - CLOSE).mean())


def off_diagonal(own: pd.DataFrame) -> pd.DataFrame:
    """Residuals of the additive model fitted to the cells off the diagonal of a square; NaN on the diagonal.

    The diagonal is left out of the fit: what a language does to itself would otherwise leak into its row and column,
    and from there into what it does to others. Needs four languages; with fewer no interaction is left.
    """
    values, n = own.to_numpy(dtype="float64"), len(own)
    if n < 4:
        raise ValueError(f"expected at least 4 languages that are both trained on and evaluated, found {n}")
    rows, columns = np.nonzero(~np.eye(n, dtype=bool))
    cells = values[rows, columns]
    fit, *_ = np.linalg.lstsq(additive_design(rows, columns, n), cells, rcond=None)
    out = np.full((n, n), np.nan)
    out[rows, columns] = cells - additive_design(rows, columns, n) @ fit
    return pd.DataFrame(out, index=own.index, columns=own.columns)


def additive_design(rows: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray:
    """Indicators of the row and of the column of each cell, (cells, 2n - 1): the first column is the reference."""
    return np.hstack([np.eye(n)[rows], np.eye(n)[columns][:, 1:]])


def decompose(matrix: pd.DataFrame, problems: pd.Series | None = None) -> pd.DataFrame:
    """Two-way decomposition of the trained rows (the base left out): where the differences between cells come from.

    | row                 | its sum of squares                                                        |
    |---------------------|---------------------------------------------------------------------------|
    | training language   | of the row means: some corpora teach more than others                     |
    | evaluation language | of the column means: some languages are harder, or gain more              |
    | interaction         | of what is left: who helps whom, and noise                                |
    | total               | of all cells around the grand mean                                        |

    Columns: `df`, `squares` (points squared), `share` of the total, `mean_square` (per degree of freedom), and, given
    the `problems` of each column, `noise`: the sum of squares that binomial sampling alone would give that row, were
    the problems drawn anew for every cell. Models that solve the same problems differ by less, so it is an upper bound.
    Raises ValueError for a missing cell, fewer than two rows or columns; shares are NaN when all cells are equal.
    """
    trained = matrix.drop(index=NONE, errors="ignore").astype("float64")
    rows, columns = trained.shape
    if min(rows, columns) < 2:
        raise ValueError(f"expected at least 2 trained rows and 2 columns to decompose, found {rows} and {columns}")
    residual = double_centred(trained).to_numpy()
    values = trained.to_numpy()
    grand = values.mean()
    squares = {
        "training language": columns * float(((values.mean(axis=1) - grand) ** 2).sum()),
        "evaluation language": rows * float(((values.mean(axis=0) - grand) ** 2).sum()),
        "interaction": float((residual**2).sum()),
        "total": float(((values - grand) ** 2).sum()),
    }
    df = [rows - 1, columns - 1, (rows - 1) * (columns - 1), rows * columns - 1]
    table = pd.DataFrame({"df": df, "squares": list(squares.values())}, index=list(squares))
    total = squares["total"]
    table["share"] = table["squares"] / total if total > CLOSE else float("nan")
    table["mean_square"] = table["squares"] / table["df"]
    if problems is not None:
        share = values / 100
        variance = 1e4 * share * (1 - share) / problems[list(trained.columns)].to_numpy(dtype="float64")
        # A projection's expected squares: each cell's variance times the projection's diagonal, which is df / cells.
        table["noise"] = table["df"] / (rows * columns) * float(variance.sum())
    return table


def _listed(names: list) -> str:
    return ", ".join(map(str, names)) or "none"
