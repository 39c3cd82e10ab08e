"""Files of JSON lines that grow while a process may be killed at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codem import records
from codem.errors import StageError


def append(path: Path, data: bytes, sync: bool = True) -> None:
    """As records.append_lines. Raises StageError when it cannot be written."""
    try:
        records.append_lines(path, data, sync)
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
