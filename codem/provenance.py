"""Who made a result: the code's commit, the package versions, the command, the machine."""

from __future__ import annotations

import functools
import os
import platform
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "deepspeed", "hydra-core", "omegaconf", "numpy")


def provenance() -> dict[str, Any]:
    """Part of every record; never part of a recipe's identity."""
    return {
        "code": _code(),
        "packages": _packages(),
        "python": platform.python_version(),
        "argv": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "host": socket.gethostname(),
    }


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
