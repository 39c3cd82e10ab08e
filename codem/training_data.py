"""What one training learns from: its corpora's items, and the same as tokens.

To know whether a corpus is there as tokens its tokenizer would have to be loaded. So whoever makes tokens leaves a note
in the cache, `tokens/<what they are made of>.json`, that names their file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codem import bases, tokens
from codem.corpus import training
from codem.corpus.load import MAX_CHARACTERS
from codem.corpus.pair import Pair
from codem.language_facts import LanguageFacts
from codem.prompts import template_sha256
from codem.run import fingerprint, write_whole
from codem.settings import Cell


def chosen(cell: Cell) -> training.Chosen:
    """The items in the order of the corpus that the cell means, and how it was read. Raises StageError."""
    return training.choose(cell.corpus, _parts(cell), cell.seed)


def recipe(cell: Cell) -> dict[str, Any]:
    """What decides the items, but for the seed. What is as it always was is not said, so that a run that was made
    before a setting was there is still the same run."""
    settings, parts = cell.corpus, _parts(cell)
    more: dict[str, Any] = {}
    if weights := training.weights(settings, parts):
        more["weights"] = weights
    if settings.max_characters != MAX_CHARACTERS:
        more["max_characters"] = settings.max_characters
    return {"size": settings.size, "parts": list(cell.parts), "sha256": training.digest(settings, parts), **more}


def tokenised(cell: Cell, items: Sequence[Pair], tokenizer: Any) -> Path:
    """The file with the cell's items as tokens, made if it is not there. tokenizer: the base's."""
    path = tokens.tokenised(items, tokenizer, cell.method.learn_prompt, cell.source.cache_dir)
    note = note_of(cell)
    if _named(note) != path.name:
        write_whole(note, json.dumps({"file": path.name}))
    return path


def is_tokenised(cell: Cell) -> bool:
    """Loads no framework."""
    note = note_of(cell)
    name = _named(note)
    return bool(name) and (note.parent / name).is_file()


def note_of(cell: Cell) -> Path:
    """The same for two cells that learn from the same tokens."""
    data = recipe(cell)
    made_of = {
        "base": bases.locate(cell).identity,
        "corpus": data.pop("sha256"),
        **data,
        "seed": cell.seed,
        "template": template_sha256(),
        "learn_prompt": cell.method.learn_prompt,
        "format": tokens.FORMAT,
    }
    return cell.source.cache_dir / "tokens" / f"{fingerprint(made_of)}.json"


def _named(note: Path) -> str:
    """The file that a note names; empty when there is no such note, or a torn one."""
    try:
        return str(json.loads(note.read_text("utf-8"))["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _parts(cell: Cell) -> list[LanguageFacts]:
    return [cell.languages[part] for part in cell.parts]
