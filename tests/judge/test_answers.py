"""Anyone's answers from a file: both forms of rows, the score, and files that cannot be judged as they are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from codem import answers
from codem.answer_file import BadAnswers, check, read
from codem.benchmarks import mini
from codem.records import read_verdicts

PROBLEMS = mini.problems("python", mini.Config(n=5))
BY_ID = {p.id: p for p in PROBLEMS}


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def execute(path, out, cache_dir, *more: str, lang: str = "python") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "codem.execute", f"samples={path}", f"out={out}", f"lang={lang}", "bench=mini"]
    settings = ["bench.n=5", f"cache_dir={cache_dir}", "workers=2", *more]
    return subprocess.run([*command, *settings], capture_output=True, text=True, check=False)


def rows(path, *made: dict | str):
    path.write_text("".join((json.dumps(row) if isinstance(row, dict) else row) + "\n" for row in made))
    return path


def own(n: int, text: str, sample: int = 0) -> dict:
    return {"problem": f"mini/python/{n}", "sample": sample, "text": text}


def test_a_file_is_judged_scored_and_judged_only_once(tmp_path, cache_dir, sandbox):
    given = [own(p, PROBLEMS[p].reference if p < 3 else "    return None\n") for p in range(4)]
    given.append(own(0, "    return (\n", sample=1))
    path, out = rows(tmp_path / "a.jsonl", *given), tmp_path / "out"
    done = execute(path, out, cache_dir)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    # three of four problems, one of them by one of two samples
    assert "pass@1 62.5 %" in last and "95 % interval" in last and "1 problems without an answer" in last
    assert [(v.problem, v.sample, str(v.outcome)) for v in read_verdicts(out / "verdicts.jsonl")] == [
        *((f"mini/python/{n}", 0, "passed") for n in range(3)),
        ("mini/python/3", 0, "wrong"),
        ("mini/python/0", 1, "compile_error"),
    ]
    record = json.loads((out / "record.json").read_text())
    assert record["judge"]["score"]["value"] == 0.625 and record["judge"]["recipe"]["compiler"].startswith("Python 3")
    before = (out / "verdicts.jsonl").stat()
    assert execute(path, out, cache_dir).stdout.splitlines()[-1] == last
    assert (out / "verdicts.jsonl").stat().st_mtime_ns == before.st_mtime_ns
    rows(path, *given, own(4, "    pass\n"))
    refused = execute(path, out, cache_dir)
    assert refused.returncode == 1 and "samples_sha256" in refused.stderr and "another out=" in refused.stderr


def test_several_answers_to_every_problem_have_a_pass_at_k_too(tmp_path, cache_dir, sandbox):
    """One right answer of five to the first problem, five to the second."""
    given = [own(0, PROBLEMS[0].reference if n == 0 else "    return None\n", n) for n in range(5)]
    given += [own(1, PROBLEMS[1].reference, n) for n in range(5)]
    done = execute(rows(tmp_path / "a.jsonl", *given), tmp_path / "out", cache_dir)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert "pass@1 60.0 %" in last and "pass@5 100.0 %" in last and "pass@10" not in last
    score = json.loads((tmp_path / "out" / "record.json").read_text())["judge"]["score"]
    assert (score["value"], score["pass@5"]) == (0.6, 1.0)


def test_a_type_error_counts_unless_one_says_so_and_both_scores_are_kept(tmp_path, cache_dir, sandbox):
    problems = mini.problems("typescript", mini.Config(n=5))
    text = "  const odd: string = 1 as number;\n" + problems[0].reference
    row = {"problem": problems[0].id, "sample": 0, "text": text}
    path, out = rows(tmp_path / "a.jsonl", row), tmp_path / "out"
    checked = execute(path, out, cache_dir, lang="typescript")
    assert "1 compile_error" in checked.stdout, checked.stderr
    unchecked = execute(path, out, cache_dir, "check=false", lang="typescript")
    assert "1 passed" in unchecked.stdout, unchecked.stderr
    outcomes = [str(v.outcome) for name in ("", ".unchecked") for v in read_verdicts(out / f"verdicts{name}.jsonl")]
    assert outcomes == ["compile_error", "passed"]
    assert json.loads((out / "record.json").read_text())["judge.unchecked"]["recipe"]["check"] is False


def test_parts_are_joined_by_the_last(tmp_path, cache_dir, sandbox):
    path, out = rows(tmp_path / "a.jsonl", *(own(n, p.reference) for n, p in enumerate(PROBLEMS))), tmp_path / "out"
    first = execute(path, out, cache_dir, "shard=2/2")
    assert first.returncode == 0 and "the last part to finish joins them" in first.stdout, first.stderr
    assert not (out / "verdicts.jsonl").exists()
    assert "pass@1 100.0 %" in execute(path, out, cache_dir, "shard=1/2").stdout
    assert "shard: expected number/count" in execute(path, out, cache_dir, "shard=3/2").stderr


def test_humaneval_xs_own_rows(tmp_path):
    made = [{"task_id": "Python/3", "generation": text} for text in "ab"] + [{"task_id": "python/1", "generation": "c"}]
    path = rows(tmp_path / "a.jsonl", *made)
    assert check(path, BY_ID) == 3
    assert [(s.problem, s.sample, s.text) for s in read(path, BY_ID)] == [
        ("mini/python/3", 0, "a"),
        ("mini/python/3", 1, "b"),
        ("mini/python/1", 0, "c"),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([own(99, "x")], "line 1: there is no problem mini/python/99; they are called mini/python/0"),
        ([{"task_id": "Go/1", "generation": "x"}], "there is no problem Go/1"),
        ([own(0, "x"), own(0, "y")], "line 2: mini/python/0 sample 0 was on line 1 already"),
        ([{"problem": "mini/python/0"}], "expected problem, sample and text"),
        ([own(0, None)], "expected text as a string"),
        ([{**own(0, "x"), "sample": -1}], "sample as a whole number"),
        (["[1]"], "expected problem, sample and text"),
        ([own(0, "x"), '{"problem": "mini/py'], "line 2: expected one JSON object in UTF-8"),
        ([], "expected one answer per line, found none"),
    ],
)
def test_a_file_that_cannot_be_judged_says_why(tmp_path, lines, message):
    with pytest.raises(BadAnswers, match=message):
        check(rows(tmp_path / "a.jsonl", *lines), BY_ID)


def test_all_faults_are_told_and_a_cut_off_end_is_named(tmp_path):
    path = rows(tmp_path / "a.jsonl", own(0, "x"), *(own(n, "x") for n in range(90, 99)))
    path.write_bytes(path.read_bytes() + b'{"problem": "mini/python/1", "text": "\xff')
    with pytest.raises(BadAnswers) as e:
        check(path, BY_ID)
    assert "line 2:" in str(e.value) and "and 5 more" in str(e.value)
    path.write_bytes(json.dumps(own(0, "x")).encode() + b'\n{"problem": "mini/python/1", "te')
    with pytest.raises(BadAnswers, match="cut off"):
        check(path, BY_ID)
    path.write_bytes(json.dumps(own(0, "x")).encode())
    assert check(path, BY_ID) == 1, "a last line without a newline is a line"


def test_strange_texts_get_true_verdicts(tmp_path, cache_dir, sandbox):
    right = PROBLEMS[1].reference
    strange = ["", "\x00", "\ud800", right + "\x00", "x" * 5_000_000, right + "\n# é \U0001f600\n"]
    out = tmp_path / "out"
    path = rows(tmp_path / "a.jsonl", *(own(1, text, n) for n, text in enumerate(strange)))
    done = execute(path, out, cache_dir)
    assert done.returncode == 0, done.stderr
    outcomes = [str(v.outcome) for v in read_verdicts(out / "verdicts.jsonl")]
    assert outcomes[-1] == "passed" and "passed" not in outcomes[:3] + outcomes[4:5]
    assert "harness_error" not in outcomes


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (["out=x"], 2, "samples: missing"),
        (["samples=x"], 2, "out: missing"),
        (["samples=x", "out=y"], 2, "lang: expected the one language"),
        (["samples=x", "out=y", "lang=cobol"], 2, "no language named cobol"),
        (["samples=x", "out=y", "lang=python", "bench=nope"], 2, "bench: no choice named nope"),
        (["samples=x", "out=y", "lang=python", "data_dir=/nowhere"], 2, "data_dir: expected a folder"),
        (["samples=/nowhere/x", "out=y", "lang=python", "bench.n=1"], 1, "samples: no file /nowhere/x"),
    ],
)
def test_a_wrong_command_line(settings, code, message, capsys):
    assert answers.main(settings) == code
    assert message in capsys.readouterr().err


def test_from_python(sandbox):
    problems = answers.load_problems("mini", "python")
    made = [{"problem": p.id, "sample": 0, "text": p.reference} for p in problems[:3]]
    verdicts = list(answers.judge(problems, made, workers=2))
    assert answers.pass_at_1(verdicts).value == 1.0 and len(verdicts) == 3
    own_form = [{"task_id": "Python/1", "generation": text} for text in (problems[1].reference, "    return None\n")]
    outcomes = {v.sample: str(v.outcome) for v in answers.judge(problems, own_form)}
    assert outcomes == {0: "passed", 1: "wrong"}, "repeated rows are samples, as in a file"
    with pytest.raises(BadAnswers, match="answer 1: there is no problem"):
        list(answers.judge(problems, [{"problem": "nope", "sample": 0, "text": ""}]))
