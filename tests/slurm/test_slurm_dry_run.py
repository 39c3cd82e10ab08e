"""`launch.dry_run=true` where a cluster works on part of the sweep already."""

import pytest
from places import ON_SLURM, small

pytestmark = pytest.mark.slurm


def test_dry_run_counts_what_slurm_works_on_apart(place, base):
    later = "launcher.train.sbatch.begin=now+1hour"
    place.submit(*small(base), "lang=go", later)
    ledger = place.ledger()
    plan = place.run(*small(base), "-m", "lang=go,python", later, *ON_SLURM, "launch.dry_run=true").stdout
    jobs = plan.split("Jobs for Slurm:")[1]
    for stage in ("train", "generate", "execute"):
        (line,) = [line for line in jobs.splitlines() if line.startswith(f"  {stage} ")]
        assert "1 job (1 more under way)" in line
    assert place.ledger() == ledger
    queue = {job.name.split("-")[0] for job in place.cluster.squeue()}
    assert queue - {"prepare"} == {"train", "generate", "execute", "summary"}  # tokens may be cached
