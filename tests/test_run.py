"""Run folders: named by their axes, written whole, refused when the recipe differs, held by one process at a time."""

import json
import subprocess
import sys

import pytest

from codem import run as runs
from codem.errors import Busy, CodemError, RecipeDiffers
from codem.run import Run
from codem.stage import Stage


def make(tmp_path, recipe=None, **kwargs):
    return Stage(
        tmp_path, tmp_path / "record.json", recipe or {"method": {"lr": 1.0}, "seed": 0}, "remove it", **kwargs
    )


def test_a_run_is_named_by_its_axes(tmp_path):
    run = Run(tmp_path, "starcoder-7b", "sft", "go+python", 0)
    assert run.folder == tmp_path / "starcoder-7b" / "sft" / "go+python" / "seed0"
    cell = run.evaluation("humaneval-x", "java", "greedy")
    assert cell.verdicts == run.folder / "eval" / "humaneval-x" / "java" / "greedy" / "verdicts.jsonl"


def test_find_sees_runs_and_nothing_else(tmp_path):
    run = Run(tmp_path, "tiny", "sft", "go", 3)
    runs.write_record(run.record, {"status": "done"})
    (tmp_path / "tiny" / "sft" / "go" / "notes").mkdir()
    (tmp_path / "stray.txt").write_text("")
    assert list(runs.find(tmp_path)) == [run]


def test_status_is_the_last_key_and_running_until_the_end(tmp_path):
    with make(tmp_path).opened(lambda: False) as record:
        assert json.loads((tmp_path / "record.json").read_text())["status"] == "running"
        record["result"] = {"steps": 3}
    text = json.loads((tmp_path / "record.json").read_text())
    assert list(text)[-1] == "status"
    assert text["status"] == "done"
    assert text["result"] == {"steps": 3}
    assert {"fingerprint", "recipe", "code", "packages", "argv", "started", "finished"} <= set(text)


def test_an_error_is_recorded_and_goes_on_to_the_caller(tmp_path):
    with pytest.raises(ZeroDivisionError), make(tmp_path).opened(lambda: False):
        raise ZeroDivisionError("no good")
    text = json.loads((tmp_path / "record.json").read_text())
    assert text["status"] == "failed"
    assert text["error"] == "ZeroDivisionError: no good"
    with make(tmp_path).opened(lambda: False):
        pass
    assert "error" not in json.loads((tmp_path / "record.json").read_text())


def test_what_another_process_finished_meanwhile_is_not_done_again(tmp_path):
    with make(tmp_path).opened(lambda: False):
        pass
    before = (tmp_path / "record.json").read_bytes()
    with make(tmp_path).opened(make(tmp_path).is_done) as record:
        assert record is None
    assert (tmp_path / "record.json").read_bytes() == before


def test_another_recipe_is_refused_with_the_fields_that_differ(tmp_path):
    with make(tmp_path).opened(lambda: False):
        pass
    with pytest.raises(RecipeDiffers) as caught:
        make(tmp_path, {"method": {"lr": 2.0}, "seed": 0, "new": 1}).is_done()
    message = str(caught.value)
    assert "method.lr: 1.0 -> 2.0" in message
    assert '"absent" -> 1' in message
    assert "seed" not in message
    assert "remove it" in message


def test_two_stages_share_a_record(tmp_path):
    with make(tmp_path, done="generated").opened(lambda: False):
        pass
    judge = make(tmp_path, {"compiler": "gcc 12"}, key="judge")
    with judge.opened(lambda: False) as record:
        record["counts"] = {"passed": 1}
    text = json.loads((tmp_path / "record.json").read_text())
    assert text["status"] == "done"
    assert text["recipe"]["seed"] == 0
    assert text["judge"]["counts"] == {"passed": 1}


def test_the_fingerprint_does_not_depend_on_the_order_of_keys():
    assert runs.fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == runs.fingerprint({"b": {"d": 3, "c": 2}, "a": 1})
    assert runs.fingerprint({"a": 1}) != runs.fingerprint({"a": 2})


def test_a_second_process_is_told_who_works_there(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from codem.run import held\n"
        "with held(Path(sys.argv[1])):\n"
        "    print('in', flush=True); time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    other.stdout.readline()
    try:
        with pytest.raises(Busy, match=f"process {other.pid} on "), runs.held(tmp_path):
            pass
    finally:
        other.kill()
        other.wait()
    with runs.held(tmp_path):
        pass  # the lock of a killed process is free


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(CodemError, match=r"record\.json: expected JSON"):
        runs.read_record(tmp_path / "record.json")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "record.json"
    runs.write_whole(path, "old")
    with pytest.raises(ZeroDivisionError):
        runs.write_whole(path, (str(1 // n) for n in (1, 0)))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
