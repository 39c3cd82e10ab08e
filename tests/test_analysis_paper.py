"""The paper's tables as data, and what paper-check finds in them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from analysis import null_bands, paper, paper_check, paper_text
from analysis.__main__ import main


@pytest.fixture(scope="module")
def report() -> dict:
    return paper_check.check(simulations=200)


def claim(report: dict, text: str) -> dict:
    (found,) = [c for c in report["claims"] if c["claim"] == text]
    return found


# --- the data


def test_the_tables_have_the_shape_of_the_paper():
    one, two = paper.tables()[1], paper.tables()[2]
    assert one.printed.shape == (10, 7) and two.printed.shape == (2, 7)
    assert one.increases.shape == (9, 7) and two.increases.shape == (1, 7)
    assert list(one.matrix.index)[0] == "none" and list(one.matrix.index)[-1] == "mixed"
    assert one.printed.at["c", "python"] == "39.63" and one.increases.at["c", "python"] == "12.8"
    assert one.labels["none"] == "StarCoder 7B" and two.labels["none"] == "StarCoder 15B"


def test_counts_are_the_problems_behind_the_values():
    counts = paper.tables()[1].counts
    assert counts.loc["html", "java"] == 63 and counts.loc["java", "java"] == 62  # of 164
    assert counts.loc["none", "typescript"] == 46 and counts.loc["cpp", "c"] == 56  # of 161, of 162
    exact = paper.tables()[1].exact
    assert np.nanmax(np.abs(exact - paper.tables()[1].matrix)) <= 0.005


@pytest.mark.parametrize(
    ("printed", "n", "k"),
    [("34.57", 162, 56), ("34.57", 164, None), ("0.00", 164, 0), ("100.00", 164, 164), ("12.5", 8, 1)]
    + [("0.6", 160, 1), ("0.7", 160, None), ("0.63", 160, 1), ("0.62", 160, 1)],  # 0.625: a half, rounded either way
)
def test_a_value_is_possible_when_some_k_is_printed_so(printed, n, k):
    assert paper.solved(printed, n) == k


def test_every_possible_value_comes_back_as_itself():
    for n in (161, 162, 164):
        assert [paper.solved(f"{100 * k / n:.2f}", n) for k in range(n + 1)] == list(range(n + 1))


# --- what is wrong in them


def test_impossible_values(report):
    found = {(v["table"], v["row"], v["column"], v["value"]) for v in report["impossible_values"]}
    in_1 = {v for v in found if v[0] == 1}
    assert in_1 == {(1, "CodeM-C++", "Python", "34.57")}
    base = {(v[2], v[3]) for v in found if v[1] == "StarCoder 15B"}
    assert base == {
        ("JavaScript", "30.79"), ("TypeScript", "32.29"), ("C", "26.99"), ("C++", "31.55"), ("Java", "30.22"),
        ("Go", "17.61"),
    }  # fmt: skip
    assert found - in_1 - {v for v in found if v[1] == "StarCoder 15B"} == {(2, "CodeM-Python", "C++", "43.80")}


def test_wrong_increases(report):
    found = {(w["table"], w["row"], w["column"]): (w["printed"], w["computed"]) for w in report["wrong_increases"]}
    assert found == {
        (1, "CodeM-C++", "C"): ("9.80", "9.88"),
        (2, "CodeM-Python", "Python"): ("31.09", "31.70"),
        (2, "CodeM-Python", "C"): ("9.20", "8.20"),
        (2, "CodeM-Python", "C++"): ("12.35", "12.25"),
    }


# --- Figure 4


def test_figure_4_in_every_variant(report):
    found = report["figure4"]
    assert len(found) == 2 * 8 + 4 and len([name for name in found if "default" in name]) == 2
    matrix = paper.tables()[1].matrix
    for name, reference in {
        "evaluation languages, df.corr(): whole Table 1 (default)": matrix.corr(),
        "training languages, df.T.corr(): whole Table 1 (default)": matrix.T.corr(),
        "training languages, df.T.corr(): without base, HTML": matrix.drop(index=["none", "html"]).T.corr(),
        "training languages, df.T.corr(): all increases": (matrix - matrix.loc["none"]).drop(index="none").T.corr(),
    }.items():
        pairs = reference.to_numpy()[np.triu_indices(len(reference), 1)]
        assert found[name]["mean"] == pytest.approx(pairs.mean(), abs=1e-4)
        assert found[name]["min"] == pytest.approx(pairs.min(), abs=1e-4)
        assert found[name]["max"] == pytest.approx(pairs.max(), abs=1e-4)
        assert found[name]["n_negative"] == (pairs < 0).sum() and found[name]["n_pairs"] == len(pairs)
    assert found["evaluation languages, df.corr(): whole Table 1 (default)"]["top_pairs"][0] == ["C", "C++", 0.9015]


def test_increases_have_the_same_correlations_between_evaluation_languages():
    matrix = paper.tables()[1].matrix.drop(index="none")
    base = paper.tables()[1].matrix.loc["none"]
    np.testing.assert_allclose(matrix.corr(), (matrix - base).corr(), atol=1e-12)


# --- the bands


def test_bands_hold_their_level_when_the_null_is_true():
    """Of matrices drawn under the null, 95 % have their mean correlation inside the band (here 0.90 to 0.99 of 200)."""
    table = paper.tables()[1]
    shares = null_bands.probabilities(table.matrix, null_bands.NO_DIFFERENCE)
    n = table.problems.to_numpy()
    rng = np.random.default_rng(7)
    first = null_bands.null_bands(table.matrix, table.problems, shares, simulations=2000)
    low, high = first.summary.loc["mean", ["low", "high"]]
    inside = 0
    for _ in range(200):
        drawn = pd.DataFrame(rng.binomial(n, shares, size=(10, 7)) / n)
        corr = drawn.T.corr().to_numpy()[np.triu_indices(10, 1)]
        inside += low <= corr.mean() <= high
    assert 180 <= inside <= 198


def test_bands_are_reproducible_and_have_the_shape_of_the_heat_map():
    table = paper.tables()[1]
    one, two = (null_bands.null_bands(table.matrix, table.problems, simulations=300) for _ in range(2))
    pd.testing.assert_frame_equal(one.low, two.low)
    assert one.low.shape == one.observed.shape == (10, 10)
    assert np.isnan(np.diag(one.low)).all() and (one.low.to_numpy()[~np.eye(10, dtype=bool)] > -1).all()
    assert one.outside.at["python", "mixed"] and not one.outside.at["typescript", "go"]


def test_rows_without_differences_between_columns_correlate_by_chance_alone():
    """When every column is equally hard the rows' mean correlation is around 0; when columns differ much, near 1."""
    flat = pd.DataFrame(50.0, index=["none", "a", "b", "c"], columns=list("uvwxyz"))
    n = pd.Series(164, index=list("uvwxyz"))
    low, high = null_bands.null_bands(flat, n, simulations=1000).summary.reindex(["mean"])[["low", "high"]].iloc[0]
    assert np.isnan(low) and np.isnan(high)  # constant lines have no correlation to compare
    shares = pd.Series([0.5] * 6, index=list("uvwxyz"))
    varied = flat + np.arange(24).reshape(4, 6) % 5
    low, high = null_bands.null_bands(varied, n, shares, simulations=1000).summary.loc["mean", ["low", "high"]]
    assert low < 0 < high
    apart = pd.Series(np.linspace(0.1, 0.9, 6), index=list("uvwxyz"))
    assert null_bands.null_bands(varied, n, apart, simulations=500).summary.at["mean", "low"] > 0.9


def test_a_missing_cell_is_missing_in_the_simulations_too():
    table = paper.tables()[1]
    matrix = table.matrix.copy()
    matrix.loc["go", "java"] = float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bands = null_bands.null_bands(matrix, table.problems, simulations=300)
        whole = null_bands.null_bands(table.matrix, table.problems, simulations=300)
    assert np.isfinite(bands.low.at["go", "c"]) and bands.observed.at["go", "c"] != whole.observed.at["go", "c"]
    pd.testing.assert_frame_equal(bands.low.drop("go").drop(columns="go"), whole.low.drop("go").drop(columns="go"))


def test_a_null_without_what_it_needs_says_so():
    table = paper.tables()[1]
    with pytest.raises(ValueError, match="no difference"):
        null_bands.probabilities(table.matrix.drop(index="none"), null_bands.NO_TRANSFER)
    with pytest.raises(ValueError, match="number of problems"):
        null_bands.null_bands(table.matrix, table.problems.drop("go"))


# --- the statements


def test_statements_with_the_problems_behind_them(report):
    html = claim(report, "html -> java beats java -> java")
    assert html["difference_in_problems"] == 1 and html["problems"] == 164
    assert html["verdict"] == "in this direction, within noise"
    assert [(c["solved"], c["problems"]) for c in html["comparisons"][0]["cells"]] == [(63, 164), (62, 164)]
    assert claim(report, "cpp -> c beats c -> c")["difference_in_problems"] == 4
    assert claim(report, "javascript -> typescript beats typescript -> typescript")["difference_in_problems"] == 5
    assert claim(report, "gain html -> java is 15.24")["verdict"] == "supported"


def test_mixed_is_best_in_two_languages_of_seven(report):
    best = claim(report, "mixed -> each beats best trained except mixed -> each")
    assert (best["holds"], best["of"], best["verdict"]) == (2, 7, "not so in these numbers")
    matrix = paper.tables()[1].matrix
    assert sum(matrix[lang].idxmax() == "mixed" for lang in matrix) == 2
    everyone = claim(report, "each trained -> each beats none -> each")
    assert (everyone["holds"], everyone["of"]) == (63, 63)


def test_gains_over_another_benchmark_cannot_be_said(report):
    java = claim(report, "gain python -> java is 17.95")
    assert java["verdict"] == "cannot be said" and "30.22 is no k/164" in java["why"]
    assert claim(report, "python -> each except python beats none -> each")["verdict"] == "cannot be said"


def test_structure(report):
    own, family = report["own_language_advantage"], report["family_effect"]
    matrix = paper.tables()[1].matrix
    langs = list(matrix.columns)
    square = matrix.loc[langs].to_numpy()
    off = square[~np.eye(7, dtype=bool)]
    assert own["points"] == pytest.approx(np.trace(square) / 7 - off.mean())
    assert own["p"] == pytest.approx(2 / 5040)
    assert family["p"] == pytest.approx(1 / 105)


# --- the command


def test_the_command_prints_json_and_text(report, capsys):
    assert main(["paper-check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(found) == [
        "impossible_values", "wrong_increases", "figure4", "own_language_advantage", "family_effect", "claims"
    ]  # fmt: skip
    text = paper_text.text(report, paper_check.paper_claims())
    assert "it is 56/162" in text and "NOT SO IN THESE NUMBERS: 2 of 7" in text


def test_help_is_quick():
    code = (
        "import runpy, sys; sys.argv = ['analysis', 'paper-check', '--help']\n"
        "try: runpy.run_module('analysis', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as e: assert not e.code\n"
        "assert not {'pandas', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
