"""Files of JSON lines that grow while a process may be killed at any moment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codem.errors import StageError


def cut_torn(path: Path) -> None:
    """Cut off a last line without its end: its writer was killed, and nothing was made of it yet."""
    if not path.exists():
        return
    with open(path, "rb+") as f:
        end = at = f.seek(0, os.SEEK_END)
        while at > 0:
            start = max(0, at - (1 << 16))
            f.seek(start)
            newline = f.read(at - start).rfind(b"\n")
            if newline >= 0:
                at = start + newline + 1
                break
            at = start
        if at != end:
            f.truncate(at)


def append(path: Path, data: bytes, sync: bool = True) -> None:
    """All of it or nothing. sync: it is on disk before this returns. Raises StageError when it cannot be written."""
    try:
        with open(path, "ab") as f:
            end = f.seek(0, os.SEEK_END)
            try:
                f.write(data)
                f.flush()
                if sync:
                    os.fsync(f.fileno())
            except OSError:
                f.truncate(end)
                raise
    except OSError as e:
        raise StageError(f"{path}: cannot be written ({e.strerror}); nothing that is there is lost") from e


def line(row: dict[str, Any]) -> bytes:
    """ASCII: half of a surrogate pair, which a teacher's JSON can spell, is kept as it came."""
    return json.dumps(row).encode() + b"\n"


def read(path: Path) -> Iterator[tuple[str, Any]]:
    """(`file:line`, what the line says), None where it is no JSON; nothing for a file that is not there."""
    if not path.exists():
        return
    with open(path, "rb") as f:
        for number, text in enumerate(f, 1):
            try:
                yield f"{path}:{number}", json.loads(text)
            except ValueError:
                yield f"{path}:{number}", None
