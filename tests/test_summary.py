"""The last job of a sweep: the matrix as a file and as text, and the rows that it lacks."""

import csv
import json

import pytest

from codem import config, generate, summary
from codem import run as runs

SUBMISSION = "20261121-194500-3f2a"


@pytest.fixture
def cells(tmp_path):
    wanted = ["lang=none,python,go", f"runs={tmp_path / 'runs'}", "bench=mini", "eval_lang=[python,c]"]
    return config.cells(wanted, multirun=True)


def judged(cell, lang, passed, of=4):
    path = generate.evaluation_of(cell, lang).record
    path.parent.mkdir(parents=True)
    said = {"finished": "now", "judge": {"finished": "now", "counts": {"passed": passed, "wrong": of - passed}}}
    path.write_text(json.dumps({"recipe": {"problems": of}, **said, "status": "done"}))


def test_a_row_that_failed_has_empty_fields_and_is_named(cells, capsys):
    base, python, go = cells
    for lang in ("python", "c"):
        judged(base, lang, 1)
    judged(python, "python", 3)
    where = runs.Run(go.runs, "tiny", "sft", "go", 0).record
    where.parent.mkdir(parents=True)
    where.write_text(json.dumps({"recipe": {}, "error": "ValueError: bad data", "status": "failed"}))
    summary.run(cells, SUBMISSION)
    with open(runs.Launches(go.runs).matrix(SUBMISSION), newline="") as f:
        rows = list(csv.DictReader(f))
    assert [(r["run"], r["python"], r["c"]) for r in rows] == [
        ("tiny/none/none/seed0", "25.00", "25.00"),
        ("tiny/sft/python/seed0", "75.00", ""),
        ("tiny/sft/go/seed0", "", ""),
    ]
    said = capsys.readouterr().out
    assert "1 of 3 rows are complete" in said
    assert "tiny/sft/go/seed0: train failed: ValueError: bad data" in said
    assert said.splitlines()[0].split() == ["pass@1", "%", "Python", "C"]
    assert summary.table(cells).splitlines()[2].split() == ["python", "75.0", "-"]


def test_what_sets_rows_apart_is_in_their_names(tmp_path):
    wanted = ["lang=python", "seed=0,1", "decode=greedy,sample", f"runs={tmp_path}", "bench=mini", "eval_lang=[c]"]
    cells = config.cells(wanted, multirun=True)
    assert summary.table(cells) == ""
    for cell in cells:
        judged(cell, "c", 4)
    names = {line.rsplit(maxsplit=1)[0] for line in summary.table(cells).splitlines()[1:]}
    assert names == {f"python {decode} seed{n}" for decode in ("greedy", "sample") for n in (0, 1)}
