"""A plan (codem/plan.py) for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codem import model_shape, plan
from codem.launchers import STAGES, Local, Slurm
from codem.progress import duration
from codem.settings import Cell

if TYPE_CHECKING:
    from codem.dry_run import DryRun
    from codem.graph import Node

COSTED = ("train", "generate", "execute")
BLOCKS = 12
"""Rows that are told in full; of more, each gets a line."""
LAST = "This was a plan: nothing was done. Without launch.dry_run=true the command does it."


def text(rows: Sequence[plan.Row]) -> str:
    """For the terminal: a block for each row, and the sum of all."""
    in_full = len(rows) <= BLOCKS
    blocks = [(_block if in_full else _brief)(n, len(rows), row) for n, row in enumerate(rows, 1)]
    blocks = blocks if in_full else ["\n".join(blocks)]
    trained = [r.training for r in rows if r.training and r.training.gpu_hours]
    if len(trained) > 1:
        total = ", ".join(
            f"{sum(t.gpu_hours[card] for t in trained):.1f} GPU-hours of {card}" for card in plan.PEAK_TFLOPS
        )
        models = sum(t.model_gb for t in trained)
        blocks.append(f"All {len(trained)} trainings: {total}; {_gb(models)} for the models.")
    return "\n\n".join(blocks)


def jobs(made: DryRun) -> str:
    """What the stages ask for and cost, in all; empty when nothing is to do."""
    if not made.nodes:
        return ""
    launcher = made.nodes[0].cell.launcher
    on_slurm = isinstance(launcher, Slurm)
    table = []
    for stage in STAGES:
        places = [n for n, node in enumerate(made.nodes) if node.stage == stage]
        todo = [n for n in places if n not in made.under_way]
        if places:
            table.append([stage, _how_many(len(todo), len(places) - len(todo)), _asked(made, todo), *_cost(made, todo)])
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]) - 1)]
    lines = [
        f"  {'  '.join(v.ljust(w) for v, w in zip(row[:-1], widths, strict=True))}  {row[-1]}".rstrip() for row in table
    ]
    hours = sum(e.gpu_hours or 0.0 for n, e in enumerate(made.estimates) if n not in made.under_way)
    at_once = f"{launcher.array_parallelism} jobs of an array" if isinstance(launcher, Slurm) else "1 row"
    if isinstance(launcher, Local) and launcher.parallel > 1:
        at_once = f"{launcher.parallel} rows"
    unknown = sum(e.wall_s is None for e, n in zip(made.estimates, made.nodes, strict=True) if n.stage in COSTED)
    lines.append(
        f"  In all {_number(hours)} GPU-hours, about {duration(made.wall_s)} with {at_once} at once"
        + (", without the wait in the queue" if on_slurm else "")
        + (f"; {unknown} of the jobs are not estimated, and not in this" if unknown else "")
        + "."
    )
    lines += [f"  {words}" for words in _sources(made)]
    lines += [f"  note: {made.unasked}"] if made.unasked else []
    lines += [f"  warning: {words}" for words in made.warnings]
    return "\n".join(["Jobs for Slurm:" if on_slurm else "Stages, run here:", *lines])


def _how_many(todo: int, under_way: int) -> str:
    said = f"{todo} job{'' if todo == 1 else 's'}"
    return f"{said} ({under_way} more under way)" if under_way else said


def _asked(made: DryRun, places: Sequence[int]) -> str:
    """What each job asks for; of jobs that ask for different things, each kind."""
    return "; ".join(dict.fromkeys(_resources(made.nodes[n]) for n in places))


def _resources(node: Node) -> str:
    launcher = node.cell.launcher
    if not isinstance(launcher, Slurm):
        return "here"
    from codem.slurm import resources

    asked = getattr(launcher, node.stage)
    gpus, tasks = resources.gpus_of(node.cell, node.stage), resources.tasks_of(node.cell, node.stage)
    said = [
        f"{asked.nodes} nodes" if asked.nodes > 1 else "",
        f"{gpus} GPU{'' if gpus == 1 else 's'}" if gpus else "",
        f"{tasks} x {asked.cpus} CPUs" if tasks > 1 else f"{asked.cpus} CPU{'' if asked.cpus == 1 else 's'}",
        f"{asked.memory}" if asked.memory else "",
        f"limit {asked.time}",
        *(
            f"{name} {value}"
            for name in ("partition", "account", "qos", "constraint")
            if (value := getattr(asked, name) or getattr(launcher, name, None))
        ),
    ]
    return ", ".join(filter(None, said))


def _cost(made: DryRun, places: Sequence[int]) -> tuple[str, str]:
    estimates = [made.estimates[n] for n in places]
    known = [e for e in estimates if e.wall_s is not None]
    if not known:
        return "", ""
    longest, hours = max(e.wall_s or 0.0 for e in known), sum(e.gpu_hours or 0.0 for e in known)
    each = f"{duration(longest)}" if len(known) == 1 else f"up to {duration(longest)} each"
    return f"{_number(hours)} GPU-hours" if hours else "no GPU", each


def _number(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 9.95 else f"{hours:.2g}"


def _sources(made: DryRun) -> list[str]:
    """What the estimates rest on, once each."""
    found: dict[str, list[str]] = {}
    for node, estimate in zip(made.nodes, made.estimates, strict=True):
        if node.stage in COSTED:
            said = found.setdefault(node.stage, [])
            if estimate.source not in said:
                said.append(estimate.source)
    return [
        f"{stage}: {sources[0]}" + (f" (and {len(sources) - 1} other sources)" if len(sources) > 1 else "")
        for stage, sources in found.items()
    ]


def _block(number: int, count: int, row: plan.Row) -> str:
    lines = [f"[{number}/{count}] {row.folder}"]
    if row.refused:
        return "\n".join([*lines, *_line("refused", row.refused)])
    lines += _line("there", _stages(row.there) or "nothing yet") + _line("to do", _stages(row.missing) or "nothing")
    if t := row.training:
        lines += _training_lines(row.cell, t)
    for warning in row.warnings:
        lines += _line("warning", warning)
    return "\n".join(lines)


def _brief(number: int, count: int, row: plan.Row) -> str:
    head = f"[{number}/{count}] {row.folder}: "
    if row.refused:
        return f"{head}refused: {row.refused.splitlines()[0]}"
    there = f"; there {said}" if (said := _stages(row.there)) else ""
    return f"{head}to do {_stages(row.missing) or 'nothing'}{there}"


def _training_lines(cell: Cell, t: plan.Training) -> list[str]:
    c = cell.method
    lines = _line("corpus", f"{t.pairs:,} pairs of {t.pair_tokens:.0f} tokens ({t.source})")
    lines += _line(
        "training",
        f"{cell.method_name} in {c.precision}, {cell.deepspeed.name}; {c.batch_per_gpu} x {c.grad_accumulation} x "
        f"{c.gpus} GPUs = {t.batch} examples a step: {t.steps:,} steps, {t.tokens / 1e6:.1f} M tokens",
    )
    if t.shape is None:
        return lines + _line("model", "its shape is not known without a network; state base.shape, or give a folder")
    learned = model_shape.learning(t.shape, c)[0]
    share = "" if learned == t.shape.parameters else f", of which {learned / 1e6:,.1f} M learn"
    lines += _line(
        "model",
        f"{_count(t.shape.parameters)} parameters{share}, "
        f"{model_shape.flops_per_token(t.shape, c, t.pair_tokens) / 1e9:.3g} GFLOP per token of training",
    )
    for gpus, parts in sorted(t.memory.items(), key=lambda entry: entry[0] != c.gpus):
        lines += _line("memory", f"{_gib(parts['peak'])} on each of {gpus}{_cards(parts['peak'], gpus)}")
        if gpus == c.gpus:
            named = (f"{name} {_gib(gib)}" for name, gib in parts.items() if name != "peak" and gib >= 0.05)
            lines += _line("", ", ".join(named))
    if t.gpu_hours:
        cost = [f"{card} {_hours(h, c.gpus)}" for card, h in t.gpu_hours.items()]
        padding = "" if c.packing else ", and padding on top"
        lines += _line("cost", f"{'; '.join(cost)}; at {plan.MFU:.0%} of {_peaks()} (assumed){padding}")
    return lines + _line(
        "disk", f"{_gb(t.model_gb)} for the model; up to {_gb(t.checkpoints_gb)} for checkpoints while it trains"
    )


def _line(label: str, words: str) -> list[str]:
    return [f"  {label:<9} {words}"] if words else []


def _stages(of_each: dict[str, list[str]]) -> str:
    """`train python; generate, execute java, go`: stages with the same languages together."""
    together: dict[str, list[str]] = {}
    for stage, names in of_each.items():
        if names:
            together.setdefault(", ".join(names), []).append(stage)
    return "; ".join(f"{', '.join(stages)} {names}" for names, stages in together.items())


def _cards(peak: float, gpus: int) -> str:
    fits = [card for card, gib in plan.CARDS_GIB.items() if peak <= gib]
    name = "GPU" if gpus == 1 else "GPUs"
    if not fits:
        return f" {name}: more than any card of {max(plan.CARDS_GIB)} GB"
    return f" {name}: fits cards of {fits[0]} GB" + (" and more" if len(fits) > 1 else "")


def _hours(hours: float, gpus: int) -> str:
    return f"{hours:.2g} GPU-hours ({duration(hours / gpus * 3600)} on {gpus})"


def _peaks() -> str:
    return " and ".join(str(peak) for peak in plan.PEAK_TFLOPS.values()) + " TFLOP/s"


def _gb(gb: float) -> str:
    return f"{gb:,.0f} GB" if gb >= 9.95 else f"{gb:.1f} GB" if gb >= 0.05 else f"{1000 * gb:.0f} MB"


def _gib(gib: float) -> str:
    return f"{gib:,.0f} GiB" if gib >= 9.95 else f"{gib:.1f} GiB"


def _count(n: int) -> str:
    return f"{n / 1e9:.2f} B" if n >= 1e8 else f"{n / 1e6:.2f} M"
