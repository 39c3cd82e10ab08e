"""Which of a trainer's checkpoints a killed process had finished writing, and how a model is saved whole."""

from __future__ import annotations

import errno
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codem.deepspeed_setup import by_first_rank, is_first_rank
from codem.errors import StageError
from codem.run import write_whole

PROCESSES_FILE = "processes.json"
"""In the folder of the checkpoints: how many processes write them."""
FULL_BYTES = 1 << 20
NO_ROOM = ("No space left", "Disk quota exceeded", "file write failed", "os error 28", "os error 122")
"""What torch and safetensors say in errors that are no OSError."""


def resume_point(folder: Path, processes: int) -> Path | None:
    """The checkpoint of a DeepSpeed engine from which `processes` processes go on; None: from the start.

    All of them call it and get the first one's answer. Raises StageError when another number of processes made it:
    each holds a part of the optimiser, and a part fits nobody else.
    """
    return by_first_rank(lambda: _resume_point(folder, processes))


def _resume_point(folder: Path, processes: int) -> Path | None:
    note = folder / PROCESSES_FILE
    made_by = json.loads(note.read_text())["processes"] if note.exists() else processes
    ranks = [""] if made_by == 1 else [f"_{rank}" for rank in range(made_by)]
    required = ["trainer_state.json", "latest", *(f"rng_state{rank}.pth" for rank in ranks)]
    found = newest_whole(folder, [*required, "global_step*/*"], lambda path: _has_all_parts(path, made_by))
    if found and made_by != processes:
        raise StageError(
            f"{found} was written by {made_by} process{'es' * (made_by > 1)}, and {processes} would go on: each holds "
            f"its own part of the optimiser. Start as many as then, or remove {folder} to train from the start"
        )
    if not found:
        write_whole(note, json.dumps({"processes": processes}) + "\n")
    return found


def newest_whole(
    folder: Path, required: Iterable[str], also: Callable[[Path], bool] = lambda path: True
) -> Path | None:
    """The newest `checkpoint-<step>` that is complete; unfinished ones are removed, or the trainer would trip on them.

    required: glob patterns, each of which must match inside a complete checkpoint. Without its random state a
    trainer resumes silently on another curve, and `trainer_state.json` is written last: both belong here.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.removeprefix("checkpoint-")))
    for path in reversed(found):
        if all(any(path.glob(pattern)) for pattern in required) and _all_readable(path) and also(path):
            return path
        shutil.rmtree(path)
    return None


def save_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Have `write` fill a temporary sibling of `target`, put it on disk, and rename it last. All processes of a
    training call it, because `write` may have to gather what each of them holds."""
    temporary = target.with_name(target.name + ".tmp")
    by_first_rank(lambda: _make_empty(temporary))
    write(temporary)
    by_first_rank(lambda: _put_in_place(temporary, target))


@contextmanager
def full_disk_said(folder: Path) -> Iterator[None]:
    """What writers make of a full disk, as one StageError. The unfinished checkpoint goes, the one before it stays."""
    try:
        yield
    except StageError:
        raise
    except Exception as e:
        if not _was_full(folder, e):
            raise
        if is_first_rank():
            newest_whole(folder, ["trainer_state.json"])
        raise StageError(
            f"the disk of {folder} is full; the last checkpoint that was whole is kept. "
            f"Make room and run the same command again"
        ) from e


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _put_in_place(temporary: Path, target: Path) -> None:
    for path in (*temporary.rglob("*"), temporary):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)


def _has_all_parts(checkpoint: Path, processes: int) -> bool:
    """Of the optimiser: one file for each process, or none at all without ZeRO."""
    step = checkpoint / (checkpoint / "latest").read_text().strip()
    parts = list(step.glob("*zero_pp_rank_*_optim_states.pt"))
    return step.is_dir() and len(parts) in (0, processes)


def _all_readable(checkpoint: Path) -> bool:
    """Whether no file was cut off, as far as their first and last bytes tell."""
    return all(_readable(path) for path in checkpoint.rglob("*") if path.is_file())


def _readable(path: Path) -> bool:
    try:
        match path.suffix:
            case ".json":
                json.loads(path.read_text("utf-8"))
            case ".pt" | ".pth" | ".bin":
                return zipfile.is_zipfile(path)
            case ".safetensors":
                return _is_whole_safetensors(path)
    except (OSError, ValueError):
        return False
    return path.stat().st_size > 0


def _is_whole_safetensors(path: Path) -> bool:
    """Eight bytes that say how long the JSON header is, the header, and as many bytes as it promises."""
    with open(path, "rb") as f:
        length = int.from_bytes(f.read(8), "little")
        if length > path.stat().st_size:
            return False
        header = json.loads(f.read(length))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return path.stat().st_size == 8 + length + max(ends, default=0)


def _was_full(folder: Path, error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(error) for words in NO_ROOM):
            return True
        error = error.__cause__ or error.__context__
    with suppress(OSError):
        return shutil.disk_usage(folder).free < FULL_BYTES
    return False
