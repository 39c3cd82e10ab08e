"""A job runs its stage, says how each attempt ended, and decides what an interruption means."""

import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest
from environment import clean_environment

from codem import config, interruption, provenance, stages
from codem.errors import StageError
from codem.graph import Node
from codem.settings import Shard
from codem.slurm import attempts, requeue
from codem.slurm import job as slurm_job
from codem.slurm import ranks as slurm_ranks
from codem.slurm.job import Now
from codem.slurm.requeue import Limits, decide
from codem.slurm.stage_job import StageJob
from codem.stage import Stage

LIMITS = Limits(signal_s=120, max_requeues=2, stage="train", time="10")


@pytest.fixture
def job(tmp_path):
    (cell,) = config.cells([f"runs={tmp_path / 'runs'}", "launcher=slurm", "lang=go"])
    return StageJob(Node("train", (cell,), ("go",)), "20260101-000000-aaaa", ("lang=go",), {"wall_s": 3.0})


def stage_runs(monkeypatch, run):
    monkeypatch.setitem(stages.KINDS, "train", dataclasses.replace(stages.TRAIN, run=run))


def lines(job):
    return [json.loads(line) for line in attempts.of_node(job.node, job.submission).read_text().splitlines()]


def test_it_travels_by_name_and_loads_no_framework(job):
    program = (
        "import pickle, sys; job = pickle.loads(sys.stdin.buffer.read()); "
        "print(type(job).__module__, job.node.row, [m for m in ('torch', 'numpy', 'submitit') if m in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=pickle.dumps(job), capture_output=True, env=clean_environment(), check=True)
    assert done.stdout.decode() == "codem.slurm.stage_job tiny/sft/go/seed0 []\n"


def test_an_attempt_is_on_record_from_its_beginning(job, monkeypatch):
    seen = []
    stage_runs(monkeypatch, lambda cell: seen.extend(lines(job)))
    job()
    (started,) = seen
    assert started["pid"] == os.getpid()
    assert "end" not in started
    (attempt,) = attempts.read(attempts.of_node(job.node, job.submission))
    assert attempt.end == "done"
    assert attempt.mark == "step 0"
    assert attempt.started <= attempt.ended


def test_a_failure_is_raised_and_on_record(job, monkeypatch):
    def fail(cell):
        raise StageError("the corpus has no Go")

    stage_runs(monkeypatch, fail)
    with pytest.raises(StageError, match="the corpus has no Go"):
        job()
    assert lines(job)[-1]["end"] == "failed"
    assert lines(job)[-1]["why"] == "the corpus has no Go"


def test_a_full_disk_does_not_hide_the_error(job, monkeypatch, capsys):
    path = attempts.of_node(job.node, job.submission)
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")

    def fail(cell):
        raise OSError(28, "No space left on device", str(cell.runs))

    stage_runs(monkeypatch, fail)
    with pytest.raises(OSError, match="No space left on device"):
        job()
    assert "this attempt is not on record" in capsys.readouterr().out


def test_a_signal_outside_of_a_cluster_ends_the_command_as_ever(job, monkeypatch):
    stage_runs(monkeypatch, lambda cell: signal.raise_signal(signal.SIGTERM))
    with interruption.handled():
        with pytest.raises(interruption.Terminated):
            job()
        assert interruption.asked()  # the command, too, was asked
    assert lines(job)[-1]["end"] == "stopped"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_lines_of_many_jobs_do_not_mix_and_a_torn_one_is_left_out(tmp_path):
    path = tmp_path / "deep" / "train.jsonl"
    base = {"submission": "s", "job": "1", "restart": 0}
    start = {"node": "n1", "pid": 7, "started": "t", "mark": "step 0"}
    attempts.append(path, base | start)
    end = {"ended": "t", "end": "requeued", "why": "time limit", "by": "time limit", "mark": "step 4"}
    attempts.append(path, base | end)
    attempts.append(path, base | end | {"end": "failed", "why": "Slurm refuses"})
    attempts.append(path, base | start | {"restart": 1})
    attempts.append(path, {**base, "submission": "another cluster"} | start)
    with open(path, "a") as f:
        f.write('{"submission": "s", "jo')
    found = attempts.read(path)
    assert [(a.submission, a.restart, a.end, a.mark_at_end) for a in found] == [
        ("s", 0, "failed", "step 4"),
        ("s", 1, None, ""),
        ("another cluster", 0, None, ""),
    ]
    assert len(attempts.of_job(found, "s", "1")) == 2
    assert attempts.read(tmp_path / "none") == []


def attempt(by="", before="step 0", after="step 0", end="requeued"):
    return attempts.Attempt("s", "1", 0, "n1", 7, "t", before, "t", end, "", by, after)


def running(left_s):
    return Now("RUNNING", "None", time.time() + left_s)


@pytest.mark.parametrize(
    ("left_s", "name", "by"),
    [
        (130, "SIGUSR2", "time limit"),
        (170, "SIGUSR2", "time limit"),  # Slurm may be a minute early
        (3000, "SIGUSR2", "preemption"),
        (170, "SIGTERM", "preemption"),
        (1, "SIGTERM", "time limit"),
    ],
)
def test_the_end_that_slurm_has_on_record_tells_a_time_limit_from_a_preemption(left_s, name, by):
    decision = decide(running(left_s), name, LIMITS, [attempt(end=None)], "step 5")
    assert (decision.end, decision.by) == ("requeued", by)


def test_a_short_limit_is_no_time_limit_at_once():
    """submitit takes every signal to a job of ten minutes for its time limit."""
    assert decide(running(400), "SIGUSR2", LIMITS, [attempt(end=None)], "step 5").by == "preemption"


@pytest.mark.parametrize("state", ["CANCELLED", "COMPLETING", "PENDING", "UNKNOWN"])
def test_a_job_that_slurm_has_ended_stays_where_it_is(state):
    decision = decide(Now(state, "None", time.time()), "SIGTERM", LIMITS, [attempt(end=None)], "step 5")
    assert decision.end == "stopped"


def test_a_job_that_slurm_ends_for_its_time_goes_on():
    """Where the signal before the limit was lost."""
    decision = decide(Now("COMPLETING", "TimeLimit", time.time()), "SIGTERM", LIMITS, [attempt(end=None)], "step 5")
    assert (decision.end, decision.by) == ("requeued", "time limit")


def test_so_many_requeues_and_no_more():
    past = [attempt(after="step 1"), attempt(before="step 1", after="step 2", end=None)]
    assert decide(running(100), "SIGUSR2", LIMITS, past, "step 2").end == "requeued"
    decision = decide(running(100), "SIGUSR2", LIMITS, [attempt(), *past], "step 2")
    assert decision.end == "failed"
    assert "gone back into the queue 2 times" in decision.why
    assert "launcher.max_requeues=2" in decision.why


def test_two_time_limits_without_anything_new_are_the_end():
    first, second = attempt("time limit"), attempt(end=None)
    decision = decide(running(100), "SIGUSR2", LIMITS, [first, second], "step 0")
    assert decision.end == "failed"
    assert "the time limit of 10 min is below what one checkpoint needs; give launcher.train.time=..." in decision.why
    others = [
        (running(100), [first, second], "step 1"),
        (running(100), [attempt("preemption"), second], "step 0"),
        (running(100), [attempt("time limit", after="step 3"), attempt(before="step 3", end=None)], "step 3"),
        (running(100), [second], "step 0"),
        (running(3000), [first, second], "step 0"),
    ]
    assert {decide(now, "SIGUSR2", LIMITS, past, mark).end for now, past, mark in others} == {"requeued"}


@pytest.mark.parametrize(
    ("stage", "made", "mark"),
    [
        ("train", "checkpoint/checkpoint-12/x", "step 12"),
        ("generate", "eval/mini/python/greedy/repeat/2/samples.jsonl", "3 bytes"),
        ("execute", "eval/mini/python/greedy/shards/1of2/verdicts.jsonl", "3 bytes"),
    ],
)
def test_what_is_new_on_disk_is_noticed(job, stage, made, mark):
    cell = dataclasses.replace(job.node.cell, shard=Shard(1, 2) if stage == "execute" else None)
    node = Node(stage, (cell,), ("go",))
    assert requeue.mark(node) != mark
    path = cell.runs / "tiny" / "sft" / "go" / "seed0" / made
    path.parent.mkdir(parents=True)
    path.write_text("abc")
    assert requeue.mark(node) == mark


def test_records_say_which_job_made_them_and_what_it_took(tmp_path):
    stage = Stage(tmp_path, tmp_path / "record.json", {"a": 1}, "remove it")
    launch = {"submission": "s", "job": "1_0", "node": "n1", "estimate": {"wall_s": 3.0}}
    with (
        provenance.by_job(launch, ("lang=go", "launcher=slurm")),
        pytest.raises(StageError),
        stage.opened(stage.is_done),
    ):
        time.sleep(0.2)
        raise StageError("stopped")
    first = json.loads(stage.record.read_text())
    assert first["launch"] == launch
    assert first["argv"] == ["lang=go", "launcher=slurm"]
    assert first["spent_s"] >= 0.2
    with stage.opened(stage.is_done):
        time.sleep(0.2)
    second = json.loads(stage.record.read_text())
    assert second["spent_s"] >= first["spent_s"] + 0.2
    assert "launch" not in second


def test_neighbouring_jobs_have_no_port_in_common():
    jobs = range(1_000_000, 1_002_000)
    taken = [port for job in jobs for port in slurm_ranks.ports(job)[:1]]
    assert len(set(taken)) == len(jobs)
    assert all(1024 < port < 32_768 for job in jobs for port in slurm_ranks.ports(job))


@pytest.mark.parametrize(
    ("local_rank", "processes", "visible", "device"),
    [(1, 2, "0,1", 1), (1, 2, "3", 0), (3, 4, "4,5,6,7", 3), (1, 2, None, 1), (0, 1, "0,1", 0), (1, 2, "GPU-1a", 0)],
)
def test_each_process_takes_a_gpu_that_it_sees(local_rank, processes, visible, device):
    assert slurm_ranks.device_of(local_rank, processes, visible) == device


def test_processes_that_would_share_gpus_are_refused():
    with pytest.raises(StageError, match="4 training processes on this node share 2 GPUs"):
        slurm_ranks.device_of(3, 4, "0,1")


def test_answers_are_not_asked_of_a_model_that_is_not_there(job):
    """Slurm lets a job run whose dependency was cancelled before it began, and was forgotten."""
    generation = dataclasses.replace(job, node=Node("generate", job.node.cells, ("python",)))
    with pytest.raises(StageError, match="tiny/sft/go/seed0: its training is not finished"):
        generation()
    assert lines(generation)[-1]["end"] == "failed"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (
            ["kill -TERM $$", "kill -TERM $$", "echo 'COMPLETING|TimeLimit|1795290581'"],
            Now("COMPLETING", "TimeLimit", 1795290581),
        ),
        (["echo 'RUNNING|None|N/A'"], Now("RUNNING", "None", None)),
        (["echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"], None),
        (["echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1"], Now("UNKNOWN", "", None)),
        ([""], Now("UNKNOWN", "", None)),
    ],
    ids=["killed with the job", "running", "no controller", "forgotten", "no such job"],
)
def test_what_slurm_says_of_a_job(answers, found, tmp_path, monkeypatch):
    """A cancelled job must never be taken for one that runs because the question was killed along with it."""
    for number, answer in enumerate(answers):
        (tmp_path / f"{number}.sh").write_text(answer)
    count = f"n=$(cat {tmp_path}/asked 2>/dev/null || echo 0); echo $((n+1)) > {tmp_path}/asked"
    (tmp_path / "squeue").write_text(f"#!/bin/bash\n{count}\n. {tmp_path}/$n.sh\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    said = slurm_job.now("1_0")
    assert (
        said and dataclasses.replace(said, reason=found.reason if said.state == "UNKNOWN" else said.reason)
    ) == found
