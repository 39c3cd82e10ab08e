"""Processes of this machine, told apart for sure: a number that was given away again is another process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    began: int
    """In ticks since the machine was started."""
    name: str
    parent: int
    session: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """None when it has ended, also where nobody has asked yet how: a zombie."""
        try:
            head, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = rest.split()
        if fields[0] in "ZX":
            return None
        return cls(pid, int(fields[19]), head.partition("(")[2], int(fields[1]), int(fields[3]))

    @cached_property
    def environment(self) -> dict[str, str]:
        """As it was when the program started; empty when it is another user's."""
        try:
            text = Path(f"/proc/{self.pid}/environ").read_bytes().decode(errors="replace")
        except OSError:
            return {}
        return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)

    @property
    def command(self) -> list[str]:
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            return []

    def is_told(self, number: signal.Signals) -> bool:
        """Whether a signal waits for it: it was stopped when the signal came."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        waiting = (int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd")))
        return any(mask >> (number - 1) & 1 for mask in waiting)

    def lives(self) -> bool:
        now = Process.of(self.pid)
        return now is not None and now.began == self.began

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        if self.lives():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def all_of_them() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (process := Process.of(int(entry.name))):
            yield process


def with_variable(name: str, value: str) -> list[Process]:
    """Those that were started with it in their environment."""
    return [process for process in all_of_them() if process.environment.get(name) == value]


def in_session(leader: int) -> list[Process]:
    """A terminal's shell, and all that it started and that did not begin a session of its own."""
    return [process for process in all_of_them() if process.session == leader]
