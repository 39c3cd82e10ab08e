"""A folder for one batch of programs; what killed judges left behind goes when the next one starts."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "codem-judge-"


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """In TMPDIR, private to this user, removed at the end. Raises OSError when it cannot be made."""
    _clean(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _clean(place: str) -> None:
    """Once in a process: remove the folders whose process, told by their name, is no more."""
    for path in Path(place).glob(f"{PREFIX}*"):
        owner = re.match(rf"{PREFIX}(\d+)-", path.name)
        with contextlib.suppress(OSError):
            if owner and path.stat().st_uid == os.geteuid() and not Path("/proc", owner[1]).exists():
                shutil.rmtree(path, ignore_errors=True)
