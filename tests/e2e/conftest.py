"""Real commands on real parts: a grid of the embedded model, made once for all tests here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from environment import clean_environment
from once import once


@dataclass(frozen=True)
class Place:
    """A folder in which commands are run, as a user would."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=clean_environment(), capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def matrix(self, runs: str = "runs") -> str:
        self.run("analysis", "report", runs, "--out", f"report-{runs}")
        return (self.folder / f"report-{runs}" / "matrix.csv").read_text()

    def records(self, runs: str = "runs") -> dict[str, dict]:
        root = self.folder / runs
        return {str(p.relative_to(root)): json.loads(p.read_text()) for p in sorted(root.rglob("record.json"))}

    def times(self, runs: str = "runs") -> dict[str, int]:
        return {str(p): p.stat().st_mtime_ns for p in sorted((self.folder / runs).rglob("*")) if p.is_file()}


@pytest.fixture(scope="session")
def grid(shared) -> Place:
    """The base and two models, scored on every language of this machine. Of all tests: they only look at it."""

    def make(folder: Path) -> None:
        Place(folder).run("codem.train", "-m", "lang=none,python,go")

    once(shared / "grid", make)
    return Place(shared / "grid")


@pytest.fixture
def own_grid(grid, place) -> Place:
    """A copy of it, for one test alone."""
    shutil.copytree(grid.folder / "runs", place.folder / "runs")
    return place


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path)
