"""A job's process is killed while it writes answers, or judges them: the same command goes on with what is missing."""

from __future__ import annotations

import pytest
from places import eventually, lines, small, workers

pytestmark = pytest.mark.slurm


@pytest.fixture
def command(base) -> tuple[str, ...]:
    """Many answers, in small batches, judged one at a time."""
    answers = ("bench.n=52", "decode=sample", "decode.samples=4", "engine.batch_tokens=4096")
    return small(base, "lang=go", "method.max_steps=2", *answers, "workers=1", "cache=false")


def test_a_slurm_job_is_killed_while_it_generates_and_while_it_judges(trained, base, command, undisturbed):
    place = trained(*command)
    evaluation = place.row(base, "go") / "eval" / "mini" / "python" / "sample"
    for stage, file, later in (
        ("generate", evaluation / "samples.jsonl", ["execute"]),
        ("execute", evaluation / "verdicts.jsonl", []),
    ):
        place.submit(*command)
        job = place.running(stage)
        eventually(lambda f=file: lines(f) >= 1, said=place.said)
        (worker,) = workers(job.number)
        worker.kill()
        place.finish()
        assert 0 < lines(file) < 208
        stages = {s["stage"]: s for s in place.status()[0]["stages"]}
        assert stages[stage]["state"] == "failed"
        assert all(stages[s]["state"] == "cancelled" for s in later)
    place.submit(*command)
    place.finish()
    assert place.results() == undisturbed(*command).results()
