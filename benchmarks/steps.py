"""A step of a benchmark in a process of its own, so that its memory is its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any


def measured(step: str, command: Sequence[str]) -> Any:
    """What the command prints as its last line, which is JSON. Ends the benchmark when the step fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
