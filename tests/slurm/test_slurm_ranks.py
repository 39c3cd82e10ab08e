"""A training in two tasks on two nodes: the same bits as two processes of one machine, and nobody else's."""

import subprocess
import sys
from pathlib import Path

import pytest
from environment import clean_environment
from jobs import cell, send
from places import eventually, jsonl

from codem.graph import Node
from codem.run import Run
from codem.slurm.stage_job import StageJob

pytestmark = pytest.mark.slurm
TWO_NODES = {"nodes": 2, "ntasks_per_node": 1, "cpus_per_task": 1}


def settings(base: Path, steps: int) -> list[str]:
    return [
        f"base={base}",
        "lang=go",
        "eval_lang=[python]",
        "corpus.size=40",
        "method.max_tokens=192",
        "method.gpus=2",
        "method.precision=fp32",
        "method.gradient_checkpointing=false",
        "method.checkpoint_steps=1000",
        f"method.max_steps={steps}",
    ]


def training(folder: Path, base: Path, steps: int, *more: str) -> StageJob:
    one = cell(folder, *settings(base, steps), "launcher.train.gpus=0", *more)
    return StageJob(Node("train", (one,), ("go",)), "test", ("lang=go",), {}, 3)


def run_of(folder: Path, base: Path, seed: int = 0) -> Run:
    return Run(folder / "runs", base.name, "sft", "go", seed)


def model(run: Run) -> bytes:
    return (run.model / "model.safetensors").read_bytes()


def test_two_jobs_at_once_on_the_same_two_nodes(make_cluster, base, tmp_path):
    cluster = make_cluster(nodes=2)
    jobs = [training(tmp_path, base, 6), training(tmp_path, base, 6, "seed=1")]
    sent = [send(cluster, tmp_path / "logs", [job], **TWO_NODES)[0] for job in jobs]
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "codem.train", "bench.n=1"]
    local = subprocess.run(
        [sys.executable, *command, *settings(base, 6), f"runs={tmp_path / 'local' / 'runs'}"],
        env={**clean_environment(), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert local.returncode == 0, local.stderr
    for one in sent:
        one.until("COMPLETED", within_s=240)
        nodes = cluster.command("squeue", "-h", "-t", "all", "-j", one.id, "-o", "%N").strip()
        assert nodes == "n[1-2]"
    first, second = (run_of(tmp_path, base, seed) for seed in (0, 1))
    assert model(first) == model(run_of(tmp_path / "local", base))
    assert model(first) != model(second)


def steps(run: Run) -> int:
    return len(jsonl(run.metrics))


def test_all_processes_save_at_one_step_and_go_on_from_there(make_cluster, base, tmp_path):
    cluster = make_cluster(nodes=2)
    run = run_of(tmp_path, base)
    (job,) = send(cluster, tmp_path / "logs", [training(tmp_path, base, 2000)], **TWO_NODES)
    eventually(lambda: steps(run) >= 2, 240, job.log)
    job.signal("USR2")
    eventually(lambda: len([line for line in job.attempts if "started" in line]) == 2, 240, job.log)
    assert job.ends == [("requeued", "preemption")]
    saved = int(job.attempts[-1]["mark"].removeprefix("step "))
    assert saved >= 2
    assert f"stopped by SIGUSR2 at step {saved} of 2000" in job.log()
    eventually(lambda: steps(run) > saved, 240, job.log)
    cluster.command("scancel", job.id)
    job.until("CANCELLED")
    assert [line["step"] for line in jsonl(run.metrics)] == list(range(1, steps(run) + 1))
