"""Many tests at once: against statsmodels' definitions by hand, every sign pattern, and simulated levels."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic_runs import evaluation, grid

import analysis
from analysis.cube import Cube
from analysis.multiplicity import benjamini_hochberg, flip, holm, max_t, significance
from analysis.paired import per_problem

NAN = float("nan")


def test_holm_and_benjamini_hochberg_by_hand():
    p = pd.Series([0.01, NAN, 0.04, 0.03, 0.005], index=list("abcde"))
    assert holm(p).tolist() == pytest.approx([0.03, NAN, 0.06, 0.06, 0.02], nan_ok=True)
    assert benjamini_hochberg(p).tolist() == pytest.approx([0.02, NAN, 0.04, 0.04, 0.02], nan_ok=True)


def test_a_matrix_stays_a_matrix_and_nothing_stays_nothing():
    p = pd.DataFrame([[0.01, 0.5], [NAN, 0.02]], index=["go", "c"], columns=["go", "java"])
    adjusted = holm(p)
    assert adjusted.loc["go", "go"] == pytest.approx(0.03) and np.isnan(adjusted.loc["c", "go"])
    assert list(adjusted.columns) == ["go", "java"]
    assert holm(pd.Series([NAN])).isna().all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(pd.Series([1.2]))


def by_enumeration(d: np.ndarray) -> np.ndarray:
    """Step-down adjusted p over all sign patterns, written as the definition has it."""
    size = np.sqrt((d**2).sum(axis=1))
    observed = np.abs(d.sum(axis=1)) / size
    all_t = np.array([np.abs(d @ np.array(s)) / size for s in itertools.product([-1, 1], repeat=d.shape[1])])
    order, p, worst = np.argsort(-observed), np.zeros(len(d)), 0.0
    for rank, cell in enumerate(order):
        worst = max(worst, float((all_t[:, order[rank:]].max(axis=1) >= observed[cell] - 1e-9).mean()))
        p[cell] = worst
    return p


@pytest.mark.parametrize("seed", range(4))
def test_few_problems_go_through_every_sign_pattern(seed):
    d = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0, 0.5], size=(6, 9))
    statistic, p = flip(d, 10_000)
    np.testing.assert_allclose(p, by_enumeration(d))
    np.testing.assert_allclose(statistic, np.abs(d.sum(axis=1)) / np.sqrt((d**2).sum(axis=1)))


def test_one_cell_alone_is_mcnemar():
    d = np.r_[np.ones(7), -np.ones(2), np.zeros(20)][None]
    assert flip(d)[1][0] == pytest.approx(stats.binomtest(7, 9).pvalue)


def test_cells_that_say_the_same_cost_nothing():
    """The same evidence seven times is one test, not seven: what Holm does not know."""
    d = np.tile(np.r_[np.ones(7), -np.ones(1), np.zeros(20)], (7, 1))
    p = stats.binomtest(7, 8).pvalue
    assert flip(d)[1] == pytest.approx([p] * 7)
    assert holm(pd.Series([p] * 7)).max() == pytest.approx(7 * p)


def test_nothing_known_nothing_different():
    statistic, p = flip(np.array([[NAN, NAN, NAN], [0, 0, NAN], [1, 1, 1]]))
    assert np.isnan(p[0]) and np.isnan(statistic[0]) and p[1] == 1 and p[2] == 0.25


def test_the_same_seed_gives_the_same_p_and_none_is_zero():
    d = np.random.default_rng(0).choice([-1.0, 0, 1], size=(5, 60))
    d[0] = 1
    p = flip(d, 500, seed=1)[1]
    assert p.tolist() == flip(d, 500, seed=1)[1].tolist() and p[0] == pytest.approx(1 / 501)
    with pytest.raises(ValueError, match="at least one permutation"):
        flip(d, 0)


def test_the_level_over_languages_that_go_together():
    """Seven languages of one row, the same problems: the two models of each problem are exchangeable."""
    rng = np.random.default_rng(7)
    false, repeats = 0, 400
    for _ in range(repeats):
        shared = rng.normal(size=(1, 1, 50))
        solved = shared + rng.normal(size=(2, 1, 50)) * 0.7 + rng.normal(size=(2, 7, 50)) * 0.4 < -0.5
        false += flip(solved[0].astype(float) - solved[1], 199, seed=int(rng.integers(1 << 30)))[1].min() <= 0.05
    # 5 % at most: above 5 % + 3.1 standard errors once in a thousand
    assert false / repeats <= 0.05 + 3.1 * np.sqrt(0.05 * 0.95 / repeats)
    assert false / repeats > 0.01, "and it is not a test that never finds anything"


def test_a_grid_of_the_papers_size_takes_seconds():
    d = np.random.default_rng(0).choice([-1.0, 0, 1], size=(63, 164), p=[0.1, 0.75, 0.15])
    start = time.process_time()
    flip(d, 10_000)
    assert time.process_time() - start < 8


def test_the_table_has_them_beside_each_other(tmp_path):
    table = significance(analysis.load(grid(tmp_path)))
    assert list(table.columns)[4:8] == ["p", "p_holm", "p_bh", "p_max_t"]
    assert (table["p_max_t"] >= table["p_exact"] - 1e-12).all() and (table["p_holm"] >= table["p"]).all()


def test_a_cell_without_verdicts_is_no_test(tmp_path):
    grid(tmp_path)
    evaluation(tmp_path, "c", "go", "11", problems=4)
    table = significance(analysis.load(tmp_path))
    assert table.loc[("c", "go"), ["p", "p_holm", "p_bh", "p_max_t"]].isna().all()
    rest = table.drop(index=("c", "go"))
    assert rest["p_max_t"].notna().all()
    assert max_t(analysis.load(tmp_path), to="specialist")["p"].notna().any()


def test_spread_between_seeds_makes_a_cell_less_sharp():
    values = np.zeros((3, 1, 60))
    values[1, 0, :20] = 1  # one seed gained twenty problems, the other none
    models = [("none", 0), ("go", 0), ("go", 1)]
    ones = np.ones((3, 1), dtype=int)
    grid_of_two = Cube(["none", "go"], ["go"], [str(i) for i in range(60)], models, values, ones, ones.astype(bool))
    of_these_models = flip(per_problem(grid_of_two, "go", "none", "go")[None])[1][0]
    assert of_these_models < 0.001 and max_t(grid_of_two)["p"].iloc[0] > 0.05
