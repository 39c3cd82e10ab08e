"""How alike languages are across the matrix: the paper's Figure 4, `df.corr()` before and after `df.T`.

The paper regards "the data in Table 1 as a matrix". Table 1 starts with the base model and ends with Mixed, so
by default every row takes part; `with_base=False` leaves the base row out. In both heat maps a high value says
that two profiles go up and down together, not that one language helps the other.
"""

from __future__ import annotations

import pandas as pd

from analysis.names import NONE

FEWEST = 3
"""Two points always lie on a line: a correlation of them is +1 or -1 whatever was measured, so it is not given."""


def of_eval_languages(matrix: pd.DataFrame, with_base: bool = True) -> pd.DataFrame:
    """Figure 4 (a), `df.corr()`: are two evaluation languages high for the same training languages?"""
    return _corr(_rows(matrix, with_base))


def of_training_languages(matrix: pd.DataFrame, with_base: bool = True) -> pd.DataFrame:
    """Figure 4 (b), `df.T.corr()`: are two training languages good at the same evaluation languages?"""
    return _corr(_rows(matrix, with_base).T)


def _rows(matrix: pd.DataFrame, with_base: bool) -> pd.DataFrame:
    return matrix if with_base else matrix.drop(index=NONE, errors="ignore")


def _corr(matrix: pd.DataFrame) -> pd.DataFrame:
    """Pearson over the pairs of cells that both have a score; NaN for a constant line or fewer than three pairs."""
    matrix = matrix.rename_axis(index=None, columns=None)
    constant = matrix.nunique() <= 1  # rounding noise in the mean would otherwise pass for variation
    corr = matrix.corr(min_periods=FEWEST).clip(-1, 1)
    corr.loc[constant, :] = float("nan")
    corr.loc[:, constant] = float("nan")
    return corr
