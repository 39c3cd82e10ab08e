"""Differences between cells against hand-made numbers, scipy, and the textbook's variance components."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from synthetic_runs import evaluation, grid, line

import analysis
from analysis import matrix, passk
from analysis.contrast import contrast
from analysis.cube import Cube, cube
from analysis.paired import differences, pooled, sign_test

WORDS = {"none": "1100110010", "go": "1110111010", "java": "0111110100"}


def runs(root: Path, words: dict[str, str] = WORDS, lang: str = "go", **more) -> pd.DataFrame:
    for train, word in words.items():
        evaluation(root, train, lang, word, **more)
    return analysis.load(root)


def bits(word: str) -> np.ndarray:
    return np.array([int(c) for c in word], dtype=float)


def a_cube(values: np.ndarray, models: list[tuple[str, int]], langs: list[str]) -> Cube:
    trains = list(dict.fromkeys(train for train, _ in models))
    tasks = [str(i) for i in range(values.shape[2])]
    samples = np.ones(values.shape[:2], dtype=int)
    return Cube(trains, langs, tasks, models, values, samples, np.ones(values.shape[:2], dtype=bool))


# --- one seed


def test_one_seed_is_the_paired_t_of_the_differences(tmp_path):
    cell = differences(runs(tmp_path)).loc[("java", "go")]
    d = bits(WORDS["java"]) - bits(WORDS["none"])
    assert cell["difference"] == pytest.approx(100 * d.mean())
    assert cell["se"] == pytest.approx(100 * stats.sem(d))
    assert (cell["gained"], cell["lost"], cell["problems"], cell["seeds"]) == ((d > 0).sum(), (d < 0).sum(), 10, 1)


def test_the_exact_test_is_mcnemars(tmp_path):
    table = differences(runs(tmp_path))
    for train in ("go", "java"):
        a, b = bits(WORDS[train]), bits(WORDS["none"])
        counts = [[(a * b).sum(), (a * (1 - b)).sum()], [((1 - a) * b).sum(), ((1 - a) * (1 - b)).sum()]]
        assert table.loc[(train, "go"), "p"] == pytest.approx(mcnemar(counts, exact=True).pvalue)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (3, 1), (0, 6), (9, 9), (40, 12)])
def test_mcnemar_is_the_binomial_test_of_scipy(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert sign_test(np.r_[np.ones(b), -np.ones(c), np.zeros(5)]) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_fractions_are_tested_over_every_sign_pattern(seed):
    d = np.random.default_rng(seed).choice([-1, -2 / 3, -1 / 3, 0.2, 0.4, 0.5, 1], size=9)
    sums = [abs(np.dot(signs, d)) for signs in itertools.product([-1, 1], repeat=9)]
    assert sign_test(d) == pytest.approx(np.mean(np.array(sums) >= abs(d.sum()) - 1e-9))


def test_fractions_of_any_kind_are_drawn():
    d = np.random.default_rng(1).normal(0.3, 1, size=60)
    p = sign_test(d)
    assert p == sign_test(d) and p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.01)


def test_the_interval_is_that_of_bonett_and_price(tmp_path):
    cell = differences(runs(tmp_path)).loc[("java", "go")]
    n, b, c = 10, cell["gained"], cell["lost"]
    p12, p21 = (b + 1) / (n + 2), (c + 1) / (n + 2)
    half = stats.t.ppf(0.975, n + 1) * math.sqrt((p12 + p21 - (p12 - p21) ** 2) / (n + 2))
    assert [cell["low"], cell["high"]] == pytest.approx([100 * (p12 - p21 - half), 100 * (p12 - p21 + half)])


def test_equal_models_have_an_interval_with_width_and_p_of_one(tmp_path):
    cell = differences(runs(tmp_path, {"none": "1010", "go": "1010"})).loc[("go", "go")]
    assert (cell["difference"], cell["se"], cell["p"]) == (0, 0, 1) and cell["low"] < -10 and cell["high"] > 10


def test_the_specialist_is_compared_with_all_others_but_itself(tmp_path):
    table = differences(analysis.load(grid(tmp_path)), to="specialist")
    assert ("go", "go") not in table.index and "java" not in table.index.get_level_values("lang")
    assert table.loc[("mixed", "go"), "difference"] == -100


def test_another_row_can_be_the_reference_and_an_unknown_one_is_refused(tmp_path):
    frame = analysis.load(grid(tmp_path))
    assert differences(frame, to="go").loc[("mixed", "java"), "difference"] == 75
    with pytest.raises(ValueError, match="'rust'.*found none, python, go, mixed"):
        differences(frame, to="rust")


def test_missing_verdicts_leave_no_number_and_say_so(tmp_path):
    evaluation(tmp_path, "none", "go", "1010")
    evaluation(tmp_path, "go", "go", "111", problems=4)
    cell = differences(analysis.load(tmp_path)).loc[("go", "go")]
    assert math.isnan(cell["difference"]) and math.isnan(cell["p"]) and "verdicts are missing" in cell["note"]


def test_a_harness_error_takes_its_problem_out_of_the_pair(tmp_path):
    cell = differences(runs(tmp_path, {"none": "10h0", "go": "1111"})).loc[("go", "go")]
    assert (cell["problems"], cell["left_out"]) == (3, 1) and cell["difference"] == pytest.approx(200 / 3)


# --- seeds


def two_way(y: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of seeds, problems and their interaction, as in any textbook on analysis of variance."""
    s, n = y.shape
    seeds, problems = y.mean(axis=1), y.mean(axis=0)
    rest = y - seeds[:, None] - problems + y.mean()
    return n * seeds.var(ddof=1), s * problems.var(ddof=1), (rest**2).sum() / ((s - 1) * (n - 1))


def seeded(spread: float, seeds: int = 4, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    base = (rng.random(n) < 0.3).astype(float)
    chance = np.clip(0.4 + spread * np.arange(seeds), 0, 1)
    return (rng.random((seeds, n)) < chance[:, None]).astype(float), base


def test_seeds_that_differ_add_the_variance_of_the_two_way_layout():
    y, base = seeded(0.12)
    n, s = y.shape[1], y.shape[0]
    models = [("none", 0), *(("go", i) for i in range(s))]
    cell = differences(a_cube(np.concatenate([base[None], y])[:, None], models, ["go"])).loc[("go", "go")]
    of_seeds, of_problems, rest = two_way(y - base)
    assert of_seeds > rest
    variance = (of_seeds + of_problems - rest) / (s * n)
    assert cell["se"] == pytest.approx(100 * math.sqrt(variance))
    squares = [(of_seeds, s - 1), (of_problems, n - 1), (rest, (s - 1) * (n - 1))]
    df = (variance * s * n) ** 2 / sum(ms**2 / degrees for ms, degrees in squares)
    assert cell["df"] == pytest.approx(df)
    assert cell["seed_sd"] == pytest.approx(100 * math.sqrt((of_seeds - rest) / n))
    assert cell["p"] == pytest.approx(2 * stats.t.sf(cell["difference"] / cell["se"], df))


def test_seeds_that_do_not_differ_add_nothing():
    y, base = seeded(0.0)
    y = y[[0, 0, 0, 0]]
    models = [("none", 0), *(("go", i) for i in range(4))]
    cell = differences(a_cube(np.concatenate([base[None], y])[:, None], models, ["go"])).loc[("go", "go")]
    assert cell["se"] == pytest.approx(100 * stats.sem(y[0] - base)) and cell["seed_sd"] == 0


def test_one_seed_says_nothing_about_seeds(tmp_path):
    assert math.isnan(differences(runs(tmp_path)).loc[("go", "go"), "seed_sd"])


# --- several languages


def test_languages_are_pooled_in_clusters_of_one_problem():
    rng = np.random.default_rng(0)
    values = (rng.random((2, 3, 50)) < 0.5).astype(float)
    values[1, :, :25] = 1  # what helps a problem helps it in every language
    row = pooled(a_cube(values, [("none", 0), ("go", 0)], ["python", "java", "go"])).loc["go"]
    d = (values[1] - values[0]).mean(axis=0)
    assert row["difference"] == pytest.approx(100 * d.mean()) and row["se"] == pytest.approx(100 * stats.sem(d))
    alone = stats.sem((values[1] - values[0]).ravel())
    assert row["se"] > 110 * alone, "taking translations of one problem for different problems would claim too much"


def test_languages_with_other_numbers_of_problems_weigh_the_same(tmp_path):
    for train, go, java in (("none", "0000", "00"), ("go", "1100", "01")):
        evaluation(tmp_path, train, "go", go)
        evaluation(tmp_path, train, "java", java)
    row = pooled(analysis.load(tmp_path)).loc["go"]
    # by hand: means .5 and .5; each problem's share of the estimate less its mean
    parts = np.array([0.5 / 8 - 0.5 / 4, 0.5 / 8 + 0.5 / 4, -0.5 / 8, -0.5 / 8])
    assert row["difference"] == 50 and row["se"] == pytest.approx(100 * math.sqrt(4 / 3 * (parts**2).sum()))
    assert (row["problems"], row["langs"]) == (4, 2)


def test_a_contrast_over_languages_pairs_by_problem():
    values = (np.random.default_rng(5).random((2, 2, 40)) < 0.5).astype(float)
    found = contrast(
        a_cube(values, [("go", 0), ("java", 0)], ["java", "go"]),
        {("go", "go"): 0.5, ("java", "java"): 0.5, ("go", "java"): -0.5, ("java", "go"): -0.5},
    )
    d = 0.5 * (values[0, 1] + values[1, 0] - values[0, 0] - values[1, 1])
    assert found.estimate == pytest.approx(100 * d.mean()) and found.se == pytest.approx(100 * stats.sem(d))
    assert found.p == pytest.approx(stats.ttest_1samp(d, 0).pvalue)


def test_a_contrast_that_cannot_be_says_why(tmp_path):
    c = cube(runs(tmp_path))
    assert contrast(c, {("rust", "go"): 1}).why == "rust on go was not evaluated"
    assert contrast(c, {("go", "html"): 1}).why == "go on html was not evaluated"
    assert contrast(c, {}).why == "no cell has a weight"


# --- pass@k and the other views of the matrix


@pytest.mark.parametrize(("n", "c", "k"), [(10, 3, 1), (10, 3, 5), (10, 0, 5), (10, 8, 5), (5, 5, 5), (200, 3, 100)])
def test_pass_at_k_is_the_ratio_of_binomials(n, c, k):
    assert passk.pass_at_k(n, c, k) == pytest.approx(1 - math.comb(n - c, k) / math.comb(n, k))


def test_too_few_answers_are_no_pass_at_k():
    assert np.isnan(passk.pass_at_k([3, 4], [3, 4], 4)).tolist() == [True, False]
    for n, c, k in ((3, 4, 1), (3, -1, 1), (3, 1, 0)):
        with pytest.raises(ValueError, match="pass@k"):
            passk.pass_at_k(n, c, k)


def test_pass_at_k_of_a_cell(tmp_path):
    record = {"recipe": {"problems": 2, "decode": {"samples": 3}}}
    folder = evaluation(tmp_path, "none", "go", "", record=record)
    rows = [(0, "110"), (1, "00h")]
    text = [line("mini", "go", n, {"1": "passed", "0": "wrong", "h": "harness_error"}[o], s)
            for n, word in rows for s, o in enumerate(word)]  # fmt: skip
    (folder / "verdicts.jsonl").write_text("".join(text))
    frame = analysis.load(tmp_path)
    assert passk.cells(frame, 1).loc[("none", "go"), "pass_at_k"] == pytest.approx(100 / 3)
    assert passk.cells(frame, 2).loc[("none", "go"), "pass_at_k"] == 50  # 1 - C(1,2)/C(3,2) = 1, and 0
    three = passk.cells(frame, 3).loc[("none", "go")]
    assert math.isnan(three["pass_at_k"]) and three["too_few"] == 1


def test_relative_gain_and_share_of_headroom():
    table = pd.DataFrame({"go": [20.0, 30.0], "c": [0.0, 5.0], "java": [100.0, 90.0]}, index=["none", "go"])
    assert matrix.relative_gain(table).loc["go"].tolist() == pytest.approx([50, math.nan, -10], nan_ok=True)
    assert matrix.headroom_share(table).loc["go"].tolist() == pytest.approx([12.5, 5, math.nan], nan_ok=True)
    assert matrix.relative_gain(table.drop(index="none")).isna().all(axis=None)
