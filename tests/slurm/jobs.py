"""StageJobs on the test cluster without a submission around them; one has work that a test can watch."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import Cluster
from places import eventually, jsonl

from codem import config, interruption
from codem.errors import StageError
from codem.generate import evaluation_of
from codem.graph import Node
from codem.settings import Cell
from codem.slurm import attempts
from codem.slurm.stage_job import StageJob

HERE = Path(__file__).parent
PYTHONPATH = ":".join(str(folder) for folder in (HERE, HERE.parent, HERE.parents[1]))


def cell(folder: Path, *settings: str) -> Cell:
    """Its runs in this folder."""
    (one,) = config.cells([f"runs={folder / 'runs'}", "launcher=slurm", "eval_lang=[python]", *settings])
    return one


@dataclass(frozen=True)
class Loop(StageJob):
    """Appends to its answers until the file `end` beside them is there, and fails when that says something."""

    is_deaf: bool = False
    """Adds nothing to what is on disk."""

    @property
    def work(self) -> Path:
        return evaluation_of(self.node.cell, "python").folder

    def make(self, cells: tuple[Cell, ...]) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        with open(self.work / "begun", "a") as f:
            f.write("x")
        while not (self.work / "end").exists():
            self.work_a_little()
            time.sleep(0.05)
            interruption.obey()
        if said := (self.work / "end").read_text():
            raise StageError(said)

    def work_a_little(self) -> None:
        if not self.is_deaf:
            with open(self.work / "samples.jsonl", "a") as f:
                f.write("x\n")


TAKEN: list[bytearray] = []


@dataclass(frozen=True)
class Hungry(Loop):
    """Takes more and more memory."""

    def work_a_little(self) -> None:
        TAKEN.append(bytearray(os.urandom(1 << 20)) * 16)


@dataclass(frozen=True)
class Sent:
    """A job as its user sees it."""

    cluster: Cluster
    id: str
    logs: Path
    job: StageJob

    @property
    def state(self) -> str:
        return self.cluster.command("squeue", "-h", "-t", "all", "-j", self.id, "-o", "%T").strip()

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return jsonl(attempts.of_node(self.job.node, self.job.submission))

    @property
    def ends(self) -> list[tuple[str, str]]:
        return [(line["end"], line["by"]) for line in self.attempts if "end" in line]

    def log(self) -> str:
        """Of all its tasks."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.logs.glob(f"{self.id}_*.out")))

    def errors(self) -> list[Path]:
        """What submitit kept of an end that it took for one."""
        return sorted(self.logs.glob(f"{self.id}_*_result.pkl"))

    def until(self, state: str, within_s: float = 120) -> None:
        """Waits for an end, which must be this one."""
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        found = eventually(lambda: (now := self.state) in over and now, within_s, self.log)
        assert found == state, self.log()

    def begun(self, times: int) -> None:
        """Waits until a Loop has begun to work for so many times."""
        assert isinstance(self.job, Loop)
        path = self.job.work / "begun"
        eventually(lambda: path.exists() and path.stat().st_size >= times, said=self.log)

    def end(self, said: str = "") -> None:
        assert isinstance(self.job, Loop)
        self.job.work.mkdir(parents=True, exist_ok=True)
        (self.job.work / "end").write_text(said)

    def signal(self, name: str) -> None:
        """To all processes of the job's step, as Slurm sends its own."""
        self.cluster.command("scancel", f"--signal={name}", self.id)

    def limit(self, minutes: int) -> None:
        """Another time limit, for a job that runs."""
        self.cluster.command("scontrol", "update", f"jobid={self.id}", f"timelimit={minutes}")


def send(cluster: Cluster, logs: Path, jobs: Sequence[StageJob], **wanted: Any) -> list[Sent]:
    """Several become one array. wanted: parameters of submitit's executor."""
    import submitit

    before = dict(os.environ)
    os.environ.update({**cluster.environment, "OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH})
    try:
        executor = submitit.SlurmExecutor(folder=logs, python=shlex.quote(sys.executable))
        usual = {"time": 60, "mem": "2GB", "signal_delay_s": 60, "stderr_to_stdout": True}
        executor.update_parameters(**{**usual, "srun_args": ["--kill-on-bad-exit=1"], **wanted})
        with executor.batch():
            made = [executor.submit(job) for job in jobs]
        return [Sent(cluster, one.job_id, logs, job) for one, job in zip(made, jobs, strict=True)]
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def loop(folder: Path, kind: type[Loop] = Loop, max_requeues: int = 9, **more: Any) -> Loop:
    one = cell(folder, "launcher.signal_s=60", "launcher.generate.time=2")
    return kind(Node("generate", (one,), ("python",)), "test", ("lang=python",), {}, max_requeues, **more)
