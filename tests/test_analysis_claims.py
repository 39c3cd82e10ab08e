"""Claims as contrasts: how they are read, and what they come to on verdicts and on a matrix."""

from __future__ import annotations

import itertools
import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, ttest_rel
from statsmodels.stats.proportion import confint_proportions_2indep
from synthetic_runs import evaluation, grid

import analysis
from analysis import claim_values, claims, paper
from analysis.__main__ import main
from analysis.claim_tests import OfFrame, OfMatrix, unpaired
from analysis.claims import BadClaim

SCORES = pd.DataFrame(
    {"python": [20.0, 40, 30, 30, 50], "c": [10.0, 20, 30, 40, 20], "cpp": [10.0, 20, 50, 30, 20]},
    index=["none", "python", "c", "cpp", "mixed"],
)
N = pd.Series({"python": 100, "c": 100, "cpp": 200})


def on(text: str, source=None) -> claim_values.Result:
    (result,) = claim_values.evaluate(claims.of({"claims": [text]}), source or OfMatrix(SCORES, N))
    return result


def points(text: str) -> float:
    (comparison,) = on(text).comparisons
    return comparison.points


# --- what a claim means


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c -> cpp beats python -> cpp", 50 - 20),
        ("C -> C++ beats Python -> C++", 50 - 20),
        ("c -> cpp minus none -> cpp beats python -> cpp minus none -> cpp", 50 - 20),
        ("gain c -> cpp beats gain c -> c", (50 - 10) - (30 - 10)),
        ("gain c -> cpp is 40", 40),
        ("mixed beats the mean specialist", (50 + 20 + 20) / 3 - (40 + 30 + 30) / 3),
        ("mixed beats specialist", (50 + 20 + 20) / 3 - (40 + 30 + 30) / 3),
        ("c beats none", (30 + 30 + 50) / 3 - (20 + 10 + 10) / 3),
        ("mean(c -> cpp, cpp -> c) beats python -> c", (50 + 40) / 2 - 20),
        ("mean single except own -> c beats none -> c", (20 + 40) / 2 - 10),
        ("mean single except own and cpp -> c beats none -> c", 20 - 10),
        ("best single -> c beats mixed -> c", 40 - 20),
        ("mean trained -> python beats none -> python", (40 + 30 + 30 + 50) / 4 - 20),
        ("c -> mean c and cpp beats none -> mean c and cpp", 40 - 10),
        ("c -> mean except python beats none -> mean of c and cpp", 40 - 10),
        ("c -> c plus c -> cpp minus none -> c beats none -> cpp", 30 + 50 - 10 - 10),
        ("c -> cpp beats python -> cpp by 20", 50 - 20),
    ],
)
def test_a_claim_is_the_contrast_that_it_reads_as(text, expected):
    assert points(text) == pytest.approx(expected)


def test_each_is_every_one_of_them():
    result = on("each single except own -> each beats none -> each")
    assert sorted(c.points for c in result.comparisons) == sorted(
        [30 - 20, 30 - 20, 20 - 10, 40 - 10, 20 - 10, 50 - 10]
    )
    assert len(on("each trained -> each beats none -> each").comparisons) == 4 * 3
    assert len(on("mixed -> each beats specialist -> each").comparisons) == 3
    assert len(on("mixed -> each except python beats specialist -> each").comparisons) == 2
    assert [c.points for c in on("each -> c beats none -> c").comparisons] == [10, 20, 30, 10]


def test_best_picks_the_row_of_each_column():
    result = on("mixed -> each beats best trained except mixed -> each")
    assert [c.points for c in result.comparisons] == [50 - 40, 20 - 40, 20 - 50]


def test_a_mixture_is_named_in_any_order():
    scores = pd.concat([SCORES, SCORES.loc[["mixed"]].rename(index={"mixed": "c+python"})])
    (comparison,) = on("python+c -> c beats none -> c", OfMatrix(scores, N)).comparisons
    assert comparison.points == 10


def test_specialists_are_compared_where_they_are():
    """A column without a model of its own takes no part."""
    scores = SCORES.drop(index="cpp")
    (comparison,) = on("mixed beats the mean specialist", OfMatrix(scores, N)).comparisons
    assert comparison.points == pytest.approx((50 + 20) / 2 - (40 + 30) / 2)


# --- what cannot be read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pyhton -> c beats c -> c", "Did you mean python"),
        ("python -> cc beats c -> c", "'cc'"),
        ("python -> c beat c -> c", "expected `beats` or `is` after 'python -> c', found 'beat'"),
        ("python, c -> c beats c -> c", "join names with `and`"),
        ("single -> c beats c -> c", "each, mean or best before 'single'"),
        ("python -> best beats c -> c", "it picks rows"),
        ("python -> c beats c -> c by much", "a number of percentage points"),
        ("python -> c beats", "found the end"),
        ("python -> c is good", "a number"),
        ("mean(c -> c, cpp -> c beats c -> c", "`,` or `)`"),
        ("each single except own -> c beats each trained -> c", "expected one set for `each`"),
        ("", "expected the name of a row at the start"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, told):
    with pytest.raises(BadClaim) as caught:
        on(text)
    assert told in str(caught.value)


def test_every_fault_of_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "claims:\n- c -> c beat c\n- claim: c -> c beats c -> cpp\n- clam: x\n- {claim: c beats c, by: 3}\n"
    )
    with pytest.raises(BadClaim) as caught:
        claims.read(path)
    assert "3 of 4 claims" in str(caught.value) and "claim 1" in str(caught.value) and "by" in str(caught.value)
    for text in ("", "claims: 3", "- a\n", "claims: [\n"):
        path.write_text(text)
        with pytest.raises(BadClaim, match=r"mine\.yaml"):
            claims.read(path)


def test_what_the_grid_lacks_cannot_be_said():
    for text in ("html -> c beats c -> c", "c -> java beats c -> c", "java -> c beats c -> c"):
        result = on(text)
        assert result.verdict == "cannot be said" and result.why
    scores = SCORES.copy()
    scores.loc["c", "cpp"] = float("nan")
    result = on("c beats none", OfMatrix(scores, N))
    assert result.verdict == "cannot be said" and "c on cpp" in result.why
    assert on("own language beats other languages", OfMatrix(SCORES[["c"]], N)).verdict == "cannot be said"
    assert "base model" in on("gain c -> c is 20", OfMatrix(SCORES.drop(index="none"), N)).why
    assert on("c -> c beats c -> c").why == "both sides are the same cells"


# --- verdicts


def test_verdicts():
    assert on("c -> cpp beats python -> cpp").verdict == "supported"
    assert on("c -> cpp beats python -> cpp by 25").verdict == "in this direction, within noise"
    assert on("python -> cpp beats c -> cpp").verdict == "contradicted"
    assert on("mixed -> c beats python -> c").verdict == "not so in these numbers"  # equal is not better
    assert on("gain c -> cpp is 40.0").verdict == "supported"
    assert on("gain c -> cpp is 40.1").verdict == "contradicted"
    assert on("python -> c is 20").verdict == "supported"


def test_all_must_hold_for_each():
    result = on("each trained -> cpp beats none -> cpp")
    assert result.verdict == "supported" and result.holds == 4
    assert on("each trained -> cpp beats c -> cpp").verdict == "contradicted"


# --- unpaired, from counts


def test_two_proportions_have_newcombes_interval():
    (c,) = on("c -> cpp beats none -> c").comparisons
    low, high = confint_proportions_2indep(100, 200, 10, 100, method="newcomb", compare="diff")
    assert (c.low, c.high) == pytest.approx((100 * low, 100 * high))
    assert c.test.startswith("unpaired") and c.problems == 200
    assert math.isnan(c.difference_in_problems)  # of 100 and of 200
    assert on("c -> cpp beats python -> cpp").comparisons[0].difference_in_problems == 60


def test_p_and_interval_agree():
    """The 95 % interval ends at `by` exactly when p is 0.05."""
    cells = [(1.0, 60.0, 164.0), (-0.5, 40.0, 164.0), (-0.5, 45.0, 161.0)]
    low, high, _ = unpaired(cells)
    assert unpaired(cells, low)[2] == pytest.approx(0.05, abs=1e-6)
    assert unpaired(cells, high)[2] == pytest.approx(0.05, abs=1e-6)
    estimate = 60 / 164 - 20 / 164 - 22.5 / 161
    assert unpaired(cells, estimate)[2] == 1
    assert 0 <= unpaired(cells, -5.0)[2] < 1e-30


def test_unpaired_intervals_cover():
    """A mean of two proportions minus a third, 2,000 simulations: 95 % within four standard errors."""
    rng = np.random.default_rng(0)
    shares, n = np.array([0.3, 0.1, 0.2]), np.array([164, 162, 161])
    weights = np.array([0.5, 0.5, -1.0])
    inside = 0
    for drawn in rng.binomial(n, shares, size=(2000, 3)):
        low, high, _ = unpaired([*zip(weights, drawn.astype(float), n.astype(float), strict=True)])
        inside += low <= weights @ shares <= high
    assert inside / 2000 == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


def test_nothing_solved_and_everything_solved_make_no_noise():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = pd.DataFrame({"c": [0.0, 100.0, 0.0]}, index=["none", "c", "cpp"])
        assert on("c -> c beats none -> c", OfMatrix(scores, N)).verdict == "supported"
        (same,) = on("cpp -> c beats none -> c", OfMatrix(scores, N)).comparisons
        assert same.p == 1 and same.low < 0 < same.high


def test_a_value_that_is_no_whole_number_of_problems_has_no_test():
    table = paper.tables()[2]
    result = on("python -> java beats none -> java", OfMatrix(table.matrix, table.problems, table.counts))
    (comparison,) = result.comparisons
    assert comparison.points == pytest.approx(17.95) and comparison.holds and math.isnan(comparison.p)
    assert result.verdict == "cannot be said" and "30.22" in result.why


# --- paired, from verdicts


def frame(tmp_path, words: dict[tuple[str, str], str]) -> pd.DataFrame:
    for (train, lang), word in words.items():
        evaluation(tmp_path, train, lang, word)
    return analysis.load(tmp_path)


def test_two_cells_of_a_language_are_paired_by_problem(tmp_path):
    ours, theirs = "11111111" + "110000", "00000000" + "110000"
    source = OfFrame(frame(tmp_path, {("c", "go"): ours, ("none", "go"): theirs}))
    result = on("c -> go beats none -> go", source)
    (comparison,) = result.comparisons
    assert comparison.p == pytest.approx(binomtest(8, 8, 0.5).pvalue) and "McNemar" in comparison.test
    assert comparison.difference_in_problems == 8 and comparison.problems == 14 and result.verdict == "supported"
    matrix = OfMatrix(source.matrix, source.problems)
    assert on("c -> go beats none -> go", matrix).comparisons[0].p != pytest.approx(comparison.p)


def test_a_contrast_of_gains_is_paired_by_problem(tmp_path):
    rng = np.random.default_rng(3)
    bits = {key: rng.integers(0, 2, 40) for key in itertools.product(["none", "c", "python"], ["cpp"])}
    source = OfFrame(frame(tmp_path, {key: "".join(map(str, value)) for key, value in bits.items()}))
    (comparison,) = on("mean(c -> cpp, python -> cpp) beats none -> cpp", source).comparisons
    mine = (bits["c", "cpp"] + bits["python", "cpp"]) / 2
    assert comparison.points == pytest.approx(100 * (mine - bits["none", "cpp"]).mean())
    assert comparison.p == pytest.approx(ttest_rel(mine, bits["none", "cpp"]).pvalue)
    interval = ttest_rel(mine, bits["none", "cpp"]).confidence_interval()
    assert (comparison.low, comparison.high) == pytest.approx((100 * interval.low, 100 * interval.high))


def test_problem_sets_that_differ_are_paired_on_what_is_common(tmp_path):
    source = OfFrame(frame(tmp_path, {("c", "go"): "1111h0", ("none", "go"): "100000"}))
    (comparison,) = on("c -> go beats none -> go", source).comparisons
    assert comparison.points == pytest.approx(100 * 3 / 5) and "1 problem" in comparison.test


def test_missing_verdicts_cannot_be_said(tmp_path):
    evaluation(tmp_path, "c", "go", "11", problems=3)
    evaluation(tmp_path, "none", "go", "100")
    assert on("c -> go beats none -> go", OfFrame(analysis.load(tmp_path))).verdict == "cannot be said"


# --- the command


def test_the_command_on_runs_and_on_a_matrix(tmp_path, capsys):
    runs = grid(tmp_path / "runs")
    path = tmp_path / "mine.yaml"
    path.write_text("claims:\n- say: mixed is best on Java\n  claim: mixed -> java beats python -> java\n")
    assert main(["claims", str(path), str(runs), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["estimate"] == 50 and found["problems"] == 4 and found["difference_in_problems"] == 2
    assert found["p"] == pytest.approx(0.5) and found["verdict"] == "in this direction, within noise"
    table = tmp_path / "matrix.csv"
    table.write_text("train,java\npython,50\nmixed,100\n")
    assert main(["claims", str(path), str(table), "--problems", "4"]) == 0
    told = capsys.readouterr().out
    assert "unpaired" in told and "4 of 4 and 2 of 4, +2 problems" in told


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    runs = grid(tmp_path / "runs")
    path = tmp_path / "mine.yaml"
    path.write_text("claims: [pyhton -> java beats none -> java]\n")
    assert main(["claims", str(path), str(runs)]) == 2
    assert "Did you mean python" in capsys.readouterr().err
    table = tmp_path / "matrix.csv"
    table.write_text("train,java\npython,50\nnone,100\n")
    for problems in ([], ["--problems", "many"], ["--problems", "go=4"]):
        assert main(["claims", str(path), str(table), *problems]) == 2
        assert "--problems" in capsys.readouterr().err


def test_the_papers_claims_are_an_example_for_any_grid(tmp_path, capsys):
    """On a grid without most of its languages every claim still has an answer."""
    from analysis.paper_check import CLAIMS

    assert main(["claims", str(CLAIMS), str(grid(tmp_path / "runs"))]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{len(claims.read(CLAIMS))} claims: ") and "CANNOT BE SAID" in told
