"""Commands whose jobs run to the end: given twice at once, killed with their shell, and cut short by a limit of the
cluster. Nothing runs twice, and the results are those of this machine alone."""

from __future__ import annotations

from collections import Counter

import pytest
from places import ON_SLURM, Place, eventually, small
from processes import in_session

pytestmark = pytest.mark.slurm
AN_HOUR = 2
"""Submissions that a cluster takes in that time: fewer than a sweep has."""


@pytest.fixture
def command(base) -> tuple[str, ...]:
    return small(base, "-m", "lang=python,go", "method.max_steps=2")


def assert_once(place: Place) -> None:
    """Each piece of work was taken by Slurm once, and began once."""
    taken = Counter((e.stage, e.row, e.shard) for e in place.entries() if e.job and e.stage != "summary")
    assert taken and set(taken.values()) == {1}, taken
    began = {name: sum("started" in line for line in lines) for name, lines in place.attempts().items()}
    assert began and set(began.values()) == {1}, began


def test_two_equal_slurm_commands_at_once(place, command, undisturbed):
    both = [place.start(*command, *ON_SLURM) for _ in range(2)]
    said = [one.communicate()[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    place.finish()
    assert_once(place)
    assert place.results() == undisturbed(*command).results()
    before = place.ledger()
    assert "Nothing to submit" in place.submit(*command)
    assert place.ledger() == before


def test_the_shell_that_submitted_to_slurm_is_killed(place, command, undisturbed):
    """With all of its session, as when a connection is lost, once the command has returned."""
    words = place.command(*command, *ON_SLURM)
    shell = place.start_words(["sh", "-c", '"$@"; echo exit $?; sleep 600', "sh", *words], start_new_session=True)
    eventually(lambda: shell.stdout.readline() == "exit 0\n")
    for process in in_session(shell.pid):
        process.kill()
    shell.wait()
    eventually(lambda: not in_session(shell.pid))
    place.finish()
    assert_once(place)
    assert place.results() == undisturbed(*command).results()


def test_slurm_takes_only_part_of_a_sweep(make_cluster, tmp_path, command, undisturbed):
    """What was taken is known and done; the same command submits the rest."""
    limit = {
        "JobSubmitPlugins": "throttle",
        "SchedulerParameters": f"sched_interval=1,jobs_per_user_per_hour={AN_HOUR}",
    }
    cluster = make_cluster(settings=limit)
    place = Place(tmp_path, cluster)
    done = place.run(*command, *ON_SLURM, check=False)
    assert done.returncode == 1, done
    assert "job submit limit" in done.stderr
    assert {e.stage for e in place.entries() if e.job} & {"prepare", "train"}
    place.finish()
    assert not list(place.runs.rglob("verdicts.jsonl"))
    cluster.reconfigure(JobSubmitPlugins="")
    place.submit(*command)
    place.finish()
    assert_once(place)
    assert place.results() == undisturbed(*command).results()


def test_no_slurm_on_this_machine(tmp_path, base):
    """Said in one line, before anything is done."""
    place = Place(tmp_path)
    done = place.run(*small(base, "lang=go"), *ON_SLURM, check=False, PATH=str(tmp_path))
    assert done.returncode == 2
    assert "Slurm" in done.stderr
    assert "Traceback" not in done.stderr
    assert not place.ledger()
