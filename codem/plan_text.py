"""A plan (codem/plan.py) for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from codem import model_shape, plan
from codem.progress import duration
from codem.settings import Cell


def text(rows: Sequence[plan.Row]) -> str:
    """For the terminal: a block for each row, and the sum of all."""
    blocks = [_block(n, len(rows), row) for n, row in enumerate(rows, 1)]
    trained = [r.training for r in rows if r.training and r.training.gpu_hours]
    if len(trained) > 1:
        total = ", ".join(
            f"{sum(t.gpu_hours[card] for t in trained):.1f} GPU-hours of {card}" for card in plan.PEAK_TFLOPS
        )
        models = sum(t.model_gb for t in trained)
        blocks.append(f"All {len(trained)} trainings: {total}; {_gb(models)} for the models.")
    blocks.append("This was a plan: nothing was done. Without launch.dry_run=true the command does it.")
    return "\n\n".join(blocks)


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
