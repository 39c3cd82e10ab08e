"""What can be known to fail, or to be stopped, before anything is queued: too little memory, a time limit that is too
short, checkpoints of another number of processes. What no cluster could run is refused by codem/slurm/checks.py.

    for line in of(nodes): print(line)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from codem import checkpoints, costs, model_shape, plan, train
from codem.errors import CodemError
from codem.graph import Node
from codem.launchers import Resources, Slurm
from codem.progress import duration
from codem.slurm import resources

EARLY_S = 60
"""Slurm may signal so much earlier than it was asked to."""
NAMED = 3


def of(nodes: Sequence[Node], estimates: Sequence[costs.Estimate] | None = None) -> list[str]:
    """One line for each thing that is wrong, with the rows that it concerns. Empty where the stages run here: nothing
    is known then of what they get."""
    found: dict[str, list[Node]] = {}
    for place, node in enumerate(nodes):
        if not isinstance(node.cell.launcher, Slurm):
            continue
        estimate = estimates[place] if estimates else costs.estimate(node)
        for words in _of_node(node, node.cell.launcher, estimate):
            found.setdefault(words, []).append(node)
    return [f"{_named(concerned)}: {words}" for words, concerned in found.items()]


def _named(nodes: Sequence[Node]) -> str:
    names = list(dict.fromkeys(f"{n.stage} {n.row}".strip() for n in nodes))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _of_node(node: Node, launcher: Slurm, estimate: costs.Estimate) -> Iterator[str]:
    asked: Resources = getattr(launcher, node.stage)
    try:
        if node.stage == "train":
            yield from _training(node, asked)
        if node.stage == "generate":
            yield from _generation(node, asked)
    except CodemError:
        pass  # a corpus that cannot be read: the plan's row says so
    yield from _time(node.stage, launcher, asked, estimate)


def _training(node: Node, asked: Resources) -> Iterator[str]:
    cell, on = node.cell, costs.hardware(node.cell, "train")
    config = cell.method
    before = _checkpoints_of(train.run_of(cell).checkpoint)
    if before not in (None, on.processes):
        yield (
            f"its checkpoints were written by {before} processes, and {on.processes} would go on: each holds a part of "
            f"the optimiser. Give launcher.train.tasks={before}, or remove its checkpoint/"
        )
    if not (on.gpus and asked.gpu_gb):
        return
    training = plan.training_of(cell)
    if training.shape is None:
        return
    peak = model_shape.memory(training.shape, config, cell.deepspeed.config, on.gpus).gib["peak"]
    if peak > plan.usable_gib(asked.gpu_gb):
        yield (
            f"{peak:.0f} GiB are needed on each of {on.gpus} GPUs, and launcher.train.gpu_gb={asked.gpu_gb}: it will "
            f"run out of memory{plan.ways_out(cell, training, peak, on.gpus)}; or larger cards, or more of them"
        )


def _checkpoints_of(folder: Path) -> int | None:
    """The number of processes that wrote them; None where there are none."""
    try:
        made_by = json.loads((folder / checkpoints.PROCESSES_FILE).read_text("utf-8"))["processes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return int(made_by) if any(folder.glob("checkpoint-*")) else None


def _generation(node: Node, asked: Resources) -> Iterator[str]:
    """Weights alone: a batch that does not fit beside them is halved until it does."""
    cell, on = node.cell, costs.hardware(node.cell, "generate")
    shape = plan.shape_of(cell)
    if shape is None or not (on.gpus and asked.gpu_gb):
        return
    split = getattr(cell.engine, "gpus", 1)
    dtype = "fp16" if cell.engine.dtype == "auto" else cell.engine.dtype
    needed = shape.parameters * model_shape.BYTES[dtype] / split / model_shape.GIB + model_shape.CUDA_GIB
    if needed > plan.usable_gib(asked.gpu_gb):
        several = "" if split > 1 else "; or engine=vllm engine.gpus=2 launcher.generate.gpus=2, which splits it"
        yield (
            f"the weights alone need {needed:.0f} GiB in {dtype}, and launcher.generate.gpu_gb={asked.gpu_gb}: it will "
            f"run out of memory; take a larger card{several}"
        )


def _time(stage: str, launcher: Slurm, asked: Resources, estimate: costs.Estimate) -> Iterator[str]:
    limit_s = 60 * resources.minutes(asked.time)
    kept_s = limit_s - launcher.signal_s - EARLY_S
    if kept_s <= 0:
        yield (
            f"launcher.{stage}.time={asked.time} leaves no time to work: a job is told to save what it has "
            f"{launcher.signal_s} s before its limit, or up to {EARLY_S} s earlier; give more time, or a shorter "
            f"launcher.signal_s"
        )
        return
    if estimate.wall_s is None or estimate.wall_s <= limit_s or stage not in ("train", "generate", "execute"):
        return
    times = int(estimate.wall_s // kept_s) + 1
    said = f"launcher.{stage}.time={asked.time} is less than the {duration(estimate.wall_s)} that are expected"
    if times - 1 > launcher.max_requeues:
        yield (
            f"{said}: with {launcher.max_requeues} returns to the queue it will fail before its end; give more time, "
            f"or launcher.max_requeues={times}"
        )
    else:
        yield f"{said}: each job will go back into the queue about {times - 1} times, and go on from where it was"
