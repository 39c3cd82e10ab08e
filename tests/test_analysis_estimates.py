"""What a sweep was expected to cost, beside what it took: in the report where records hold both."""

import json

from synthetic_runs import PASS, evaluation, write

from analysis import estimates, report
from analysis.load import evaluations
from analysis.provenance import run_records

CODE = {"commit": "3f2a9c1d77e0", "dirty": False}


def launch(job: str, wall_s: float, gpu_hours: float = 0.0) -> dict:
    estimate = {"wall_s": wall_s, "gpu_hours": gpu_hours, "source": "measured: 900 tokens/s"}
    return {"submission": "20261121-194500-3f2a", "job": job, "node": "n1", "estimate": estimate}


def submitted(runs, train="go"):
    """A row of two languages; its training took twice as long as was thought."""
    for lang, spent in (("go", 10.0), ("java", 30.0)):
        judge = {"recipe": {"compiler": "gcc"}, "launch": launch("3_0", 100), "spent_s": spent}
        folder = evaluation(
            runs, train, lang, [PASS], record={"launch": launch("2_0", 60, 0.5), "spent_s": 30.0, "judge": judge}
        )
    path = folder.parents[3] / "record.json"
    said = {"status": "done", "recipe": {}, "code": CODE, "launch": launch("1_0", 3600, 8.0), "spent_s": 7200.0}
    write(path, said)


def test_each_stage_has_its_estimate_and_what_it_took(tmp_path):
    submitted(tmp_path / "runs")
    evaluation(tmp_path / "runs", "none", "go", [PASS])  # made here, without a job
    found = evaluations(tmp_path / "runs")
    rows = {row.stage: row for row in estimates.costs(run_records(found), found)}
    assert {row.train for row in rows.values()} == {"go"}
    assert (rows["train"].wall_s, rows["train"].spent_s, rows["train"].ratio) == (3600, 7200, 2)
    assert (rows["train"].gpu_hours, rows["train"].spent_gpu_hours) == (8, 16)
    assert (rows["generate"].wall_s, rows["generate"].spent_s) == (60, 30)  # all languages at once
    assert (rows["execute"].wall_s, rows["execute"].spent_s, rows["execute"].gpu_hours) == (100, 40, 0)
    assert estimates.total(rows.values())["spent_gpu_hours"] == 16.25


def test_the_report_shows_them_only_where_there_are_some(tmp_path):
    submitted(tmp_path / "runs")
    page = report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")
    assert "Estimate and actual" in page and "measured: 900 tokens/s" in page and "60 min" in page and "2.00" in page
    evaluation(tmp_path / "local", "go", "go", [PASS])
    page = report.write(tmp_path / "local", tmp_path / "out")[-1].read_text("utf-8")
    assert "Estimate and actual" not in page


def test_what_no_estimate_can_be_made_of_is_left_out(tmp_path):
    for n, estimate in enumerate(({"wall_s": None, "gpu_hours": None}, "x", {"wall_s": True}, None)):
        record = {"launch": {"job": "1", "estimate": estimate}, "spent_s": 3.0}
        folder = evaluation(tmp_path / str(n), "go", "go", [PASS], record=record)
        (folder.parents[3] / "record.json").write_text(json.dumps({"status": "done", **record}))
        found = evaluations(tmp_path / str(n))
        assert estimates.costs(run_records(found), found) == []
