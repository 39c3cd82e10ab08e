"""The comparison with the usual way of judging: both sides judge, agree on the references, and can say no."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import naive
from benchmarks.processor_time import ProcessorTime
from codem.records import Problem

REPO = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "python": (
        "def twice(n):\n",
        "    return 2 * n\n",
        "def check(f):\n    assert f(4) == 8\ncheck(twice)\n",
        "2",
        "3",
    ),
    "javascript": ("const twice = (n) => {\n", "  return 2 * n\n}\n", "console.assert(twice(4) === 8)\n", "2", "3"),
    "c": (
        "#include <assert.h>\nint twice(int n) {\n",
        "  return 2 * n;\n}\n",
        "int main() { assert(twice(4) == 8); return 0; }\n",
        "2",
        "3",
    ),
}


def run(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.judge", *arguments], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_both_sides_of_the_smallest_comparison(sandbox_works, data_dir, tmp_path):
    out = tmp_path / "figures.json"
    said = run(
        "--data-dir", str(data_dir), "--lang", "python", "--first", "4", "--naive-sample", "2", "--out", str(out)
    )
    assert json.loads(out.read_text()) == said
    python = said["languages"]["python"]
    assert python["disagree"] == {} and python["ours"]["outcomes"] == {"passed": 4}
    assert python["ours"]["programs"] == python["naive"]["programs"] == 4
    assert python["naive"]["sample"] == 2 and "sample of 2" in python["naive"]["how"]
    assert python["ours"]["peak_mb"] > 10 and python["naive"]["not_passed"] == []
    assert said["all 1"]["ratio"] == pytest.approx(python["ratio"], abs=0.11)  # each of rounded times
    assert python["ratio"] > 0
    assert "CodeGeeX's five" not in said


def test_a_stream_keeps_its_programs_known(sandbox_works, data_dir):
    said = run("--data-dir", str(data_dir), "--lang", "python", "--stream", "400")
    assert (said["answers"], said["programs"]) == (400, 20)
    assert len(said["resident_mb"]) > 2 and said["answers_per_s"] > 0


@pytest.mark.parametrize("lang", PROGRAMS)
def test_the_usual_way_passes_the_right_and_refuses_the_wrong(lang, tmp_path):
    signature, right, tests, old, new = PROGRAMS[lang]
    one = Problem(f"x/{lang}/0", "x/0", lang, "", signature, "twice", "", tests, right, style="program")
    problems = [one, dataclasses.replace(one, id="wrong", reference=right.replace(old, new))]
    problems.append(dataclasses.replace(one, id="broken", reference=right.replace("n", "(")))
    try:
        passed, seconds = naive.Way(lang, tmp_path).judge(problems, 2)
    except FileNotFoundError as error:
        pytest.skip(f"{error.filename} is not installed")
    assert passed == {one.id: True, "wrong": False, "broken": False}
    assert seconds > 0


def test_processor_time_counts_what_was_started():
    with ProcessorTime() as spent:
        subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    if spent.seconds is None:
        pytest.skip("no control group may be written here")
    assert 0.3 <= spent.seconds < 3


@pytest.fixture
def sandbox_works() -> None:
    from codem.sandbox import available

    works, why = available()
    if not works:
        pytest.skip(why)
