"""A teacher with bad days for each test, and the seeds that it is asked to evolve."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import seed_items
from crafting import Service
from once import once


@pytest.fixture
def service(tmp_path) -> Iterator[Callable[..., Service]]:
    """Starts servers, which end with the test."""
    started: list[Service] = []

    def start(*options: str) -> Service:
        started.append(Service(tmp_path / f"asked{len(started)}.jsonl", options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def seeds(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("seeds") / "alpaca.json"
    path.write_text(json.dumps(seed_items.items()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def roomy_base(shared) -> Path:
    """As small as `micro_base`, with room for pairs as long as the scripted teacher's."""
    from codem import tiny

    recipe = tiny.TinyRecipe(documents=100, layers=1, width=16, heads=2, batch_rows=8, positions=1024)
    return Path(once(shared / "roomy", lambda folder: str(tiny.ensure(folder, recipe))))
