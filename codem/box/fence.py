"""The limits of one command, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from codem.errors import CodemError


class HarnessError(CodemError):
    """Our failure, not the program's: never a verdict about a model."""


@dataclass(frozen=True)
class Fence:
    """The limits of one command."""

    wall_s: float = 30.0
    cpu_s: float = 5.0
    memory_mb: int = 1024
    """Data segment of each process (RLIMIT_DATA): works for every runtime, where an address space limit breaks some."""
    address_mb: int = 8192
    """Second fence, against shared anonymous memory that the first does not count; the JVM reserves over 4 GB."""
    output_kb: int = 1024
    """Of stdout and stderr together; beyond it the command is killed."""
    keep_kb: int = 16
    """How much of the end of stdout, and of stderr, is kept."""
    processes: int = 64
    file_mb: int = 64
    tmp_mb: int = 64

    def limits(self) -> dict[str, int]:
        """By the names of resource.RLIMIT_*, and of prlimit's options, without the number of processes."""
        mb = 1 << 20
        return {
            "cpu": max(1, round(self.cpu_s)),
            "data": self.memory_mb * mb,
            "as": self.address_mb * mb,
            "fsize": self.file_mb * mb,
            "nofile": 1024,
            "core": 0,
        }


@dataclass(frozen=True)
class Result:
    started: bool
    """The program itself was reached; if False, the sandbox failed and `stderr` says why."""
    exit_code: int | None
    """None when a signal or we ended it."""
    signal: int | None
    timed_out: str
    """`cpu`, `wall`, or empty."""
    output_exceeded: bool
    memory_suspect: bool
    """Killed by the system, or for the memory of all its processes: most likely it was out of memory."""
    stdout: str
    stderr: str
    seconds: float
    cpu_s: float = 0.0
    """Processor seconds of the program and the children it waited for. 0 where it is not told: bubblewrap does not say
    what a program alone in its sandbox took (a session does), and of one that had to be killed only a part is known."""
