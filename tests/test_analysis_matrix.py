"""From verdict lines to numbers: loading, the matrix, the correlations."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_runs import evaluation, grid, line, write

import analysis
from analysis import correlation, matrix, names
from analysis.grid import choose
from analysis.load import BadRuns, evaluations


def scores(runs: Path) -> pd.DataFrame:
    return matrix.pass_at_1(matrix.cells(analysis.load(runs)))


# --- loading


def test_a_row_per_verdict(tmp_path):
    frame = analysis.load(grid(tmp_path))
    assert len(frame) == 4 * 3 * 4
    row = frame[(frame.train == "python") & (frame.lang == "java")].iloc[1]
    assert (row.base, row.method, row.seed, row.bench, row.decode) == ("tiny", "sft", 0, "mini", "greedy")
    assert (row.problem, row.task, row["sample"], row.outcome) == ("mini/java/1", "mini/1", 0, "passed")
    assert len(row.program_sha256) == 64 and row.seconds == 0.1 and row.copies == 1 and row.expected == 4


def test_a_torn_last_line_is_a_missing_verdict_not_a_wrong_one(tmp_path):
    folder = evaluation(tmp_path, "none", "go", "111", problems=4)
    with (folder / "verdicts.jsonl").open("a") as f:
        f.write(line("mini", "go", 3, "passed")[:40])
    table = matrix.cells(analysis.load(tmp_path))
    assert table.loc[("none", "go"), "missing"] == 1
    assert math.isnan(table.loc[("none", "go"), "pass_at_1"])


def test_a_torn_line_in_the_middle_is_an_error_that_names_the_line(tmp_path):
    folder = evaluation(tmp_path, "none", "go", "11")
    path = folder / "verdicts.jsonl"
    path.write_text('{"problem": \n' + path.read_text())
    with pytest.raises(BadRuns, match=r"verdicts\.jsonl:1"):
        analysis.load(tmp_path)


@pytest.mark.parametrize("change", [{"outcome": "splendid"}, {"surprise": 1}])
def test_a_verdict_nobody_knows_is_an_error(tmp_path, change):
    folder = evaluation(tmp_path, "none", "go", "1")
    path = folder / "verdicts.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) + "\n")
    with pytest.raises(BadRuns, match=r"verdicts\.jsonl"):
        analysis.load(tmp_path)


def test_the_last_verdict_counts_and_the_others_are_counted(tmp_path):
    folder = evaluation(tmp_path, "none", "go", "00")
    with (folder / "verdicts.jsonl").open("a") as f:
        f.write(line("mini", "go", 0, "passed"))
    frame = analysis.load(tmp_path)
    assert len(frame) == 2 and sorted(frame.copies) == [1, 2]
    assert matrix.cells(frame).loc[("none", "go"), ["pass_at_1", "copies"]].tolist() == [50, 1]


def test_filters_keep_the_base_row_of_every_method(tmp_path):
    evaluation(tmp_path, "none", "go", "1")
    evaluation(tmp_path, "go", "go", "1", method="sft")
    evaluation(tmp_path, "go", "go", "0", method="lora")
    frame = analysis.load(tmp_path, method="lora")
    assert set(zip(frame.train, frame.method, strict=True)) == {("none", "none"), ("go", "lora")}


# --- the matrix


def test_exact_numbers_and_order(tmp_path):
    table = scores(grid(tmp_path))
    assert list(table.index) == ["none", "python", "go", "mixed"]
    assert list(table.columns) == ["python", "java", "go"]
    assert table.to_numpy().tolist() == [[50, 25, 25], [100, 50, 25], [25, 25, 100], [75, 100, 0]]
    assert matrix.gain(table).loc["mixed"].tolist() == [25, 75, -25]
    assert matrix.to_csv(table).splitlines()[:3] == [
        "train,python,java,go", "none,50.00,25.00,25.00", "python,100.00,50.00,25.00",
    ]  # fmt: skip


def test_rows_and_columns_stand_as_in_table_1():
    trains = ["mixed", "lua", "html", "go+python", "cpp", "none", "mixed-published", "c+cpp+java", "python", "c"]
    assert names.ordered_rows(trains) == [
        "none", "python", "c", "cpp", "html", "lua", "go+python", "c+cpp+java", "mixed", "mixed-published",
    ]  # fmt: skip
    assert names.ordered_columns(["zig", "go", "lua", "python", "cpp"]) == ["python", "cpp", "go", "lua", "zig"]
    assert names.title("go+cpp") == "Go + C++" and names.title("zig") == "zig"


def test_titles_are_those_of_the_language_files():
    yaml = pytest.importorskip("yaml")
    files = sorted((Path(__file__).parent.parent / "conf" / "lang").glob("*.yaml"))
    stated = {f.stem: yaml.safe_load(f.read_text("utf-8")).get("title") for f in files}
    assert {name: title for name, title in stated.items() if name in names.TITLES} == names.TITLES


def test_a_harness_error_is_in_neither_side_of_the_fraction(tmp_path):
    evaluation(tmp_path, "none", "go", "1h00")
    cell = matrix.cells(analysis.load(tmp_path)).loc[("none", "go")]
    assert cell["pass_at_1"] == pytest.approx(100 / 3)
    assert (cell["passed"], cell["scored"], cell["harness_errors"], cell["missing"]) == (1, 3, 1, 0)


def test_nothing_but_harness_errors_is_no_score(tmp_path):
    evaluation(tmp_path, "none", "go", "hh")
    assert math.isnan(scores(tmp_path).loc["none", "go"])


@pytest.mark.parametrize("problems", [3, 5])
def test_other_than_the_expected_verdicts_is_no_score(tmp_path, problems):
    evaluation(tmp_path, "none", "go", "1111", problems=problems)
    assert math.isnan(scores(tmp_path).loc["none", "go"])


def test_without_a_record_nobody_knows_whether_verdicts_are_missing(tmp_path):
    folder = evaluation(tmp_path, "none", "go", "1111")
    (folder / "record.json").unlink()
    cell = matrix.cells(analysis.load(tmp_path)).loc[("none", "go")]
    assert pd.isna(cell["missing"]) and math.isnan(cell["pass_at_1"])


def test_a_cell_that_was_never_evaluated_is_empty_in_the_csv(tmp_path):
    evaluation(tmp_path, "none", "go", "10")
    evaluation(tmp_path, "go", "c", "10")
    assert matrix.to_csv(scores(tmp_path)) == "train,c,go\nnone,,50.00\ngo,50.00,\n"


def test_seeds_are_averaged_and_counted(tmp_path):
    for seed, word in enumerate(("1111", "1100", "0000")):
        evaluation(tmp_path, "go", "go", word, seed=seed)
    cell = matrix.cells(analysis.load(tmp_path)).loc[("go", "go")]
    assert (cell["pass_at_1"], cell["seeds"], cell["passed"], cell["scored"]) == (50, 3, 6, 12)
    assert cell["problems"] == 4, "three seeds on four problems are not twelve problems"


def test_one_incomplete_seed_leaves_the_cell_without_a_score(tmp_path):
    evaluation(tmp_path, "go", "go", "1111", seed=0)
    evaluation(tmp_path, "go", "go", "11", seed=1, problems=4)
    assert math.isnan(scores(tmp_path).loc["go", "go"])


def test_several_samples_are_averaged_within_their_problem(tmp_path):
    folder = evaluation(tmp_path, "go", "go", "", record={"recipe": {"problems": 2, "decode": {"samples": 2}}})
    rows = [(0, 0, "passed"), (0, 1, "wrong"), (1, 0, "passed"), (1, 1, "harness_error")]
    (folder / "verdicts.jsonl").write_text("".join(line("mini", "go", n, o, s) for n, s, o in rows))
    cell = matrix.cells(analysis.load(tmp_path)).loc[("go", "go")]
    assert cell["pass_at_1"] == 75 and cell["missing"] == 0


def test_the_wilson_interval(tmp_path):
    evaluation(tmp_path, "none", "go", "1" * 8 + "0" * 2)
    cell = matrix.cells(analysis.load(tmp_path)).loc[("none", "go")]
    z, n, p = 1.959963984540054, 10, 0.8
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = [100 * (middle - half) / (1 + z * z / n), 100 * (middle + half) / (1 + z * z / n)]
    assert cell[["low", "high"]].tolist() == pytest.approx(expected)


def test_two_grids_are_never_averaged(tmp_path):
    evaluation(tmp_path, "go", "go", "1", base="tiny")
    evaluation(tmp_path, "go", "go", "0", base="starcoder")
    with pytest.raises(ValueError, match="expected one base, found starcoder, tiny"):
        matrix.cells(analysis.load(tmp_path))


def test_outcomes_are_counted_in_the_order_of_the_matrix(tmp_path):
    evaluation(tmp_path, "none", "python", ["passed", "timeout", "harness_error"])
    evaluation(tmp_path, "none", "java", ["passed", "passed", "wrong"])
    counts = matrix.outcomes(analysis.load(tmp_path), ["lang"])
    assert list(counts.index) == ["python", "java"]
    assert counts.loc["python"][["problems", "passed", "timeout", "memory", "harness_error"]].tolist() == [
        3,
        1,
        1,
        0,
        1,
    ]


# --- choosing one grid


def test_every_open_question_is_asked_at_once(tmp_path):
    evaluation(tmp_path, "go", "go", "1", base="tiny", bench="mini")
    evaluation(tmp_path, "go", "go", "1", base="big", bench="humaneval-x")
    with pytest.raises(BadRuns) as error:
        choose(evaluations(tmp_path))
    assert str(error.value).splitlines() == [
        "base: expected one, found big, tiny: add --base big",
        "bench: expected one, found humaneval-x, mini: add --bench humaneval-x",
    ]
    assert choose(evaluations(tmp_path), base="tiny").bench == "mini"


def test_a_wrong_name_lists_the_right_ones(tmp_path):
    evaluation(tmp_path, "go", "go", "1")
    with pytest.raises(BadRuns, match="--base tinny: expected one of tiny"):
        choose(evaluations(tmp_path), base="tinny")


def test_a_base_model_alone_is_a_grid(tmp_path):
    evaluation(tmp_path, "none", "go", "1")
    assert choose(evaluations(tmp_path)).method == "none"


# --- correlations (Figure 4)


def test_correlations_are_those_of_numpy(tmp_path):
    table = scores(grid(tmp_path))
    values = table.to_numpy()
    np.testing.assert_allclose(correlation.of_eval_languages(table), np.corrcoef(values.T))
    np.testing.assert_allclose(correlation.of_training_languages(table), np.corrcoef(values))
    np.testing.assert_allclose(correlation.of_eval_languages(table, with_base=False), np.corrcoef(values[1:].T))
    assert list(correlation.of_training_languages(table, with_base=False).index) == ["python", "go", "mixed"]


@pytest.mark.parametrize(
    "rows", [[[50, 25, 25]], [[50, 25, 25], [30, 20, 10]], [[50, 25, 25], [50, 30, 20], [50, 1, 9]]]
)
def test_what_has_no_correlation_is_empty_and_silent(rows):
    table = pd.DataFrame(
        rows, index=["none", "python", "go"][: len(rows)], columns=["python", "java", "go"], dtype=float
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of_eval = correlation.of_eval_languages(table)
        correlation.of_training_languages(table)
    assert of_eval["python"].isna().all(), "constant, or fewer than three rows"


def test_a_record_that_cannot_be_read_counts_as_none(tmp_path):
    folder = evaluation(tmp_path, "none", "go", "1")
    (folder / "record.json").write_text('{"status": "do')
    assert evaluations(tmp_path)[0].status == "no record"
    write(folder / "record.json", {"status": "running"})
    assert evaluations(tmp_path)[0].status == "running"
