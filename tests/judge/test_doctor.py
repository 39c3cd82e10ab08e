"""The doctor: what it says of a sound machine, and that nothing is judged on one that is not."""

from __future__ import annotations

import dataclasses
import json

import pytest
from judge_help import facts

from codem import answers, doctor
from codem.benchmarks import mini
from codem.languages import python
from codem.runtime import Canary, Toolchain

PROBLEMS = mini.problems("python", mini.Config(n=6))


def test_a_sound_machine(capsys, tmp_path, sandbox):
    assert doctor.main(["bench=mini", "lang=python", f"cache_dir={tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert sandbox.name in said and "Python 3" in said and "52 references" in said and "programs/s" in said
    assert doctor.main(["bench=mini", "lang=python", f"cache_dir={tmp_path}", "bench.n=2"]) == 0
    assert " 2 references" in capsys.readouterr().out


def test_it_is_proved_once_and_again_when_something_changes(tmp_path, sandbox, monkeypatch):
    def certified(problems=PROBLEMS, **limits):
        return doctor.certify("mini", problems, facts("python", **limits), sandbox, 2, tmp_path)

    first = certified()
    assert first.ok and first.references == 6 and set(first.cpu_s) == {p.id for p in PROBLEMS}
    assert all(0 < s < 1 for s in first.cpu_s.values())
    monkeypatch.setattr(doctor, "_examine", lambda *a: pytest.fail("proved again"))
    assert certified() == first
    for changed in ({"run_cpu_s": 4}, {"problems": PROBLEMS[:3]}):
        with pytest.raises(pytest.fail.Exception):
            certified(**changed)
    (path,) = (tmp_path / "doctor").iterdir()
    path.write_text('{"faults": [')
    with pytest.raises(pytest.fail.Exception):
        certified()


@pytest.mark.parametrize(
    ("field", "code", "fault"),
    [
        ("right", python.CANARY.wrong, "expected the right answer to be told passed, found wrong"),
        ("wrong", python.CANARY.right, "expected the wrong answer to be told wrong, found passed"),
        ("leaving", python.CANARY.right, "expected the leaving answer"),
        ("endless", python.CANARY.wrong, "expected the endless answer to be told timeout"),
    ],
)
def test_a_machine_that_gets_a_known_answer_wrong_judges_nothing(
    tmp_path, sandbox, monkeypatch, capsys, field, code, fault
):
    broken: Canary = dataclasses.replace(python.CANARY, **{field: code})
    monkeypatch.setattr(python, "CANARY", broken)
    assert doctor.main(["bench=mini", "lang=python", f"cache_dir={tmp_path}"]) == 1
    said = capsys.readouterr().out
    assert fault in said and "0 of 1 languages can be judged here" in said
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"problem": "mini/python/0", "sample": 0, "text": "x"}) + "\n")
    settings = [f"samples={path}", f"out={tmp_path / 'out'}", "lang=python", "bench=mini", f"cache_dir={tmp_path}"]
    assert answers.main(settings) == 1
    assert fault in capsys.readouterr().err
    assert not (tmp_path / "out" / "verdicts.jsonl").exists()


def test_a_reference_that_fails_is_a_fault(tmp_path, sandbox):
    bad = dataclasses.replace(PROBLEMS[2], reference="    return None\n")
    made = doctor.certify("mini", [*PROBLEMS[:2], bad], facts("python"), sandbox, 2, tmp_path)
    assert not made.ok and f"the reference of {bad.id} does not pass: wrong" in made.faults[0]
    assert not (tmp_path / "doctor").exists(), "only a sound machine is remembered"


def test_a_missing_toolchain_says_how_to_get_it(tmp_path, sandbox, monkeypatch, capsys):
    lost = Toolchain(False, {}, "apt-get install python3", "ask your cluster", missing=("python",))
    monkeypatch.setattr(python, "toolchain", lambda: lost)
    assert doctor.main(["bench=mini", "lang=python", f"cache_dir={tmp_path}"]) == 1
    assert "with root: apt-get install python3; without root: ask your cluster" in capsys.readouterr().out


def test_an_unknown_language(capsys):
    assert doctor.main(["bench=mini", "lang=cobol"]) == 2
    assert "no problems in cobol" in capsys.readouterr().err
