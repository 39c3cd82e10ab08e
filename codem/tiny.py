"""The embedded base model: a gpt_bigcode of under a million parameters, pre-trained the first time it is needed.

    folder = ensure(Path("cache"), TinyRecipe())     # about two minutes on two cores, then at once

The folder is named by the fingerprint of the recipe and of the corpus that it is trained on. A killed build goes on
from its last whole checkpoint and ends in the same weights.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from codem.world import corpora

Progress = Callable[[int, int], None]
"""Called with the step reached and the number of steps."""
FINGERPRINTED_DOCUMENTS = 4_000
"""Enough to show every family in every language many times; hashing the whole corpus would take seconds."""


@dataclass(frozen=True)
class TinyRecipe:
    world: str = corpora.VERSION
    seed: int = 0
    documents: int = 25_000
    """Functions and pages, each seen once."""
    layers: int = 4
    width: int = 128
    heads: int = 4
    """Of the queries; keys and values have one (multi-query attention)."""
    vocabulary: int = 768
    positions: int = 256
    row_length: int = 192
    batch_rows: int = 8
    """Small batches, many steps: with 16 rows and half the steps the model did not learn to copy a constant."""
    learning_rate: float = 2.5e-3
    adam_beta2: float = 0.98
    initializer_range: float = 0.05
    """With the usual 0.02 and beta2 of 0.999 the loss after 150 steps was 1.13, with this and 0.98 it was 0.72."""
    warmup_steps: int = 30
    weight_decay: float = 0.01
    checkpoint_steps: int = 20


@cache
def fingerprint(recipe: TinyRecipe) -> str:
    """Twelve hex digits that change when the recipe or the text of the corpus does."""
    digest = hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode())
    for document in itertools.islice(corpora.pretraining_documents(recipe.seed), FINGERPRINTED_DOCUMENTS):
        digest.update(document.encode() + b"\0")
    return digest.hexdigest()[:12]


def folder(cache_dir: Path, recipe: TinyRecipe) -> Path:
    """Where `ensure` puts the model. It exists only when it is whole."""
    return cache_dir / f"tiny-{fingerprint(recipe)}"


def ensure(cache_dir: Path, recipe: TinyRecipe, progress: Progress | None = None) -> Path:
    """The folder of the pre-trained model and its tokenizer; builds it if it is not there.

    Of two processes that ask at once, one builds and the other waits for it.
    """
    final = folder(cache_dir, recipe)
    if final.is_dir():
        return final
    cache_dir.mkdir(parents=True, exist_ok=True)
    with open(final.with_name(final.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel gives it back when the holder dies
        if not final.is_dir():
            from codem.tiny_training import build

            work = final.with_name(final.name + ".building")
            build(recipe, work, progress or (lambda step, total: None)).rename(final)
            shutil.rmtree(work, ignore_errors=True)
    return final
