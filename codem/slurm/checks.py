"""Check the settings of launcher=slurm, all at once, before anything is submitted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from codem.launchers import STAGES, Launcher, Resources, Slurm
from codem.settings import Base, Shard
from codem.slurm import resources

SPELLINGS = "minutes, hours:minutes:seconds, days-hours or days-hours:minutes:seconds (in quotes in a YAML file)"


def check(launcher: Launcher | None, method: Any, base: Base | None, shard: Shard | None, errors: list[str]) -> None:
    """Of one cell, as far as its parts could be read: None is what could not. Other launchers have nothing to check."""
    if not isinstance(launcher, Slurm):
        return
    if shard is not None:
        errors.append(
            f"shard: {shard} with launcher=slurm: the launcher shares the judging out by itself; "
            f"give launcher.shards={shard.count} instead"
        )
    for stage in STAGES:
        wanted: Resources = getattr(launcher, stage)
        errors += [f"launcher.{stage}.{said}" for said in _stage(stage, wanted, launcher)]
    if method is not None and base is not None:
        errors += _training(launcher.train, method, base)


def _stage(stage: str, wanted: Resources, launcher: Slurm) -> Iterator[str]:
    try:
        minutes = resources.minutes(wanted.time)
    except ValueError:
        yield f"time: expected {SPELLINGS}, found {wanted.time!r}"
    else:
        if minutes == 0:
            yield f"time: expected a minute or more, found {wanted.time!r}"
        elif 60 * minutes <= launcher.signal_s:
            yield (
                f"time: expected more than launcher.signal_s={launcher.signal_s} seconds, found {wanted.time!r}: a job "
                f"is told so long before its limit to save its work, and this one would never begin any; give more "
                f"time, or a smaller launcher.signal_s"
            )
    if wanted.memory is not None and not re.fullmatch(r"\d+[KMGT]?B?", str(wanted.memory), re.IGNORECASE):
        yield f"memory: expected a number with K, M, G or T behind it, such as 64G, found {wanted.memory!r}"
    if stage != "train" and wanted.nodes != 1:
        yield f"nodes: expected 1, found {wanted.nodes}: only training is shared out over nodes"
    if stage != "train" and wanted.tasks not in (None, 1):
        yield f"tasks: expected 1, found {wanted.tasks}: only training has several processes"
    yield from _passed_through(stage, wanted.sbatch or {})


def _passed_through(stage: str, options: dict[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        name = key.replace("_", "-")
        if name in resources.OURS:
            yield f"sbatch.{key}: submission itself decides --{name}"
        elif name in resources.KEYS:
            yield f"sbatch.{key}: give launcher.{stage}.{resources.KEYS[name]} instead"
        elif len(name) == 1:
            yield f"sbatch.{key}: expected an option of sbatch by its long name, such as mail-type"
        elif isinstance(value, dict | list):
            yield f"sbatch.{key}: expected text or a number, found {value!r}"


def _training(wanted: Resources, method: Any, base: Base) -> Iterator[str]:
    gpus = resources.training_gpus(wanted, method, base)
    tasks = resources.training_tasks(wanted, gpus)
    for name, count in (("gpus", gpus), ("tasks", tasks)):
        if count % wanted.nodes:
            yield (
                f"launcher.train.{name}: expected a multiple of launcher.train.nodes={wanted.nodes}, found {count}: "
                f"every node gets as many"
            )
    passes = method.grad_accumulation * method.gpus
    if passes % tasks:
        yield (
            f"launcher.train: {tasks} processes cannot share the {passes} forward passes of a step evenly; give "
            f"launcher.train.{'tasks' if wanted.tasks else 'gpus'} a number that divides method.grad_accumulation x "
            f"method.gpus, or change those"
        )
