"""A copy of the project in a repository of its own, which a test may edit, and commands that run from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from environment import clean_environment

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Checkout:
    folder: Path
    environment: dict[str, str]
    """Besides what commands have anyway."""

    @classmethod
    def make(cls, folder: Path, environment: dict[str, str]) -> Checkout:
        """Of the project as it lies there, in one commit."""
        folder.mkdir(parents=True)
        for name in ("codem", "conf", "sweeps", "analysis"):
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", ".gitignore"):
            shutil.copy(PROJECT / name, folder)
        made = cls(folder, environment)
        made.git("init", "-q")
        made.commit()
        return made

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "-qm", "as it is")

    def start(self, where: Path, *arguments: str) -> subprocess.Popen[str]:
        where.mkdir(exist_ok=True)
        pipe = subprocess.PIPE
        variables = {**clean_environment(), **self.environment, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-m", *arguments]
        return subprocess.Popen(command, cwd=where, env=variables, stdout=pipe, stderr=pipe, text=True)

    def run(self, where: Path, *arguments: str, code: int = 0) -> str:
        """What the command printed. code: the exit code that is expected."""
        process = self.start(where, *arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, f"{' '.join(arguments)}: exit {process.returncode}\n{out}\n{err}"
        return out + err
