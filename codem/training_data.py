"""What one training learns from: its corpora's items, and the same as tokens.

To know whether a corpus is there as tokens its tokenizer would have to be loaded. So whoever makes tokens leaves a note
in the cache, `tokens/<what they are made of>.json`, that names their file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codem import bases, corpus, tokens
from codem.language_facts import LanguageFacts
from codem.prompts import template_sha256
from codem.run import fingerprint, write_whole
from codem.settings import Cell


def items(cell: Cell) -> list[dict[str, str]]:
    """In the order of the corpus that the cell means. Raises StageError."""
    return corpus.items(cell.corpus.source, _parts(cell), cell.corpus.size, cell.seed)


def tokenised(cell: Cell, items: Sequence[dict[str, str]], tokenizer: Any) -> Path:
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
    made_of = {
        "base": bases.locate(cell).identity,
        "corpus": corpus.digest(cell.corpus.source, _parts(cell)),
        "parts": cell.parts,
        "size": cell.corpus.size,
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
