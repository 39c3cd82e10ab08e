"""Judging into a folder: resume, parts, order, the cache, our own failures. In Python, because it starts fastest."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest
from dialects import body, problem
from judge_help import facts

from codem import judging
from codem.errors import RecipeDiffers, StageError
from codem.judging import Job
from codem.records import Outcome, Sample, read_verdicts
from codem.run import Judged
from codem.sandbox import HarnessError, Result, Session
from codem.settings import Shard
from codem.verdict_cache import VerdictCache

ONE = problem("python")
RIGHT, WRONG, ENDLESS = body("python", ""), body("python", "", "n + 2"), body("python", "while True: pass")
LEAVING = body("python", "import os; os._exit(0)")
TEXTS = [RIGHT, WRONG, ENDLESS, "return (", LEAVING, *[f"    return {i} * n\n" for i in range(9)]]


@pytest.fixture
def job(tmp_path, sandbox) -> Job:
    samples = [Sample(ONE.id, i, text, "eos") for i, text in enumerate(TEXTS)]
    return Job(
        place=Judged(tmp_path / "out"),
        variant="",
        recipe={"judge": "test"},
        ways_out="none",
        problems={ONE.id: ONE},
        answers=lambda: iter(samples),
        facts=facts("python", run_cpu_s=1),
        sandbox=sandbox,
        workers=2,
        cache=VerdictCache(None),
        reference_cpu_s={},
        shard=None,
    )


def outcomes(job: Job) -> list[tuple[int, str]]:
    return [(v.sample, str(v.outcome)) for v in read_verdicts(job.verdicts)]


EXPECTED = [
    (i, name)
    for i, name in enumerate(
        ["passed", "wrong", "timeout", "compile_error", "runtime_error", "wrong", "wrong", "passed", *["wrong"] * 6]
    )
]


def test_one_verdict_each_in_the_order_of_the_answers(job):
    counts = judging.run(job, lambda n: None)
    assert outcomes(job) == EXPECTED
    assert counts == {"compile_error": 1, "passed": 2, "runtime_error": 1, "timeout": 1, "wrong": 9}
    before = job.verdicts.read_bytes()
    assert judging.run(job, lambda n: pytest.fail("judged again")) == counts
    assert job.verdicts.read_bytes() == before


def test_what_is_there_is_not_judged_again_and_a_torn_line_is(job):
    judging.run(job, lambda n: None)
    lines = job.verdicts.read_bytes().splitlines(keepends=True)
    record = json.loads(job.place.record.read_text())
    del record["judge"]["finished"]
    job.place.record.write_text(json.dumps(record))
    first = json.loads(lines[0])
    lines[0] = (json.dumps({**first, "output_tail": "kept"}) + "\n").encode()
    job.verdicts.write_bytes(b"".join(lines[:6]) + lines[6][:20])
    shown = []
    judging.run(job, shown.append)
    assert shown[0] == 6 and shown[-1] == len(TEXTS)
    assert outcomes(job) == EXPECTED
    assert next(read_verdicts(job.verdicts)).output_tail == "kept"


@pytest.mark.parametrize("count", [1, 3, 40])
def test_parts_in_any_order_make_the_same_file(job, count):
    parts = [dataclasses.replace(job, shard=Shard(n, count)) for n in range(count, 0, -1)]
    found = [judging.run(part, lambda n: None) for part in parts]
    assert found[:-1] == [None] * (count - 1)
    assert found[-1] == {"compile_error": 1, "passed": 2, "runtime_error": 1, "timeout": 1, "wrong": 9}
    assert outcomes(job) == EXPECTED
    assert not any((job.place.folder / "shards").iterdir())
    assert judging.run(parts[0], lambda n: pytest.fail("judged again")) == found[-1]


def test_parts_share_nothing_and_miss_nothing():
    samples = [Sample(f"p/{i}", s, "", "eos") for i in range(50) for s in range(3)]
    for count in (1, 2, 7):
        shares = [[s for s in samples if judging._is_in(s, Shard(n, count))] for n in range(1, count + 1)]
        assert sorted(itertools.chain(*shares), key=repr) == sorted(samples, key=repr)
        assert min(map(len, shares)) > 0.5 * len(samples) / count


def test_another_recipe_is_refused(job):
    judging.run(job, lambda n: None)
    with pytest.raises(RecipeDiffers, match="judge"):
        judging.run(dataclasses.replace(job, recipe={"judge": "other"}), lambda n: None)


def test_the_cache_answers_and_keeps_only_what_would_happen_again(job, tmp_path, monkeypatch):
    cached = dataclasses.replace(job, cache=VerdictCache(tmp_path / "cache", "f"))
    judging.run(cached, lambda n: None)
    ran = []
    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, command, **more: ran.append(1) or run(self, command, **more))
    again = dataclasses.replace(
        job,
        place=Judged(tmp_path / "b"),
        cache=VerdictCache(tmp_path / "cache", "f"),
    )
    judging.run(again, lambda n: None)
    assert outcomes(again) == EXPECTED
    assert len(ran) == 2, "the endless loop, and the program that goes along to prove that judging works"


def test_an_answer_that_cannot_be_judged_is_an_error_and_the_rest_is_kept(job, monkeypatch):
    run = Session.run

    def failing(self, command, *, folder, **more):
        if any("n + 2" in path.read_text() for path in folder.glob("*.py")):
            return Result(False, None, None, "", False, False, "", "no sandbox just now", 0.0)
        return run(self, command, folder=folder, **more)

    monkeypatch.setattr(Session, "run", failing)
    with pytest.raises(StageError, match="1 of 14 answers could not be judged, small/python/0"):
        judging.run(job, lambda n: None)
    assert dict(outcomes(job))[1] == Outcome.HARNESS_ERROR
    assert "counts" not in json.loads(job.place.record.read_text())["judge"]
    monkeypatch.setattr(Session, "run", run)
    judging.run(job, lambda n: None)
    assert outcomes(job) == EXPECTED


def test_a_toolchain_that_disappears_halfway_is_no_verdict(job, monkeypatch):
    calls = []
    run = Session.run

    def vanishing(self, command, **more):
        calls.append(1)
        return run(self, ["/nowhere/python", *command[1:]] if len(calls) > 6 else command, **{**more, "fork": False})

    monkeypatch.setattr(Session, "run", vanishing)
    with pytest.raises(HarnessError, match="known to be right"):
        judging.run(dataclasses.replace(job, workers=1), lambda n: None)
    assert not job.verdicts.exists() or set(outcomes(job)) <= set(EXPECTED)


def test_limits_follow_the_reference(job):
    from codem.judge import _cpu_s

    assert _cpu_s(ONE, job.facts, {}) == 1
    assert _cpu_s(ONE, job.facts, {ONE.id: 0.09}) == 1
    assert _cpu_s(ONE, job.facts, {ONE.id: 0.11}) == _cpu_s(ONE, job.facts, {ONE.id: 0.19}) == 2
    assert _cpu_s(ONE, job.facts, {ONE.id: 0.5}) == 8
