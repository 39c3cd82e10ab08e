"""Start the scripted service and the command under test, as processes, and read what they left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import clean_environment

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEY = "sk-test-4f2b9c7d1e8a6053"
KEY_ENV = "BAD_DAYS_KEY"


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    alone = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": path, KEY_ENV: KEY}
    return {**clean_environment(), **alone}


@dataclass
class Log:
    """What the scripted service wrote down, which outlives it."""

    path: Path

    def asked(self) -> list[dict[str, Any]]:
        """A row for each request that is over, in the order in which they ended."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def answered(self) -> list[dict[str, Any]]:
        return [row for row in self.asked() if row.get("outcome") == "answered"]


class Service(Log):
    """tests/craft/bad_days_server.py as a process."""

    def __init__(self, log: Path, options: Sequence[str]):
        super().__init__(log)
        command = [sys.executable, str(HERE / "bad_days_server.py"), "--log", str(log), "--key", KEY, *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http"), f"the scripted service did not start: {command}"

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Command:
    """`python -m codem.<module>` with what it writes, started and perhaps killed."""

    def __init__(self, folder: Path, module: str, *arguments: str):
        self.output = folder / f"{module}.{time.monotonic_ns()}.out"
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=folder,
                env=environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, limit_s: float = 240.0) -> tuple[int, str]:
        """(exit code, all that it wrote)"""
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not over after {limit_s:g} s:\n{self.said()[-3000:]}") from None
        return code, self.said()

    def kill(self) -> None:
        """As kill -9 does, with all processes that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        return self.output.read_text("utf-8", "replace")


def craft(folder: Path, url: str, seeds: Path, *arguments: str) -> Command:
    """The command with short waits; arguments come last and win."""
    fast = ["teacher.timeout_s=1.5", "teacher.backoff_s=0.05", "teacher.retries=6", "teacher.concurrency=16"]
    where = [f"seeds={seeds}", "teacher=local", "teacher.model=scripted", f"teacher.base_url={url}"]
    named = ["name=crafted", f"teacher.key_env={KEY_ENV}", "workers=2"]
    return Command(folder, "codem.craft", *where, *named, *fast, *arguments)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def wait_for(condition, limit_s: float = 60.0, what: str = "") -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"waited {limit_s:g} s in vain for {what}"
        time.sleep(0.02)
