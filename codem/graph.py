"""The graph of a command: one node for each job that has something to do, in an order in which they can run.

    prepare --> train --> generate --> execute, in shards --> summary
    (a base)    (a row)   (a row, all   (a row)                (all rows)
                          languages)

What several rows need is one node: the base model and the corpora as tokens. A row that trains nothing (the base
itself) begins at generate. A stage whose results are complete has no node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codem import execute, plugins, prepare, train
from codem.errors import CodemError
from codem.run import Run
from codem.settings import Base, Cell, Shard
from codem.stages import KINDS


@dataclass(frozen=True)
class Node:
    stage: str
    """One of launchers.STAGES."""
    cells: tuple[Cell, ...]
    """One; several only where rows share the work: of prepare and of summary."""
    missing: tuple[str, ...]
    """What it has to make, in words: the training's name, or languages."""
    needs: tuple[int, ...] = ()
    """Places, in the graph, of the nodes that must have succeeded before this one; for a summary: have ended."""

    @property
    def cell(self) -> Cell:
        return self.cells[0]

    @property
    def row(self) -> str:
        """`tiny/sft/go/seed0`, as its folder under runs/; of what rows share: the base's name, or nothing."""
        if self.stage in ("train", "generate", "execute"):
            return str(train.run_of(self.cell).folder.relative_to(self.cell.runs))
        return str(self.cell.base.name) if self.stage == "prepare" else ""


def of(cells: Sequence[Cell], stages: Sequence[str], shards: int = 1, summary: bool = False) -> list[Node]:
    """stages: those that the command runs, of `train`, `generate` and `execute`. shards: jobs that share the judging of
    one row; a cell that is itself one part stays that part. Raises CodemError when a row holds another recipe's
    results, or needs what is not there and is not to be made."""
    rows = [_row(cell, stages) for cell in _merged(cells)]
    nodes: list[Node] = []
    prepared = _prepare(nodes, rows) if "train" in stages else {}
    trained: dict[Run, int] = {}
    judged: dict[tuple, tuple[int, ...]] = {}
    for row in rows:
        run, cell = train.run_of(row.cell), row.cell
        last = (prepared[cell.base],) if row.needs_base and cell.base in prepared else ()
        if row.missing["train"]:
            if run not in trained:
                trained[run] = _add(nodes, Node("train", (cell,), row.missing["train"], last))
            last = (trained[run],)
        if row.missing["generate"]:
            last = (_add(nodes, Node("generate", (cell,), row.missing["generate"], last)),)
        if "execute" in stages:
            # Another way to judge the same answers writes into the same folder: one after the other.
            here = (run, cell.bench_name, cell.decode.name)
            last = (*last, *judged.get(here, ()))
            parts = ((part, tuple(KINDS["execute"].missing(part))) for part in _parts(cell, shards))
            judged[here] = tuple(_add(nodes, Node("execute", (p,), todo, last)) for p, todo in parts if todo)
    if summary and nodes:
        needed = {n for node in nodes for n in node.needs}
        nodes.append(Node("summary", tuple(cells), ("matrix",), tuple(n for n in range(len(nodes)) if n not in needed)))
    return nodes


@dataclass(frozen=True)
class _Row:
    cell: Cell
    missing: dict[str, tuple[str, ...]]
    """By stage, of those that one job of the row does; empty where the command does not run the stage."""

    needs_base: bool


def _merged(cells: Sequence[Cell]) -> list[Cell]:
    """Cells that are the same row, benchmark and decoding, and differ in the languages that are scored, become one."""
    found: dict[tuple, Cell] = {}
    for cell in cells:
        checked = tuple(facts.check for facts in cell.languages.values())
        key = (train.run_of(cell), cell.bench_name, cell.decode.name, cell.errata, checked, cell.shard)
        if key in found:
            wanted = {*found[key].eval_lang, *cell.eval_lang}
            order = plugins.load("benchmarks", cell.bench_name).LANGUAGES
            together = tuple(lang for lang in order if lang in wanted)
            found[key] = replace(found[key], eval_lang=together, repeat=max(found[key].repeat, cell.repeat))
        else:
            found[key] = cell
    return list(found.values())


def _row(cell: Cell, stages: Sequence[str]) -> _Row:
    model = tuple(KINDS["train"].missing(cell)) if {"train", "generate"} & set(stages) else ()
    answers = tuple(KINDS["generate"].missing(cell)) if "generate" in stages else ()
    if "generate" not in stages:
        execute.refuse_unanswered(cell)
    if "train" not in stages:
        if model:
            raise CodemError(f"{train.run_of(cell)}: train is not finished; run python -m codem.train first")
        return _Row(cell, {"train": (), "generate": answers}, needs_base=False)
    if not cell.trains:
        return _Row(cell, {"train": (), "generate": answers}, needs_base=bool(model or answers))
    return _Row(cell, {"train": model, "generate": answers}, needs_base=bool(model))


def _prepare(nodes: list[Node], rows: Sequence[_Row]) -> dict[Base, int]:
    """Base -> place of the node that makes what its rows share; only of bases of which something is missing."""
    by_base: dict[Base, list[Cell]] = {}
    for row in rows:
        if row.needs_base:
            by_base.setdefault(row.cell.base, []).append(row.cell)
    missing = {base: tuple(prepare.missing(cells)) for base, cells in by_base.items()}
    return {base: _add(nodes, Node("prepare", tuple(by_base[base]), todo)) for base, todo in missing.items() if todo}


def _parts(cell: Cell, shards: int) -> list[Cell]:
    if shards == 1 or cell.shard is not None:
        return [cell]
    return [replace(cell, shard=Shard(number, shards)) for number in range(1, shards + 1)]


def _add(nodes: list[Node], node: Node) -> int:
    """Its place."""
    nodes.append(node)
    return len(nodes) - 1
