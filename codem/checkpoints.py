"""Which of a trainer's checkpoints a killed process had finished writing, and how a model is saved whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path


def newest_whole(folder: Path, required: Iterable[str]) -> Path | None:
    """The newest `checkpoint-<step>` that is complete; unfinished ones are removed, or the trainer would trip on them.

    required: glob patterns, each of which must match inside a complete checkpoint. Without its random state a
    trainer resumes silently on another curve, and `trainer_state.json` is written last: both belong here.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.removeprefix("checkpoint-")))
    for path in reversed(found):
        if all(any(path.glob(pattern)) for pattern in required) and _readable(path / "trainer_state.json"):
            return path
        shutil.rmtree(path)
    return None


def save_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Have `write` fill a temporary sibling of `target`, put it on disk, and rename it last."""
    temporary = target.with_name(target.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write(temporary)
    for path in (*temporary.rglob("*"), temporary):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)


def _readable(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return True
