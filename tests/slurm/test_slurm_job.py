"""What a job on Slurm does when it is interrupted, when it fails, and what is on record then."""

import os
import signal

import pytest
from jobs import Hungry, loop, send

pytestmark = pytest.mark.slurm


def test_an_interrupted_job_goes_back_into_the_queue_and_on(cluster, tmp_path):
    """As a task of an array, and whoever interrupts it. No attempt leaves a word of an error behind."""
    (job, other) = send(cluster, tmp_path / "logs", [loop(tmp_path / "a"), loop(tmp_path / "b")])
    job.begun(1)
    job.signal("USR2")
    job.begun(2)
    job.signal("TERM")
    job.begun(3)
    cluster.command("scontrol", "requeue", job.id)
    job.begun(4)
    assert not job.errors()
    job.end()
    job.until("COMPLETED")
    assert job.ends == [("requeued", "preemption"), ("requeued", "preemption"), ("stopped", "SIGTERM"), ("done", "")]
    assert [line["restart"] for line in job.attempts if "started" in line] == [0, 1, 2, 3]
    assert (job.job.work / "samples.jsonl").read_text().count("x") >= 4  # each attempt kept those before it
    cluster.command("scancel", other.id)
    other.until("CANCELLED")
    assert other.ends in ([("stopped", "SIGTERM")], [])  # it may not even have begun
    assert not other.errors()


def test_the_time_limit_as_slurm_enforces_it(cluster, tmp_path):
    """Two minutes: less than what submitit can tell from a preemption."""
    wanted = {"time": 2, "signal_delay_s": 50}
    (job,) = send(cluster, tmp_path / "logs", [loop(tmp_path)], **wanted)
    job.begun(2)
    job.end()
    job.until("COMPLETED")
    assert job.ends == [("requeued", "time limit"), ("done", "")]


def test_a_signal_that_was_lost_is_made_up_for_at_the_limit(make_cluster, tmp_path):
    """In the time that Slurm leaves between SIGTERM and SIGKILL: by default half a minute, here more, because all nodes
    are one busy machine."""
    cluster = make_cluster(settings={"KillWait": "120"})
    wanted = {"time": 1, "additional_parameters": {"signal": "CONT@1"}}
    (job,) = send(cluster, tmp_path / "logs", [loop(tmp_path)], **wanted)
    job.begun(2)
    job.end()
    job.until("COMPLETED")
    assert job.ends == [("requeued", "time limit"), ("done", "")]


def test_jobs_that_fail_are_failed_for_slurm_and_say_why(cluster, tmp_path):
    wanted = [
        loop(tmp_path / "bad"),
        loop(tmp_path / "often", max_requeues=1),
        loop(tmp_path / "idle", is_deaf=True),
        loop(tmp_path / "killed"),
    ]
    bad, often, idle, killed = send(cluster, tmp_path / "logs", wanted)
    (hungry,) = send(cluster, tmp_path / "logs", [loop(tmp_path / "hungry", Hungry)], mem="300MB")
    bad.end("no such corpus")
    for times in (1, 2):
        for job in (often, idle):
            job.begun(times)
            if job is idle:
                job.limit(minutes=2)
            job.signal("USR2")
    killed.begun(1)
    (pid,) = (line["pid"] for line in killed.attempts)
    os.kill(pid, signal.SIGKILL)
    for job in (bad, often, idle, killed, hungry):
        job.until("FAILED")
    assert bad.attempts[-1]["why"] == "no such corpus"
    assert often.ends == [("requeued", "preemption"), ("failed", "preemption")]
    assert "launcher.max_requeues=1" in often.attempts[-1]["why"]
    assert idle.ends == [("requeued", "time limit"), ("failed", "time limit")]
    assert "the time limit of 2 min is below what one batch of answers needs" in idle.attempts[-1]["why"]
    for job in (bad, often, idle):
        assert job.attempts[-1]["why"] in job.log()
    assert killed.ends == hungry.ends == []
    assert "Killed" in killed.log()
    assert "exceeded memory limit" in hungry.log()
