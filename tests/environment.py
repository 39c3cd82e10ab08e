"""The environment in which tests start processes."""

from __future__ import annotations

import os


def clean_environment() -> dict[str, str]:
    """Without what a launcher sets: left behind, it changes how a trainer runs."""
    left_behind = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
    return {k: v for k, v in os.environ.items() if k not in left_behind}
