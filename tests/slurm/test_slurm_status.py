"""What `codem.status` says of jobs in a real queue: what they wait for, why they ended, and when nobody answers."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from places import Place, eventually, small, workers

pytestmark = pytest.mark.slurm
LATER = "launcher.train.sbatch.begin=now+1hour"


def stages(place: Place) -> dict[str, dict]:
    return {stage["stage"]: stage for row in place.status() for stage in row["stages"]}


def states(place: Place) -> dict[str, str]:
    return {name: stage["state"] for name, stage in stages(place).items()}


def test_slurm_jobs_that_wait_and_are_cancelled(place, cluster, base):
    """From the submission on, before any folder of the row is there."""
    place.submit(*small(base), LATER)
    found = stages(place)
    assert set(found) - {"prepare"} == {"train", "generate", "execute", "summary"}  # tokens may be cached
    for parent, child in (("train", "generate"), ("generate", "execute"), ("execute", "summary")):
        assert found[child]["state"] == "waiting"
        assert found[child]["waits_for"] == [f"{parent} {found[parent]['job']}"]
    eventually(lambda: stages(place)["train"]["waits_for"] == ["for its begin time"], 120, place.said)
    assert re.search(r"train +waiting +for its begin time", place.run("codem.status").stdout)
    cluster.command("scancel", found["train"]["job"])
    place.finish()
    ended = stages(place)
    # Slurm forgets a waiting array task that is cancelled, and may then count it as done: generate was seen to begin.
    assert ended["train"]["state"] == "cancelled"
    assert ended["generate"]["state"] in ("cancelled", "failed") and ended["execute"]["state"] == "cancelled"
    assert ended["train"]["error"].startswith("cancelled")
    assert ended["execute"]["error"].startswith(f"cancelled because generate {found['generate']['job']}")
    watched = place.run("codem.status", "--watch", "0.2", check=False)
    assert "cancelled" in watched.stdout and watched.returncode == (ended["generate"]["state"] == "failed")
    assert "train cancelled" in place.logs()  # the summary names the row


def test_slurm_status_while_the_controller_is_away(place, cluster, base):
    place.submit(*small(base), LATER)
    cluster.controller_down()
    away = place.run("codem.status")
    assert "Slurm cannot be asked" in away.stderr and re.search(r"train +submitted", away.stdout)
    assert set(states(place).values()) <= {"submitted", "running", "done"}


def test_slurm_jobs_that_fail_or_are_killed_say_why(place, cluster, base, tmp_path):
    """One row whose worker is killed, and one whose log's folder no node can see."""
    place.submit(*small(base, "-m", "lang=python,go", "method.max_steps=1000"), LATER)
    eventually(lambda: stages(place)["train"]["waits_for"] == ["for its begin time"], 120, place.said)
    rows = {row["row"]: row["stages"][0]["job"] for row in place.status() if row["train"]}
    killed, unseen = (rows[f"{base.name}/sft/{lang}/seed0"] for lang in ("python", "go"))
    cluster.command("scontrol", "update", f"JobId={killed}", "StartTime=now")
    row = place.row(base, "python")
    number = eventually(lambda: next((j.number for j in cluster.squeue("--states=running")), None), 120, place.said)
    eventually(lambda: (row / "metrics.jsonl").exists(), 240, place.said)
    running = {r["row"]: r["stages"][0] for r in place.status()}[f"{base.name}/sft/python/seed0"]
    assert running["state"] == "running" and running["node"] in cluster.names and running["elapsed_s"] > 0
    eventually(lambda: _progress(place, base).get("of") == 1000 and "eta_s" in _progress(place, base), 120, place.said)
    for process in workers(number):
        os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: _train(place, base, "python")["state"] == "failed", 120, place.said)
    assert "killed" in _train(place, base, "python")["error"]
    shutil.rmtree(Path(place.runs) / ".launch" / "jobs")
    cluster.command("scontrol", "update", f"JobId={unseen}", "StartTime=now")
    eventually(lambda: _train(place, base, "go")["state"] == "failed", 120, place.said)
    assert "compute nodes cannot see" in _train(place, base, "go")["error"]
    place.finish()
    said = place.run("codem.status", "--failed", check=False)
    assert said.returncode == 1 and said.stdout.count("train failed") == 2
    watched = place.run("codem.status", "--watch", "0.2", check=False)
    assert watched.returncode == 1 and "cancelled because train" in watched.stdout
    assert "3 failed" in watched.stdout  # the summary's folder is gone as well


def _train(place: Place, base: Path, lang: str) -> dict:
    (row,) = [r for r in place.status() if r["row"] == f"{base.name}/sft/{lang}/seed0"]
    return row["stages"][0]


def _progress(place: Place, base: Path) -> dict:
    return _train(place, base, "python")["progress"]
