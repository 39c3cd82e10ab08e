"""Folders in which commands are run as a user of a cluster would, and what lies in them afterwards as plain data."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import Cluster, QueuedJob
from environment import clean_environment
from processes import Process, with_variable

from codem.slurm.ledger import Entry, entries

PROJECT = Path(__file__).resolve().parents[2]
SUBMITTING = ("codem.train", "codem.generate", "codem.execute")
ON_SLURM = ("launcher=slurm", "launcher.train.gpus=0", "launcher.generate.gpus=0")
"""The micro model needs no GPU, in whatever way it is trained."""


PATIENCE_S = 400.0
"""Tests that wait for more than this wait for something that does not happen, however busy the machine is."""


def small(base: Path, *more: str) -> tuple[str, ...]:
    """A training and a judging of seconds."""
    return (
        "codem.train",
        f"base={base}",
        "eval_lang=[python]",
        "corpus.size=40",
        "bench.n=20",
        "method.max_tokens=192",
        "method.gpus=1",
        "method.precision=fp32",
        "method.gradient_checkpointing=false",
        "method.checkpoint_steps=1",
        *more,
    )


@dataclass(frozen=True)
class Place:
    folder: Path
    cluster: Cluster | None = None
    """The one that commands find."""

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def command(self, *arguments: str) -> list[str]:
        submits = "launcher=slurm" in arguments and arguments[0] in SUBMITTING
        unfinished = ["launch.allow_dirty=true"] if submits and _is_dirty() else []
        return [sys.executable, "-m", *arguments, *unfinished]

    def run(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self._environment(variables), capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """options: of Popen."""
        return self.start_words(self.command(*arguments), **options)

    def start_words(self, words: list[str], **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=self._environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def submit(self, *arguments: str) -> str:
        """What a command says that hands its work to the cluster."""
        return self.run(*arguments, *ON_SLURM).stdout

    def finish(self, within_s: float = PATIENCE_S) -> None:
        """Wait until no job is left."""
        assert (cluster := self.cluster)
        eventually(lambda: not cluster.squeue(), within_s, self.said)

    def running(self, stage: str) -> QueuedJob:
        """The job of a stage, once it runs."""
        assert (cluster := self.cluster)

        def found() -> QueuedJob | None:
            mine = [job for job in cluster.squeue("--states=running") if job.name.startswith(stage)]
            return mine[0] if mine else None

        return eventually(found, PATIENCE_S, self.said)

    def said(self) -> str:
        """What helps to see why something did not happen."""
        queue = "\n".join(map(str, self.cluster.squeue("--states=all"))) if self.cluster else ""
        return f"{queue}\n{self.run('codem.status', check=False).stdout}\n{self.logs()}"

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        # One thread: what is compared must not depend on how many there were, and cores are few.
        mine = self.cluster.environment if self.cluster else {}
        return {**clean_environment(), "OMP_NUM_THREADS": "1", **mine, **variables}

    def row(self, base: Path, lang: str) -> Path:
        return self.runs / base.name / "sft" / lang / "seed0"

    def results(self, runs: str = "runs") -> dict[str, Any]:
        """Models, answers and outcomes, by their place below runs/."""
        return dict(sorted(_results(self.folder / runs)))

    def status(self) -> list[dict[str, Any]]:
        return json.loads(self.run("codem.status", "--json").stdout)

    def stages(self) -> dict[str, dict[str, Any]]:
        """By `<row> <stage>`, what status says of each stage of each row."""
        return {f"{row['run']} {stage['stage']}": stage for row in self.status() for stage in row["stages"]}

    def ledger(self) -> list[dict[str, Any]]:
        return jsonl(self.runs / ".launch" / "ledger.jsonl")

    def entries(self) -> list[Entry]:
        """What was submitted, as codem itself reads its ledger."""
        return entries(self.runs)

    def matrix(self) -> str:
        self.run("analysis", "report", "runs", "--out", "report")
        return (self.folder / "report" / "matrix.csv").read_text()

    def attempts(self) -> dict[str, list[dict[str, Any]]]:
        """The lines of every attempts file, by its place below runs/."""
        found = sorted(
            [*self.runs.glob("*/*/*/*/attempts/*.jsonl"), *self.runs.glob(".launch/jobs/*/attempts/*.jsonl")]
        )
        return {str(path.relative_to(self.runs)): jsonl(path) for path in found}

    def logs(self) -> str:
        """The ends of what the jobs printed."""
        found = sorted(p for p in self.runs.glob(".launch/jobs/**/*") if p.suffix in (".out", ".err", ".log"))
        return "\n".join(f"== {p.name}\n{p.read_text(errors='replace')[-1500:]}" for p in found)


def _results(runs: Path) -> Iterator[tuple[str, Any]]:
    for path in runs.glob("*/*/*/*/**/*"):
        name = str(path.relative_to(runs))
        if path.suffix == ".safetensors" and path.parent.name == "model":
            yield name, hashlib.sha256(path.read_bytes()).hexdigest()
        elif "shards" in path.parts:
            continue
        elif path.name == "samples.jsonl":
            yield name, sorted(path.read_text().splitlines())
        elif path.name == "verdicts.jsonl":
            yield name, sorted([v["problem"], v["sample"], v["outcome"]] for v in jsonl(path))


def jsonl(path: Path) -> list[dict[str, Any]]:
    """Its whole lines."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def eventually(condition: Callable[[], Any], within_s: float = PATIENCE_S, said: Callable[[], str] = str) -> Any:
    """What the condition gives as soon as that is something. said: more about what was found instead."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s\n{said()}")
        time.sleep(0.02)
    return value


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def workers(job: str) -> list[Process]:
    """The first process of each task of a job: not srun, which names the same program, and not what a task forked.
    job: QueuedJob.number."""
    commands = {p: p.command for p in with_variable("SLURM_JOB_ID", job)}
    tasks = [p for p, words in commands.items() if "submitit.core._submit" in words and "python" in Path(words[0]).name]
    numbers = {p.pid for p in tasks}
    return [p for p in tasks if p.parent not in numbers]


@functools.cache
def _is_dirty() -> bool:
    """Jobs run what is committed; while the code is being changed, that with the changes."""
    command = ["git", "status", "--porcelain", "--", "codem", "conf", "sweeps", "pyproject.toml"]
    return bool(subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip())
