"""The matrix as text: what a spreadsheet, a README and a paper take, with hostile names."""

from __future__ import annotations

import io
import re

import pandas as pd
import pytest
from synthetic_runs import evaluation, grid, line

from analysis import tables
from analysis.__main__ import main

TABLE = pd.DataFrame(
    {"python": [26.829, 38.419, 38.414], "go": [24.39, 24.39, float("nan")], "c": [24.69, 20.0, 30.0]},
    index=["none", "python", "c_99 & <b>|*"],
).rename_axis("train")


def test_csv_comes_back(tmp_path):
    again = pd.read_csv(io.StringIO(tables.csv(TABLE)), index_col="train")
    pd.testing.assert_frame_equal(again, TABLE.round(2), check_names=False)


def test_latex_has_the_shape_of_table_1():
    lines = tables.latex(TABLE, base="StarCoder 7B").splitlines()
    assert lines[0] == r"\begin{tabular}{lrrr}" and lines[-1] == r"\end{tabular}"
    assert [line for line in lines if line in (r"\toprule", r"\midrule", r"\bottomrule")] == [
        r"\toprule", r"\midrule", r"\midrule", r"\bottomrule",
    ]  # fmt: skip
    assert r"StarCoder 7B & 26.83 & \textbf{24.39} & 24.69 \\" in lines
    assert r"Python & \textbf{38.42}$^{+11.59}$ & \textbf{24.39}$^{+0.00}$ & 20.00$^{-4.69}$ \\" in lines
    assert r"c\_99 \& \textless{}b\textgreater{}|* & 38.41$^{+11.59}$ &  & \textbf{30.00}$^{+5.31}$ \\" in lines


def test_scores_that_print_alike_are_bold_alike():
    table = pd.DataFrame({"go": [30.001, 30.002, 10.0]}, index=["go", "c", "java"])
    assert tables.markdown(table).count("**30.00**") == 2


def test_every_character_of_latex_and_markdown_is_escaped():
    assert tables.escaped("a\\b{c}$d^e~f_g#h%i&") == (
        r"a\textbackslash{}b\{c\}\$d\textasciicircum{}e\textasciitilde{}f\_g\#h\%i\&"
    )
    shown = tables.markdown(TABLE)
    assert r"c\_99 &amp; &lt;b&gt;\|\*" in shown
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in shown.splitlines())


def test_nothing_is_bold_where_nothing_is_best():
    assert "**" not in tables.markdown(TABLE.head(1)) and "**" not in tables.markdown(TABLE, best=False)


def test_no_minus_zero():
    table = pd.DataFrame({"go": [10.001, 10.0, 9.0]}, index=["none", "go", "c"])
    assert "$^{+0.00}$" in tables.latex(table) and "-0.00" not in tables.markdown(table - table.loc["none"])


@pytest.mark.parametrize("what", ["pass@1", "gain", "relative", "headroom", "low", "high", "se", "p", "p_max_t"])
def test_everything_can_be_shown_in_every_format(tmp_path, capsys, what):
    runs = grid(tmp_path)
    for form, start in (("csv", "train,python,java,go"), ("markdown", "| Model |"), ("latex", r"\begin{tabular}")):
        assert main(["matrix", str(runs), "--what", what, "--format", form]) == 0
        assert capsys.readouterr().out.startswith(start)


def test_pass_at_k_from_the_command_line(tmp_path, capsys):
    record = {"recipe": {"problems": 1, "decode": {"samples": 2}}}
    folder = evaluation(tmp_path, "none", "go", "", record=record)
    (folder / "verdicts.jsonl").write_text(line("mini", "go", 0, "passed", 0) + line("mini", "go", 0, "wrong", 1))
    assert main(["matrix", str(tmp_path), "--what", "pass@2"]) == 0
    assert capsys.readouterr().out == "train,go\nnone,100.00\n"


def test_a_matrix_of_scores_is_enough_for_gains_and_not_for_tests(tmp_path, capsys):
    path = tmp_path / "matrix.csv"
    path.write_text(tables.csv(TABLE))
    assert main(["matrix", str(path), "--what", "gain"]) == 0
    assert capsys.readouterr().out.splitlines()[2] == "python,11.59,0.00,-4.69"
    assert main(["matrix", str(path), "--what", "p"]) == 2
    assert "needs verdicts" in capsys.readouterr().err
    assert main(["matrix", str(path), "--what", "splendour"]) == 2
    assert "expected one of pass@1" in capsys.readouterr().err
