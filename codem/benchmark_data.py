"""Where a benchmark's files come from: a local folder, or their public home, fetched once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    data_dir: Path | None
    """A folder that holds the benchmark's files; None: they are fetched from their public home into the cache."""
    cache_dir: Path
