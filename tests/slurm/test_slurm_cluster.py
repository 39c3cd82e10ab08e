"""The cluster itself: that it is there, that several are, and that nothing of one stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import Cluster
from places import eventually
from processes import with_variable

pytestmark = pytest.mark.slurm
SCRIPT = Path(__file__).with_name("cluster.py")


def batch(cluster: Cluster, body: str, *options: str) -> str:
    """The id of a job that runs a line of shell."""
    words = ("sbatch", "--parsable", "--output", str(cluster.folder / "%j.out"), *options, "--wrap", body)
    return cluster.command(*words).strip()


def state(cluster: Cluster) -> str:
    """Of the one job that is not over."""
    (job,) = cluster.squeue()
    return job.state


def test_jobs_of_a_slurm_cluster_see_nodes_and_gpus(cluster):
    said = cluster.command(
        "srun", "-N2", "--gpus-per-node=2", "sh", "-c", "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES"
    )
    assert sorted(said.splitlines()) == ["n1 0,1", "n2 0,1"]


def test_nothing_of_a_slurm_cluster_stays_behind(make_cluster):
    """Also when jobs do not listen, the controller is gone, and another cluster runs beside it."""
    one, other = make_cluster(nodes=1), make_cluster(nodes=1)
    stubborn = "trap '' TERM INT HUP; while true; do sleep 0.1; done"
    for cluster in (one, other):
        batch(cluster, stubborn)
        eventually(lambda c=cluster: state(c) == "RUNNING")
    other.controller_down()
    one.stop()
    assert not with_variable("SLURM_CONF", str(one.configuration))
    assert other.processes()
    other.stop()
    assert not with_variable("SLURM_CONF", str(other.configuration))


def test_a_requeued_slurm_job_starts_again_soon(cluster):
    job = batch(cluster, "sleep 60")
    eventually(lambda: state(cluster) == "RUNNING")
    cluster.command("scontrol", "requeue", job)
    eventually(lambda: state(cluster) == "RUNNING" and cluster.restarts(job) == 1, within_s=40)


def test_a_node_of_a_slurm_cluster_is_lost_and_comes_back(cluster):
    job = batch(cluster, "sleep 60", "--nodelist=n2")
    eventually(lambda: state(cluster) == "RUNNING")
    cluster.node_down("n2")
    eventually(lambda: state(cluster) == "PENDING")
    cluster.node_up("n2")
    eventually(lambda: state(cluster) == "RUNNING" and cluster.restarts(job) == 1, within_s=40)


def test_a_slurm_cluster_ends_with_the_process_that_it_is_for(make_cluster):
    """However that ends: a test run that is killed leaves nothing behind."""
    owner = subprocess.Popen(["sleep", "600"])
    cluster = make_cluster(nodes=1, ends_with=owner.pid)
    batch(cluster, "sleep 600")
    eventually(lambda: state(cluster) == "RUNNING")
    owner.kill()
    owner.wait()
    eventually(lambda: not cluster.processes(), 60)


def test_a_slurm_cluster_by_hand(tmp_path):
    """As docs/slurm.md says, in a shell."""
    lines = f"""
        set -e
        eval "$({sys.executable} {SCRIPT} start {tmp_path}/mine --nodes 2)"
        trap '{sys.executable} {SCRIPT} stop {tmp_path}/mine' EXIT
        srun -N2 sh -c 'echo $SLURMD_NODENAME'
        {sys.executable} {SCRIPT} start {tmp_path}/mine 2>&1 || true
    """
    done = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    *nodes, refused = done.stdout.splitlines()
    assert sorted(nodes) == ["n1", "n2"]
    assert "a cluster is running here; stop it first" in refused
    assert not Cluster(tmp_path / "mine").processes()
