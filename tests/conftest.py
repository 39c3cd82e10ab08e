"""What several test files share: a base model small enough to train in a second, and how to run a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def micro_base(tmp_path_factory) -> Path:
    """A folder with a one-layer gpt_bigcode and the embedded tokenizer, hardly trained."""
    from codem import tiny

    recipe = tiny.TinyRecipe(documents=400, layers=1, width=16, heads=2, batch_rows=8)
    return tiny.ensure(tmp_path_factory.mktemp("micro"), recipe)


@pytest.fixture
def codem(tmp_path):
    """Run `python -m <module> ...` in an empty folder; returns the finished process."""

    def run(*command: str, cwd: Path = tmp_path, **kwargs) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, cwd=cwd, env=clean_environment(), **kwargs
        )

    return run


def clean_environment() -> dict[str, str]:
    """Without what a launcher sets: left behind, it changes how a trainer runs."""
    left_behind = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
    return {k: v for k, v in os.environ.items() if k not in left_behind}
