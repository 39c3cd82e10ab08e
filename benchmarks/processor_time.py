"""Processor seconds of this process and of all that it starts, also in sandboxes.

Adding up what ended children report is not enough: the kernel forgets those of a process namespace that is killed. A
control group forgets nothing. Without a writable one (as an ordinary user, mostly) there is no figure.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class ProcessorTime:
    """Counts from `with` to its end; `seconds` is None where the system does not let us count."""

    seconds: float | None = None

    def __enter__(self) -> ProcessorTime:
        self._group = _new_group()
        self._before = _used(self._group) if self._group else 0.0
        return self

    def __exit__(self, *exception: object) -> None:
        if self._group is None:
            return
        self.seconds = _used(self._group) - self._before
        (self._group.parent / "cgroup.procs").write_text(str(os.getpid()))
        for _ in range(100):  # the last of what was started may still be ending
            try:
                self._group.rmdir()
                return
            except OSError:
                time.sleep(0.05)


def _new_group() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers and "cpuacct" not in controllers.split(","):
            continue
        mounted = ROOT / controllers if controllers else ROOT
        group = mounted / place.lstrip("/") / f"codem-{os.getpid()}-{time.monotonic_ns()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / "cgroup.procs").write_text(str(os.getpid()))
            _used(group)
            return group
        except (OSError, AttributeError):
            group.rmdir()
    return None


def _used(group: Path) -> float:
    first = group / "cpuacct.usage"
    if first.exists():
        return int(first.read_text()) / 1e9
    found = re.search(r"^usage_usec (\d+)", (group / "cpu.stat").read_text(), re.M)
    assert found is not None, f"{group}/cpu.stat has no usage_usec"
    return int(found[1]) / 1e6
