"""The stages of a row: what each still has to make, and how it is made. Where they run is codem/pipeline.py's matter,
here, or codem/slurm/submission.py's, on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codem import execute, generate, noise, prepare, train
from codem.settings import Cell


@dataclass(frozen=True)
class StageKind:
    name: str
    missing: Callable[[Cell], list[str]]
    """What this stage still has to make of a cell, in words; empty when it is complete."""
    run: Callable[[Cell], None]


def _without_answers(cell: Cell) -> list[str]:
    return [lang for lang in cell.eval_lang if not generate.is_done(cell, lang)]


def _without_model(cell: Cell) -> list[str]:
    there = train.is_done(cell) and (train.has_model(cell) or not _without_answers(cell))
    return [] if there else [cell.train_name]


def _generate(cell: Cell) -> None:
    generate.generate(cell)
    if noise.missing(cell):  # repeat=2 or more
        noise.measure(cell)


TRAIN = StageKind("train", _without_model, train.train)
GENERATE = StageKind("generate", lambda c: _without_answers(c) or noise.missing(c), _generate)
EXECUTE = StageKind(
    "execute", lambda c: [lang for lang in c.eval_lang if not execute.is_done(c, lang)], execute.execute
)
KINDS = {kind.name: kind for kind in (TRAIN, GENERATE, EXECUTE)}


def make(stage: str, cells: Sequence[Cell]) -> None:
    """Do what a node of the graph stands for, in this process. (A summary is no matter of the rows'.)"""
    if stage == "prepare":
        prepare.run(cells)
    else:
        for cell in cells:
            KINDS[stage].run(cell)
