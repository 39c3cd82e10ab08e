"""What flows between the stages: problems, samples, verdicts, and their JSON lines.

The per-item verdicts are the product. Every statistic about transfer is computed from them,
so this module has no dependency but the standard library and `analysis/` may import it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from codem.errors import CodemError


class Outcome(StrEnum):
    PASSED = "passed"
    """The harness reached its own end mark."""
    WRONG = "wrong"
    """A test said no."""
    COMPILE_ERROR = "compile_error"
    RUNTIME_ERROR = "runtime_error"
    """A crash, or leaving before the end mark, whatever the exit code."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    HARNESS_ERROR = "harness_error"
    """Ours, not the model's: counted, shown, never part of a score."""


@dataclass(frozen=True)
class Problem:
    id: str
    """`<bench>/<lang>/<n>`"""
    task: str
    """`<bench>/<n>`: the same problem in another language has the same task."""
    lang: str
    description: str
    """What Figure 3 of the paper calls {problem}: plain text, one paragraph or more."""
    signature: str
    """What Figure 3 calls {signature}: the function header that the model continues; ends in a newline."""
    entry_point: str
    prelude: str
    """Imports, includes and the like that the benchmark itself supplies before the answer."""
    tests: str
    """What decides, in the language; `style` says in which form."""
    reference: str
    """A right answer as a continuation: `signature + reference` is a whole function."""
    run_cpu_s: float | None = None
    """Processor seconds that suffice for any sensible answer, the runtime's own start not counted; None: the
    language's limit. A weak model's endless loops are what judging spends its time on."""
    style: str = "statements"
    """`statements`: each test is `codem_check(<boolean expression>);` (no semicolon in Python), and the language's
    runtime defines `codem_check`. `program`: the benchmark's own test program in the language's usual form: Python and
    JavaScript and TypeScript code that asserts, C and C++ a `main` with `assert`, Java a `class Main` that throws, Go a
    `func TestX(t *testing.T)`, Rust a `mod tests`."""


@dataclass(frozen=True)
class Sample:
    problem: str
    sample: int
    text: str
    """Exactly what the model wrote after the prompt, before any cutting."""
    finish: str
    """`eos`: the model ended it; `stop`: a stop string; `length`: the token limit."""


@dataclass(frozen=True)
class Verdict:
    problem: str
    sample: int
    outcome: Outcome
    seconds: float
    """Wall time of the run (not the build), as seen by the sandbox."""
    exit_code: int | None
    """None when the program was never started or was killed by us."""
    output_tail: str
    """The last 2,000 characters of what the compiler or the program printed, for a human."""
    program_sha256: str
    """Of the assembled source files: equal programs have equal hashes."""


class TornFile(CodemError, ValueError):
    """A line that is not the last one cannot be read: the file was damaged, not merely interrupted."""


def to_line(record: Sample | Verdict) -> str:
    return json.dumps(asdict(record), ensure_ascii=False)


def append(path: Path, records: Iterable[Sample | Verdict]) -> None:
    """Append whole lines, and have them on disk before returning.

    A torn last line, left by a killed writer, is cut off first: otherwise the next line would be glued to it.
    """
    append_lines(path, "".join(to_line(r) + "\n" for r in records).encode("utf-8", "surrogatepass"))


def append_lines(path: Path, data: bytes, sync: bool = True) -> None:
    """All of these whole lines or, where that raises OSError, none of them. sync: on disk before this returns."""
    with open(path, "ab+") as f:
        whole = _cut_torn(f)
        try:
            f.write(data)
            f.flush()
            if sync:
                os.fsync(f.fileno())
        except OSError:
            f.truncate(whole)  # a full disk must not leave half a line behind
            raise


def cut_torn(path: Path) -> None:
    """Cut off a last line without its end: its writer was killed, and nothing was made of it yet."""
    if path.exists():
        with open(path, "rb+") as f:
            _cut_torn(f)


def _cut_torn(f: BinaryIO) -> int:
    """The bytes that stay."""
    end = f.seek(0, os.SEEK_END)
    whole = _length_of_whole_lines(f, end)
    if whole != end:
        f.truncate(whole)
    return whole


def _length_of_whole_lines(f: BinaryIO, end: int) -> int:
    """Bytes up to and including the last newline."""
    block = 1 << 16
    at = end
    while at > 0:
        start = max(0, at - block)
        f.seek(start)
        newline = f.read(at - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        at = start
    return 0


def read_samples(path: Path) -> Iterator[Sample]:
    for _, row in _rows(path):
        yield Sample(**row)


def read_verdicts(path: Path) -> Iterator[Verdict]:
    return (verdict for _, verdict in read_verdicts_at(path))


def read_verdicts_at(path: Path) -> Iterator[tuple[int, Verdict]]:
    """Each with the byte at which its line begins."""
    for at, row in _rows(path):
        yield at, Verdict(**{**row, "outcome": Outcome(row["outcome"])})


def _rows(path: Path) -> Iterator[tuple[int, dict]]:
    """Each JSON line; a torn last line is left out, a torn line before it raises TornFile."""
    if not path.exists():
        return
    at = 0
    with open(path, "rb") as f:
        for number, line in enumerate(f, 1):
            if not line.endswith(b"\n"):
                return  # a writer was killed here: the item is missing and will be made again
            try:
                yield at, json.loads(line.decode("utf-8", "surrogatepass"))
            except ValueError as error:
                raise TornFile(
                    f"{path}:{number}: expected one JSON object per line, found {line[:80]!r} ({error}).\n"
                    f"Remove that line (its item is then made again) or the file."
                ) from None
            at += len(line)
