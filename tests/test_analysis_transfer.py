"""Donors, recipients, asymmetry, decomposition, own-language advantage, and which languages to train on."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm
from synthetic_runs import evaluation

import analysis
from analysis import donors, matrix, paired, paper, transfer

LANGS = ["python", "javascript", "c", "cpp", "java"]


def planted(own: float = 0.0, noise: float = 0.0, seed: int = 0, base: bool = True) -> pd.DataFrame:
    """Additive in training and evaluation language, plus `own` on the diagonal, plus noise."""
    rng = np.random.default_rng(seed)
    n = len(LANGS)
    donor, recipient = np.array([1.0, 4, 0, 2, 6]), np.array([30.0, 25, 20, 35, 28])
    values = donor[:, None] + recipient + own * np.eye(n) + noise * rng.normal(size=(n, n))
    matrix = pd.DataFrame(values, index=LANGS, columns=LANGS)
    return pd.concat([pd.DataFrame([recipient - 3], index=["none"], columns=LANGS), matrix]) if base else matrix


# --- own language


def test_a_planted_bonus_is_found_as_itself():
    effect = transfer.own_language_advantage(planted(own=5))
    assert effect.points == pytest.approx(5)
    assert effect.p == pytest.approx(1 / math.factorial(5)) and effect.exact and effect.permutations == 120


def test_it_is_the_coefficient_of_the_additive_model():
    matrix = paper.tables()[1].matrix
    langs = list(matrix.columns)
    long = matrix.loc[langs].melt(ignore_index=False, var_name="lang", value_name="score").reset_index(names="train")
    long["own"] = (long["train"] == long["lang"]).astype(float)
    fit = smf.ols("score ~ C(train) + C(lang) + own", long).fit()
    assert transfer.own_language_advantage(matrix).points == pytest.approx(fit.params["own"])


def test_its_p_is_the_share_of_all_assignments():
    matrix = planted(own=1, noise=2, seed=3)
    values = matrix.loc[LANGS, LANGS].to_numpy()
    sums = [sum(values[order[i], i] for i in range(5)) for order in itertools.permutations(range(5))]
    share = np.mean([s >= np.trace(values) - 1e-9 for s in sums])
    assert transfer.own_language_advantage(matrix).p == pytest.approx(share)


def test_the_test_holds_its_level():
    """Without an own-language bonus p <= 0.05 in at most 5 % of 400 cases, plus 3 standard errors."""
    p = [transfer.own_language_advantage(planted(noise=3, seed=s)).p for s in range(400)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_many_languages_are_sampled_the_same_way_twice():
    rng = np.random.default_rng(1)
    names = [f"l{i}" for i in range(10)]
    matrix = pd.DataFrame(rng.normal(size=(10, 10)) + 9 * np.eye(10), index=names, columns=names)
    one, two = (transfer.own_language_advantage(matrix, draws=500) for _ in range(2))
    assert one == two and not one.exact and one.p == pytest.approx(1 / 501)


# --- decomposition


def test_decomposition_is_the_two_way_analysis_of_variance():
    scores = planted(own=4, noise=1)
    long = scores.drop(index="none").melt(ignore_index=False, var_name="lang", value_name="score")
    long = long.reset_index(names="train")
    table = anova_lm(smf.ols("score ~ C(train) + C(lang)", long).fit())
    ours = transfer.decompose(scores)
    np.testing.assert_allclose(ours["squares"].iloc[:3], table["sum_sq"])
    np.testing.assert_allclose(ours["df"].iloc[:3], table["df"])
    assert ours["share"].iloc[:3].sum() == pytest.approx(1)


def test_noise_is_what_independent_cells_would_give():
    """By simulation: cells of binomial draws around an additive matrix have interaction squares of that size."""
    matrix = planted(base=False)
    n = pd.Series(164, index=LANGS)
    rng = np.random.default_rng(0)
    draws = [pd.DataFrame(100 * rng.binomial(164, matrix / 100) / 164, LANGS, LANGS) for _ in range(300)]
    squares = np.mean([transfer.decompose(d).at["interaction", "squares"] for d in draws])
    assert transfer.decompose(matrix, n).at["interaction", "noise"] == pytest.approx(squares, rel=0.05)


def test_a_constant_matrix_has_no_shares_and_makes_no_noise():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = transfer.decompose(planted(base=False) * 0 + 20)
    assert table["share"].isna().all() and table.at["total", "squares"] == 0


# --- donors and recipients


def test_donors_and_recipients_leave_the_own_language_out():
    matrix = planted(own=7)
    given, got = transfer.donors(matrix), transfer.recipients(matrix)
    assert list(given.index)[0] == "java" and given.at["java", "score"] == pytest.approx(6 + 3)
    assert given.at["java", "own"] == pytest.approx(6 + 3 + 7) and given.at["java", "others"] == 4
    assert got.at["java", "score"] == pytest.approx((1 + 4 + 0 + 2) / 4 + 3)
    mixed = pd.concat([matrix, matrix.loc[["java"]].rename(index={"java": "mixed"})])
    assert math.isnan(transfer.donors(mixed).at["mixed", "own"])
    pd.testing.assert_frame_equal(transfer.recipients(mixed), got)


def test_asymmetry_is_the_difference_of_gains_both_ways():
    found = transfer.asymmetry(planted())
    assert found.at["java", "c"] == pytest.approx(6) and found.at["c", "java"] == pytest.approx(-6)
    np.testing.assert_allclose(found, -found.T)


def test_reciprocity_finds_planted_pairs_and_ignores_donors():
    rng = np.random.default_rng(2)
    pull = rng.normal(size=(5, 5))
    mutual = planted(base=False) + 3 * (pull + pull.T)
    r, p = transfer.reciprocity(mutual)
    assert r == pytest.approx(1) and p <= 2 / 120
    one_way, _ = transfer.reciprocity(planted(base=False) + 3 * (pull - pull.T))
    assert one_way == pytest.approx(-1)
    assert math.isnan(transfer.reciprocity(planted())[0])  # nothing is left after donors and recipients


# --- bad input


def test_a_constant_matrix_has_no_effect_and_makes_no_noise():
    flat = planted(base=False) * 0 + 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        effect = transfer.own_language_advantage(flat)
        assert (effect.points, effect.p) == (0, 1)
        assert math.isnan(transfer.reciprocity(flat)[0])
        assert transfer.double_centred(flat).eq(0).all(axis=None)


def test_a_missing_cell_is_named():
    matrix = planted()
    matrix.loc["c", "java"] = float("nan")
    for function in (transfer.own_language_advantage, transfer.decompose, transfer.reciprocity):
        with pytest.raises(ValueError, match="c -> java"):
            function(matrix)


def test_too_little_is_said():
    with pytest.raises(ValueError, match="at least 3 languages"):
        transfer.own_language_advantage(planted().loc[["none", "c"]])
    with pytest.raises(ValueError, match="at least 2 trained rows"):
        transfer.decompose(planted().loc[["none", "c"]])
    with pytest.raises(ValueError, match="base"):
        transfer.donors(planted(base=False))


# --- which language to train on


def test_negative_transfer_lists_the_cells_below_the_base():
    matrix = planted()
    matrix.loc["c", "java"], matrix.loc["cpp", "python"] = 10.0, 26.0
    found = donors.negative_transfer(matrix, pd.Series(100, index=LANGS))
    assert list(zip(found["train"], found["lang"], strict=True)) == [("c", "java"), ("cpp", "python")]
    row = found.iloc[0]  # 10 of 100 against 25 of 100: Wilson's limits are 5.52 and 17.44, 17.55 and 34.30
    assert row["net"] == -15 and row["points"] == -15
    low, high = -15 - math.hypot(10 - 5.52, 34.30 - 25), -15 + math.hypot(17.44 - 10, 25 - 17.55)
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.02)
    assert donors.negative_transfer(planted()).empty


def test_negative_transfer_with_verdicts_is_paired_by_problem(tmp_path):
    """Of 12 problems the base solves 8, and 6 of those are lost: -6/12, with McNemar's p for 6 against none."""
    evaluation(tmp_path, "none", "go", "111111110000")
    evaluation(tmp_path, "c", "go", "000000110000")
    evaluation(tmp_path, "go", "go", "111111111000")
    frame = analysis.load(tmp_path)
    scores = matrix.pass_at_1(matrix.cells(frame))
    found = donors.negative_transfer(scores, differences=paired.differences(frame))
    assert found[["train", "lang", "points", "net", "problems"]].values.tolist() == [["c", "go", -50, -6, 12]]
    assert found.at[0, "p"] == pytest.approx(2 * 0.5**6) and found.at[0, "low"] < -50 < found.at[0, "high"]


def test_best_donors_rank_single_languages():
    table = paper.tables()[1]
    found = donors.best_donors(table.matrix, "java", table.problems)
    assert list(found["train"][:2]) == ["c", "html"] and list(found["rank"][:3]) == [1, 1, 3]
    assert found.loc[found["own"], "train"].tolist() == ["java"] and found.loc[0, "net"] == 25
    with pytest.raises(ValueError, match="html"):
        donors.best_donors(table.matrix, "html")


def test_greedy_cover_and_how_far_it_is_from_the_best():
    matrix = paper.tables()[1].matrix
    single = transfer.single(matrix)
    for k, row in donors.regret(matrix, 3).iterrows():
        best = max(single.loc[list(s)].max().mean() for s in itertools.combinations(single.index, int(str(k))))
        assert row["best"] == pytest.approx(best)
        assert row["greedy"] <= row["best"] + 1e-9
    assert donors.greedy_cover(matrix)["mean"].is_monotonic_increasing
    first = donors.greedy_cover(matrix, 1)
    assert first.at[1, "train"] == single.mean(axis=1).idxmax()
    with pytest.raises(ValueError, match="from 1 to the 8"):
        donors.greedy_cover(matrix, 9)
