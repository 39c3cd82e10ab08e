"""A training in two processes on two nodes, one of which is killed."""

from __future__ import annotations

import pytest
from places import eventually, lines, small, workers

pytestmark = pytest.mark.slurm


def test_a_process_of_a_slurm_training_is_killed(place, base):
    """The other one does not wait for it, and in two attempts comes the model of an undisturbed run."""
    command = (*small(base, "lang=go", "method.max_steps=20"), "launcher.train.tasks=2", "launcher.train.nodes=2")
    place.submit(*command, "runs=undisturbed")
    place.finish()
    place.submit(*command)
    job = place.running("train")
    eventually(lambda: lines(place.row(base, "go") / "metrics.jsonl") >= 5, said=place.said)
    both = {process.environment["SLURM_PROCID"]: process for process in workers(job.number)}
    assert {rank: process.environment["SLURMD_NODENAME"] for rank, process in both.items()} == {"0": "n1", "1": "n2"}
    both["1"].kill()
    place.finish()
    assert not workers(job.number)
    place.submit(*command)  # Slurm ends the other process with a SIGTERM: the job may have gone on by itself
    place.finish()
    (attempts,) = (found for name, found in place.attempts().items() if name.endswith("/train.jsonl"))
    assert sum("started" in line for line in attempts) == 2
    assert place.results() == place.results("undisturbed")
