"""Out and in again: our runs as the table of public archives, and others' tables as runs."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from synthetic_runs import evaluation, grid, line

import analysis
from analysis import interchange, matrix, paired, report, tables
from analysis.__main__ import main
from analysis.load import BadRuns

OTHERS = [
    ("humaneval-java", "meta/llama", "Java/1", 1, 1, 1),
    ("humaneval-java", "meta/llama", "Java/2", 0.5, 2, 4),
    ("humaneval-java", "code/llama", "Java/1", 1, 1, 1),
    ("humaneval-java", "code/llama", "Java/2", 1, 4, 4),
    ("humaneval-go", "meta/llama", "Go/1", 0, 0, 1),
    ("humaneval-go", "code/llama", "Go/1", 1, 1, 1),
]


def others(path, rows=OTHERS, columns=interchange.COLUMNS):
    frame = pd.DataFrame(rows, columns=list(interchange.COLUMNS))[list(columns)]
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    else:
        frame.to_csv(path, index=False)
    return path


def scores(where, **more) -> pd.DataFrame:
    return matrix.pass_at_1(matrix.cells(analysis.load(where, **more)))


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_our_runs_come_back_as_they_went(tmp_path, name, capsys):
    runs, out, again = grid(tmp_path / "runs"), tmp_path / name, tmp_path / "again"
    record = {"recipe": {"problems": 2, "decode": {"samples": 3}}}
    folder = evaluation(runs, "c", "go", "", seed=2, record=record)
    rows = ((0, "1", 0), (0, "0", 1), (0, "1", 2), (1, "h", 0), (1, "1", 1), (1, "1", 2))
    named = {"1": "passed", "0": "timeout", "h": "harness_error"}
    (folder / "verdicts.jsonl").write_text("".join(line("mini", "go", n, named[o], s) for n, o, s in rows))
    assert main(["export", str(runs), "--to", str(out)]) == 0
    assert main(["import", str(out), "--to", str(again)]) == 0
    for back in (out, again):
        frame = analysis.load(back)
        pd.testing.assert_frame_equal(scores(back), scores(runs))
        assert set(frame.task) == {"mini/0", "mini/1", "mini/2", "mini/3"}
        assert set(frame.seed) == {0, 2} and set(frame.method) == {"none", "sft"}
    shared = ["difference", "se", "p", "gained", "lost", "problems"]
    before, after = (paired.differences(analysis.load(where))[shared] for where in (runs, again))
    pd.testing.assert_frame_equal(before, after)


def test_an_export_says_what_it_leaves_out(tmp_path, capsys):
    runs = grid(tmp_path / "runs")
    evaluation(runs, "c", "go", "11", problems=4)
    assert main(["export", str(runs), "--to", str(tmp_path / "out.csv")]) == 0
    assert "left out, because verdicts are missing: tiny/sft/c/seed0 on mini/go/greedy" in capsys.readouterr().err
    assert "c" not in set(analysis.load(tmp_path / "out.csv").train)


@pytest.mark.parametrize("name", ["others.csv", "others.jsonl"])
def test_others_tables_are_rows_and_columns(tmp_path, name):
    path = others(tmp_path / name)
    shown = scores(path)
    assert shown.loc["meta/llama"].to_dict() == {"humaneval-java": 75, "humaneval-go": 0}
    frame = interchange.read_table(path, base="meta/llama", same_problems=True)
    assert set(frame.task) == {"1", "2"}
    assert paired.differences(frame).loc[("code/llama", "humaneval-java"), "difference"] == 25


def test_others_tables_become_runs_that_a_report_takes(tmp_path, capsys):
    path, runs = others(tmp_path / "others.jsonl"), tmp_path / "runs"
    assert main(["import", str(path), "--to", str(runs), "--base", "meta/llama", "--same-problems"]) == 0
    assert "4 evaluations, 12 verdicts" in capsys.readouterr().out
    assert scores(runs).loc["code%2Fllama"].tolist() == [100, 100]
    assert set(analysis.load(runs).task) == {"imported/1", "imported/2"}
    assert report.write(runs, tmp_path / "out")[-1].name == "report.html"


def test_names_cannot_leave_the_folder(tmp_path):
    rows = [("..", "../../etc", "../x", 1, 1, 1), (".", "a\x00b", "y", 1, 1, 1)]
    main(["import", str(others(tmp_path / "t.jsonl", rows)), "--to", str(tmp_path / "deep" / "runs")])
    assert {p.name for p in tmp_path.iterdir()} == {"t.jsonl", "deep"}
    assert len(analysis.load(tmp_path / "deep" / "runs")) == 2


def test_a_folder_with_files_is_not_written_into(tmp_path, capsys):
    assert main(["import", str(others(tmp_path / "t.csv")), "--to", str(grid(tmp_path / "runs"))]) == 2
    assert "expected an empty folder" in capsys.readouterr().err


def test_without_counts_whole_numbers_are_enough(tmp_path):
    path = others(tmp_path / "t.csv", [row for row in OTHERS if row[3] in (0, 1)], interchange.COLUMNS[:4])
    assert len(analysis.load(path)) == 5


def change(at: int, column: int, value: object) -> list[tuple]:
    return [tuple(value if (i, j) == (at, column) else v for j, v in enumerate(row)) for i, row in enumerate(OTHERS)]


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (OTHERS, ("benchmark_id", "model", "pass1"), "found no example_id"),
        (OTHERS, interchange.COLUMNS[:4], "needs the column count"),
        (change(1, 3, "many"), interchange.COLUMNS, "row 2: expected pass1"),
        (change(1, 3, None), interchange.COLUMNS, "row 2"),
        (change(1, 4, 5), interchange.COLUMNS, "row 2"),
        (change(1, 4, 3), interchange.COLUMNS, "row 2"),
        (change(0, 5, 0), interchange.COLUMNS, "row 1"),
        (change(0, 5, 1e12), interchange.COLUMNS, "row 1"),
        ([*OTHERS, OTHERS[0]], interchange.COLUMNS, "'Java/1' of 'meta/llama'"),
        ([], interchange.COLUMNS, "found no rows"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_bad_table_is_one_clear_message(tmp_path, rows, columns, said, name, capsys):
    path = others(tmp_path / name, rows, columns)
    if name == "t.jsonl" and not rows:
        said = "benchmark_id"
    assert main(["matrix", str(path)]) == 2
    error = capsys.readouterr().err
    if "benchmark_id" in columns:
        assert said in error and str(path) in error and len(error.strip().splitlines()) == 1


def test_an_unknown_base_names_the_models(tmp_path):
    with pytest.raises(BadRuns, match="'gpt'.*code/llama, meta/llama"):
        interchange.read_table(others(tmp_path / "t.csv"), base="gpt")


def test_a_matrix_comes_back_with_its_holes(tmp_path):
    table = pd.DataFrame({"python": [1.25, float("nan")], "go": [100.0, 0.0]}, index=["none", "go+python"])
    path = tmp_path / "m.csv"
    path.write_text(tables.csv(table))
    pd.testing.assert_frame_equal(interchange.read_matrix(path), table, check_names=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a CSV matrix"),
        ("train\n", "no cell"),
        ("train,go\n", "no cell"),
        ("train,go\na,1\na,2\n", "'a' twice"),
        ("train,go,go \na,1,2\n", "'go' twice"),
        ("train,go\na,many\n", "a, go: expected a number"),
        ("train,go\na,101\n", "found '101'"),
        ("train,go\na,-1\n", "found '-1'"),
        ("train,go\na,inf\n", "found 'inf'"),
        ("\x00\xff", "expected a CSV matrix"),
    ],
)
def test_a_bad_matrix_is_one_clear_message(tmp_path, text, said):
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadRuns, match=said) as error:
        interchange.read_matrix(path)
    assert len(str(error.value).splitlines()) == 1
