"""What several test files share: a base model small enough to train in a second."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def micro_base(tmp_path_factory) -> Path:
    """A folder with a one-layer gpt_bigcode and the embedded tokenizer, hardly trained."""
    from codem import tiny

    recipe = tiny.TinyRecipe(documents=400, layers=1, width=16, heads=2, batch_rows=8)
    return tiny.ensure(tmp_path_factory.mktemp("micro"), recipe)
