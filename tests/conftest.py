"""What several test files share: a base model small enough to train in a second, and the benchmarks' files."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from codem import interruption


@pytest.fixture(autouse=True, scope="session")
def foreground() -> None:
    """These tests may run in the background of a script, where SIGINT is ignored. Programs that they start shall not
    inherit that; those of a command do not (codem/interruption.py)."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, interruption.ignored)


@pytest.fixture(scope="session")
def micro_base(tmp_path_factory) -> Path:
    """A folder with a one-layer gpt_bigcode and the embedded tokenizer, hardly trained."""
    from codem import tiny

    recipe = tiny.TinyRecipe(documents=400, layers=1, width=16, heads=2, batch_rows=8)
    return tiny.ensure(tmp_path_factory.mktemp("micro"), recipe)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """A folder with the published benchmarks' files, which this repository does not hold."""
    named = os.environ.get("CODEM_DATA_DIR")
    if not named:
        pytest.skip("CODEM_DATA_DIR names no folder with the benchmarks' files")
    folder = Path(named)
    assert folder.is_dir(), f"CODEM_DATA_DIR: expected a folder, found {named}"
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
