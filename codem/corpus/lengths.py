"""How long a text is: in tokens of a base model, or, where no base is named, in words and signs.

    measure = lengths.measure(None, cache_dir)         # or a Base
    measure("print('hi')"), measure.unit               # (6, "words and signs")

Words and signs cost nothing to count and are near the tokens that large vocabularies make of code; a limit that must
hold for a model needs that model's tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from codem.errors import StageError
from codem.settings import Base

WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")
TEXTS_AT_ONCE = 2_000


class Measure(Protocol):
    """Can be pickled, for processes that share the work."""

    @property
    def unit(self) -> str: ...
    def __call__(self, text: str) -> int: ...
    def many(self, texts: Sequence[str]) -> list[int]: ...


@dataclass(frozen=True)
class WordsAndSigns:
    unit: str = "words and signs"

    def __call__(self, text: str) -> int:
        return len(WORD_OR_SIGN.findall(text))

    def many(self, texts: Sequence[str]) -> list[int]:
        return [self(text) for text in texts]


@dataclass(frozen=True)
class Tokens:
    tokenizer: Any
    """Of the tokenizers library."""
    unit: str

    def __call__(self, text: str) -> int:
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def many(self, texts: Sequence[str]) -> list[int]:
        made: list[int] = []
        for at in range(0, len(texts), TEXTS_AT_ONCE):
            some = list(texts[at : at + TEXTS_AT_ONCE])
            made += map(len, self.tokenizer.encode_batch_fast(some, add_special_tokens=False))
        return made


def measure(base: Base | None, cache_dir: Path) -> Measure:
    """base: whose tokenizer; None: words and signs. cache_dir: where the embedded base is kept, or made first.

    Raises StageError when the base has no tokenizer that can be read.
    """
    if base is None:
        return WordsAndSigns()
    from codem import bases, tiny

    path = base.path
    if path is None:
        path = str(tiny.ensure(cache_dir, tiny.TinyRecipe()))
    made = getattr(bases.tokenizer(path, base.revision), "backend_tokenizer", None)
    name = base.name or path
    if made is None:
        raise StageError(f"{name}: expected a tokenizer of the tokenizers library (tokenizer.json), found another kind")
    made.no_truncation()
    made.no_padding()
    return Tokens(made, f"tokens of {name}")


def spread(lengths: Sequence[int]) -> dict[str, float]:
    """Of at least one length; none: zeros. Percentiles are lengths that occur (nearest rank)."""
    ordered = sorted(lengths) or [0]

    def rank(share: float) -> int:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {
        "mean": round(sum(ordered) / len(ordered), 1),
        "median": rank(0.5),
        "p95": rank(0.95),
        "longest": ordered[-1],
    }
