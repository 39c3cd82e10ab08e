"""What a method is given to make a model of: plain values, so that other processes can be given the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.fine_tuning import FineTuning


def _silent(step: int, total: int, note: str) -> None:
    pass


@dataclass(frozen=True)
class Job:
    base: str
    """A folder or a hub id that transformers can load."""
    revision: str | None
    tokens: Path
    """The examples, as codem/tokens.py wrote them."""
    config: FineTuning
    method: str
    """Which of codem/methods/ trains."""
    deepspeed: dict[str, Any]
    seed: int
    checkpoint: Path
    model: Path
    metrics: Path
    tracker: str = "none"
    run_name: str = ""
    """What a tracker calls the run."""
    report: Callable[[int, int, str], None] = _silent
    """Called with the step, the number of steps, and a note. It stays in this process: others get a job without it."""
