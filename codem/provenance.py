"""Who made a result: the code's commit, the package versions, the command, the machine."""

from __future__ import annotations

import functools
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "deepspeed", "hydra-core", "omegaconf", "numpy")

_job: dict[str, Any] = {}


def provenance() -> dict[str, Any]:
    """Part of every record; never part of a recipe's identity."""
    return {
        "code": _code(),
        "packages": _packages(),
        "python": platform.python_version(),
        "argv": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "host": socket.gethostname(),
    } | _job


@contextmanager
def by_job(launch: dict[str, Any], argv: Sequence[str]) -> Iterator[None]:
    """In this block a job works for another command: what it makes says which one, and what was known of the job.

    launch: submission, job, node, estimate; it becomes the record's `launch`. argv: that of the command.
    """
    global _job
    before, _job = _job, {"launch": launch, **({"argv": list(argv)} if argv else {})}
    try:
        yield
    finally:
        _job = before


@functools.cache
def _code() -> dict[str, Any]:
    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    changes = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes)}


@functools.cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
