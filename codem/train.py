"""Train what is missing of a grid, score it on every evaluation language, and print the matrix rows.

python -m codem.train                                   # the embedded base model on Python
python -m codem.train -m lang=python,go,html            # three rows
python -m codem.train -m +sweeps=table1                 # the paper's Table 1
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem import bases, training_data
from codem.bases import locate
from codem.corpus import sources
from codem.progress import progress
from codem.prompts import template_sha256
from codem.run import Run, write_record, write_whole
from codem.settings import Cell
from codem.stage import Stage

if TYPE_CHECKING:
    from codem.corpus.pair import Pair

HERE = (sources.Kind.FOLDER, sources.Kind.FILE, sources.Kind.GLOB)


def run_of(cell: Cell) -> Run:
    """The folder of a cell's row. The untrained base has no method and no seed."""
    if not cell.trains:
        return Run(cell.runs, str(cell.base.name), "none", "none", 0)
    return Run(cell.runs, str(cell.base.name), cell.method_name, cell.train_name, cell.seed)


def recipe(cell: Cell) -> dict[str, Any]:
    """Everything that decides the weights, and nothing else."""
    import dataclasses

    base = {"name": cell.base.name, "model": locate(cell).identity}
    if not cell.trains:
        return {"base": base, "lang": ["none"]}
    kind = sources.kind(cell.corpus.source)
    method = dataclasses.asdict(cell.method)
    del method["checkpoint_steps"]  # a resumed run has the bits of an undisturbed one
    return {
        "base": base,
        "lang": list(cell.lang),
        # where the files are does not matter: their digest is there
        "corpus": {"source": kind if kind in HERE else cell.corpus.source, **training_data.recipe(cell)},
        "method": {"name": cell.method_name, **method},
        "deepspeed": dataclasses.asdict(cell.deepspeed),
        "seed": cell.seed,
        "template_sha256": template_sha256(),
    }


def stage_of(cell: Cell) -> Stage:
    run = run_of(cell)
    ways_out = f"remove {run.folder}, or give another runs=, seed= or method"
    return Stage(run.folder, run.record, recipe(cell), ways_out, data=(run.metrics, run.checkpoint, run.model))


def is_done(cell: Cell) -> bool:
    """Trained once, whether or not the model is still there: a scored model may be removed to save space.
    Raises RecipeDiffers when the folder holds another recipe's model."""
    return stage_of(cell).is_done()


def has_model(cell: Cell) -> bool:
    if not cell.trains:
        return is_done(cell)
    model = run_of(cell).model
    weights = [*model.glob("*.safetensors"), *model.glob("*.bin")]
    return is_done(cell) and bool(weights) and (model / "config.json").is_file()


def train(cell: Cell) -> None:
    """Make the row's model, going on from where a killed run stopped. The base row's record is all it needs."""
    run = run_of(cell)
    with stage_of(cell).opened(lambda: has_model(cell), run.log) as record:
        if record is None:
            return
        base = locate(cell).ensured(cell)
        if not cell.trains:
            record["result"] = {"model": base}
            return
        from codem import preflight, ranks
        from codem.job import Job

        items = _items(cell, run, record)
        if not Path(base).is_dir():
            print(f"  {base}: fetched from the hub if it is not in its cache", flush=True)
        model = bases.examined(base, cell.base.revision)
        tokenizer = bases.tokenizer(base, cell.base.revision)
        tokens = training_data.tokenised(cell, items, tokenizer)
        found = preflight.check(cell, model, tokenizer, tokens, items)
        record["preflight"] = found.record()
        write_record(run.record, {**record, "status": "running"})  # how many steps there are, for codem.status
        print(found.line() if cell.base.path is None else found.text(), flush=True)
        with progress(f"train {cell.train_name}", None, "trained") as shown:

            def report(step: int, total: int, note: str) -> None:
                shown.total = total
                shown.update(step, note)

            job = Job(
                base=base,
                revision=cell.base.revision,
                tokens=tokens,
                config=cell.method,
                method=cell.method_name,
                deepspeed=cell.deepspeed.config,
                seed=cell.seed,
                checkpoint=run.checkpoint,
                model=run.model,
                metrics=run.metrics,
                tracker=cell.tracker,
                run_name=str(run.folder.relative_to(run.root)),
                report=report,
            )
            record["result"] = ranks.run(job)
        _remove_checkpoints(run.checkpoint)


def _items(cell: Cell, run: Run, record: dict[str, Any]) -> list[Pair]:
    """What is learned from, with its ids beside the record, and with what was left out said, logged and recorded."""
    chosen = training_data.chosen(cell)
    made = hashlib.sha256()

    def lines() -> Iterator[str]:
        for line in chosen.lines():
            made.update(line.encode())
            yield line

    write_whole(run.items, lines())
    record["items"] = len(chosen.items)
    record["items_sha256"] = made.hexdigest()
    record["corpora"] = chosen.record()
    for notice in chosen.notices():
        print(f"  {notice}", flush=True)
    for reading in chosen.readings:
        for bad in reading.tally.listed:
            logging.getLogger("codem").warning("left out: %s", bad)
    return chosen.items


def model_folder(cell: Cell) -> str:
    """What generation loads: the row's model, or the base itself."""
    return str(run_of(cell).model) if cell.trains else locate(cell).ensured(cell)


def _remove_checkpoints(folder: Path) -> None:
    """Optimiser states are six times the model; a finished run no longer needs them."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    from codem import config, pipeline

    return config.main(pipeline.run_rows)


if __name__ == "__main__":
    sys.exit(main())
