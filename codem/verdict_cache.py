"""Verdicts by program: what was judged once, here or in any run that shares the folder, is not judged again.

    <cache_dir>/verdicts/<fingerprint of the judge's description>/<host>-<process>-<time>.jsonl

Each process appends to a file of its own, and reads everybody's: no lock, so a network file system will do. A line
that is not whole is no line. What depends on load (timeouts, memory) or is our own failure is never kept.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from codem.records import Outcome, Verdict

log = logging.getLogger("codem")

REPEATABLE = (Outcome.PASSED, Outcome.WRONG, Outcome.COMPILE_ERROR, Outcome.RUNTIME_ERROR)
KEY = 64
"""Hexadecimal digits of a key, at the start of each line."""


@dataclass(frozen=True)
class Known:
    """A verdict without the names of problem and sample."""

    outcome: Outcome
    seconds: float
    exit_code: int | None
    output_tail: str
    program_sha256: str
    cpu_s: float = 0.0
    """Processor seconds of the run."""

    def of(self, problem: str, sample: int) -> Verdict:
        return Verdict(
            problem, sample, self.outcome, self.seconds, self.exit_code, self.output_tail, self.program_sha256
        )


class VerdictCache:
    """folder: None remembers nothing."""

    def __init__(self, folder: Path | None, fingerprint: str = "") -> None:
        self._folder = None if folder is None else folder / fingerprint
        self._paths: list[Path] = []
        self._reading: tuple[int, BinaryIO] | None = None
        """One at a time: others may have left more files than a process may hold open."""
        self._where: dict[bytes, tuple[int, int]] = {}
        """Half a key -> which file, and at which byte: a hundred thousand of them take some 20 MB."""
        self._mine: BinaryIO | None = None
        self._mine_number = -1
        if self._folder is not None and self._folder.is_dir():
            for path in sorted(self._folder.glob("*.jsonl")):
                self._read(path)

    def get(self, key: str) -> Known | None:
        place = self._where.get(_short(key))
        if place is None:
            return None
        line = self._line(*place)
        try:
            found, row = line[:KEY].decode(), json.loads(line[KEY + 1 :])
            if isinstance(row, str):
                return self.get(row) if found == key and row != key else None
            return Known(Outcome(row[0]), *row[1:]) if found == key and line.endswith(b"\n") else None
        except (ValueError, TypeError):  # a damaged line is no line
            return None

    def put(self, found: Iterable[tuple[str, Known]]) -> None:
        """Remember; a folder that cannot be written costs time later and nothing else."""
        rows = (
            (key, [str(k.outcome), k.seconds, k.exit_code, k.output_tail, k.program_sha256, k.cpu_s])
            for key, k in found
        )
        self._write(rows)

    def put_also(self, found: Iterable[tuple[str, str]]) -> None:
        """Remember that a first key means the same as a second one."""
        self._write(found)

    def _write(self, rows: Iterable[tuple[str, list | str]]) -> None:
        if self._folder is None:
            return
        new = [(key, row) for key, row in rows if _short(key) not in self._where]
        if not new:
            return
        try:
            mine = self._mine or self._open(self._folder)
            for key, row in new:
                at = mine.seek(0, os.SEEK_END)
                mine.write(f"{key}\t{json.dumps(row)}\n".encode())
                self._where[_short(key)] = (self._mine_number, at)
            mine.flush()
        except OSError as error:
            log.warning("verdict cache: cannot write in %s (%s); going on without", self._folder, error)
            self._folder = None

    def close(self) -> None:
        for file in (self._mine, self._reading[1] if self._reading else None):
            if file is not None:
                file.close()
        self._paths, self._where, self._mine, self._reading = [], {}, None, None

    def _line(self, number: int, at: int) -> bytes:
        """Empty when the file is gone."""
        if self._reading is None or self._reading[0] != number:
            if self._reading is not None:
                self._reading[1].close()
                self._reading = None
            try:
                self._reading = number, open(self._paths[number], "rb")  # noqa: SIM115  (closed in close())
            except OSError:
                return b""
        file = self._reading[1]
        file.seek(at)
        return file.readline()

    def _open(self, folder: Path) -> BinaryIO:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}.jsonl"
        self._mine = open(folder / name, "xb")  # noqa: SIM115  (closed in close())
        self._mine_number = len(self._paths)
        self._paths.append(folder / name)
        return self._mine

    def _read(self, path: Path) -> None:
        at = 0
        with contextlib.suppress(OSError), open(path, "rb") as file:
            for line in file:
                if line.endswith(b"\n") and line[KEY : KEY + 1] == b"\t":
                    with contextlib.suppress(ValueError):  # a key that is none
                        self._where.setdefault(bytes.fromhex(line[: KEY // 2].decode()), (len(self._paths), at))
                at += len(line)
        self._paths.append(path)


def _short(key: str) -> bytes:
    return bytes.fromhex(key[: KEY // 2])
