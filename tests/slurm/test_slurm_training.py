"""What a cluster does to a running training: each time the same model comes out, bit for bit, with the same answers."""

from __future__ import annotations

import signal

import pytest
from places import eventually, lines, small, workers

pytestmark = pytest.mark.slurm


@pytest.fixture
def command(base) -> tuple[str, ...]:
    return small(base, "lang=go", "method.max_steps=40")


@pytest.fixture
def steps(place, base):
    """Wait until a training has made so many; is_alone: while there is no controller that could be asked."""

    def made(least: int, is_alone: bool = False) -> None:
        metrics = place.row(base, "go") / "metrics.jsonl"

        def are_made() -> bool:
            enough = lines(metrics) >= least
            if not enough and not is_alone:
                assert place.cluster.squeue(), place.said()
            return enough

        eventually(are_made, said=place.said)

    return made


def starts(place) -> int:
    """How often a training began."""
    return sum("started" in line for name, ls in place.attempts().items() if "/train" in name for line in ls)


def until_warned(place, job) -> None:
    """Nothing is trained until Slurm says that the time is up, if it has not said so already."""
    for worker in workers(job.number):
        worker.send(signal.SIGSTOP)
        eventually(lambda w=worker: w.is_told(signal.SIGUSR2) or not w.lives(), said=place.said)
        worker.send(signal.SIGCONT)


def test_a_slurm_job_is_cancelled_while_it_trains(place, base, command, steps, undisturbed):
    place.submit(*command)
    job = place.running("train")
    steps(5)
    place.cluster.command("scancel", job.id)
    place.finish()  # what waits for it does not wait for ever
    made = lines(place.row(base, "go") / "metrics.jsonl")
    assert made < 40
    assert not place.results()
    stages = {stage["stage"]: stage["state"] for stage in place.status()[0]["stages"]}
    assert stages["train"] == "cancelled"
    assert stages["generate"] == "cancelled"
    assert place.cluster.restarts(job.id) == 0

    place.submit(*command)
    place.finish()
    assert place.results() == undisturbed(*command).results()
    assert {stage["state"] for stage in place.status()[0]["stages"]} == {"done"}


def test_a_slurm_job_is_requeued_while_it_trains(place, command, steps, undisturbed):
    place.submit(*command)
    job = place.running("train")
    steps(5)
    place.cluster.command("scontrol", "requeue", job.id)
    place.finish()
    assert place.results() == undisturbed(*command).results()
    assert place.cluster.restarts(job.id) == 1
    assert starts(place) == 2


def test_a_slurm_node_is_lost_while_it_trains(place, command, steps, undisturbed):
    place.submit(*command)
    job = place.running("train")
    steps(5)
    place.cluster.node_down(job.node)
    eventually(lambda: not [j for j in place.cluster.squeue("--states=running") if j.id == job.id], said=place.said)
    place.cluster.node_up(job.node)
    place.finish()
    assert place.results() == undisturbed(*command).results()
    assert starts(place) == 2


def test_the_slurm_controller_is_away_while_it_trains(place, command, steps, undisturbed):
    """Jobs go on meanwhile, and the next stage begins when it is back."""
    place.submit(*command)
    place.running("train")
    steps(5)
    place.cluster.controller_down()
    steps(40, is_alone=True)
    assert place.run("codem.status", check=False).stdout.count("go/seed0")
    place.cluster.controller_up()
    place.finish()
    assert place.results() == undisturbed(*command).results()
    assert starts(place) == 1


def test_the_time_limit_of_a_slurm_job_comes_twice(place, command, steps, undisturbed):
    """A minute is the least limit that Slurm knows, and it looks every half a minute: it warns 29 to 59 seconds after a
    job began. So that a short training meets that, it is stopped until the warning waits for it."""
    place.submit(*command, "launcher.train.time=1", "launcher.signal_s=1")
    for attempt in (1, 2):
        job = place.running("train")
        steps(5 * attempt)
        until_warned(place, job)
        eventually(lambda j=job, a=attempt: place.cluster.restarts(j.id) == a, said=place.said)
        eventually(lambda j=job: not workers(j.number), said=place.said)
    place.finish()
    assert place.results() == undisturbed(*command).results()
    assert starts(place) == 3
    stages = {stage["stage"]: stage for stage in place.status()[0]["stages"]}
    assert stages["train"]["requeues"] == 2


def test_the_time_limit_of_a_slurm_job_comes_too_often(place, base, command, steps):
    """It fails, and says so; what waits for it does not wait for ever, and nothing is lost."""
    place.submit(*command, "launcher.train.time=1", "launcher.signal_s=1", "launcher.max_requeues=0")
    job = place.running("train")
    steps(5)
    until_warned(place, job)
    place.finish()
    stages = {stage["stage"]: stage for stage in place.status()[0]["stages"]}
    assert stages["train"]["state"] == "failed"
    assert "max_requeues" in stages["train"]["error"]
    assert stages["generate"]["state"] == "cancelled"
    assert list((place.row(base, "go") / "checkpoint").iterdir())
