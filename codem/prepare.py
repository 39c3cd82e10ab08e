"""What rows share, made once before any of them trains: the base model, its own row's record, the corpora as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codem import bases, train, training_data
from codem.run import fingerprint, write_whole
from codem.settings import Cell


def missing(cells: Sequence[Cell]) -> list[str]:
    """In words; empty when all is there. Loads no framework. cells: of one base; those that are still to train, and the
    base's own row."""
    base = [] if _has_base(cells[0]) else [str(cells[0].base.name)]
    untouched = [f"the record of {cell.base.name}" for cell in _without_record(cells)]
    return [*base, *untouched, *(_words(cell) for cell in _without_tokens(cells))]


def run(cells: Sequence[Cell]) -> None:
    """Raises StageError when the base cannot be had. A corpus that cannot be read is its own rows' failure: it is
    said here, and raised there."""
    for cell in _without_record(cells):
        train.train(cell)
    base, revision = bases.locate(cells[0]).ensured(cells[0]), cells[0].base.revision
    if not _has_base(cells[0]):
        print(f"  {base}: fetched from the hub if it is not in its cache", flush=True)
        bases.examined(base, revision)  # as training does: it needs every file
        write_whole(_note_of_base(cells[0]), "")
    wanted = _without_tokens(cells)
    if not wanted:
        return
    tokenizer = bases.tokenizer(base, revision)
    for cell in wanted:
        try:
            training_data.tokenised(cell, training_data.chosen(cell).items, tokenizer)
        except Exception as e:  # whatever it is: training meets it again, and it is that row's
            print(f"  {_words(cell)}: no tokens: {bases.first_line(e)}", flush=True)


def _without_record(cells: Sequence[Cell]) -> list[Cell]:
    """The base's row, while it has none: there is no training that would write it."""
    return [cell for cell in cells if not cell.trains and not train.is_done(cell)][:1]


def _without_tokens(cells: Sequence[Cell]) -> list[Cell]:
    """One cell for each set of tokens that is not there."""
    by_note = {training_data.note_of(cell): cell for cell in cells if cell.trains}
    return [cell for cell in by_note.values() if not training_data.is_tokenised(cell)]


def _has_base(cell: Cell) -> bool:
    located = bases.locate(cell)
    if located.path is None:
        from codem import tiny

        return tiny.folder(cell.source.cache_dir, tiny.TinyRecipe()).is_dir()
    if Path(located.path).is_dir():
        return True
    from huggingface_hub import try_to_load_from_cache

    known = try_to_load_from_cache(located.path, "config.json", revision=cell.base.revision)
    return isinstance(known, str) and _note_of_base(cell).is_file()


def _note_of_base(cell: Cell) -> Path:
    """There once all files of a hub model were in the hub's cache."""
    return cell.source.cache_dir / "bases" / fingerprint({"base": bases.locate(cell).identity})


def _words(cell: Cell) -> str:
    """`go, seed 0`"""
    size = "" if cell.corpus.size is None else f", {cell.corpus.size} items"
    return f"{cell.train_name}, seed {cell.seed}{size}"
