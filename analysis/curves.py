"""The training curves: what each model's metrics.jsonl says, as numbers and as one figure with a panel per row.

A panel shows the loss against the step, and below it the norm of the gradient on a logarithmic scale; steps that fp16
overflow skipped are marked in red. All panels share their axes, so that rows can be compared. Seeds of a row share one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analysis.load import Evaluation
from analysis.names import NONE, title
from analysis.picture import INK, MUTED, blank, heading_of

LOSS, NORM, SKIPPED = "#2166ac", "#7d8894", "#c0392b"
NUMBERS = (
    "step",
    "tokens",
    "learned_tokens",
    "loss",
    "grad_norm",
    "loss_scale",
    "skipped_steps",
    "learned_tokens_per_s",
)
MOST_COLUMNS = 3
PLAIN_UP_TO = 60
"""Steps that are drawn as they are; of more, a moving mean is drawn over the pale single steps."""

Curves = Mapping[str, Mapping[int, pd.DataFrame]]
"""Row of the matrix -> seed -> one line per step."""


def read(path: Path) -> pd.DataFrame:
    """One row per step, in order; of a step that was logged twice (before a kill and after) the last. Lines that are
    torn, and values that are no numbers, are left out: a curve with a gap is a curve."""
    rows: dict[int, dict[str, float]] = {}
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            rows[entry["step"]] = {name: _number(entry.get(name)) for name in NUMBERS}
    return pd.DataFrame([rows[step] for step in sorted(rows)], columns=list(NUMBERS), dtype="float64")


def curves(runs: Iterable[Evaluation]) -> dict[str, dict[int, pd.DataFrame]]:
    """Of every trained model that has any; `runs` names each model by one of its evaluations, in the order of rows."""
    found: dict[str, dict[int, pd.DataFrame]] = {}
    for run in runs:
        frame = read(run.run_path / "metrics.jsonl")
        if run.train != NONE and frame["loss"].notna().any():
            found.setdefault(run.train, {})[run.seed] = frame
    return found


def without(runs: Iterable[Evaluation], found: Curves) -> list[str]:
    """Trained models that left no curve, in words."""
    lost = [run for run in runs if run.train != NONE and run.seed not in found.get(run.train, {})]
    return [f"{title(run.train)} (seed {run.seed})" for run in lost]


def summary(found: Curves) -> list[dict[str, Any]]:
    """One row per model: how long it learned, what came of it, and what fp16 skipped."""
    rows = []
    for train, seeds in found.items():
        for seed, frame in seeds.items():
            loss, speed, scale = frame["loss"].dropna(), frame["learned_tokens_per_s"].dropna(), frame["loss_scale"]
            rows.append(
                {
                    "train": train,
                    "seed": seed,
                    "steps": int(frame["step"].max()),
                    "learned_tokens": _whole(frame["learned_tokens"].max()),
                    "first": float(loss.iloc[0]),
                    "last": float(loss.iloc[-_few(len(loss)) :].mean()),
                    "skipped": len(skipped(frame)),
                    "lowest_scale": _whole(scale.min()),
                    "speed": _whole(speed.median() if len(speed) else math.nan),
                }
            )
    return rows


def skipped(frame: pd.DataFrame) -> list[int]:
    """The steps at which the count of skipped ones rose."""
    count = frame["skipped_steps"].fillna(0)
    return [int(step) for step in frame["step"][count.diff().fillna(count) > 0]]


def figure(found: Curves, heading: str, detail: str = "") -> Figure:
    """`curves` as small multiples, at most three beside each other."""
    columns = min(MOST_COLUMNS, len(found))
    rows = math.ceil(len(found) / columns)
    fig = blank(width=0.7 + (6.6 if columns == 1 else 3.6) * columns, height=1.1 + 2.75 * rows)
    ratios = [3.0, 1.0] * rows
    axes = fig.subplots(2 * rows, columns, sharex=True, sharey=False, squeeze=False, height_ratios=ratios)
    first_loss, first_norm = axes[0, 0], axes[1, 0]
    for place, (train, seeds) in enumerate(found.items()):
        y, x = divmod(place, columns)
        loss, norm = axes[2 * y, x], axes[2 * y + 1, x]
        _panel(loss, norm, seeds)
        loss.set_title(_title(train, seeds), loc="left", fontsize=10, color=INK, pad=5)
        if place:
            loss.sharey(first_loss)
            norm.sharey(first_norm)
        norm.yaxis.set_minor_locator(NullLocator())
        loss.tick_params(labelleft=x == 0)
        norm.tick_params(labelleft=x == 0, labelbottom=place + columns >= len(found))
        if x == 0:
            loss.set_ylabel("loss", color=MUTED, fontsize=9)
            norm.set_ylabel("gradient", color=MUTED, fontsize=9)
    for place in range(len(found), rows * columns):
        y, x = divmod(place, columns)
        axes[2 * y, x].set_visible(False)
        axes[2 * y + 1, x].set_visible(False)
    _limits(first_loss, first_norm, found)
    marks = ["loss of each step, and the norm of its gradient (logarithmic), against the step"]
    if any(skipped(frame) for seeds in found.values() for frame in seeds.values()):
        marks.append("red: steps that fp16 overflow skipped")
    heading_of(fig, heading, [detail, "; ".join(marks)])
    return fig


def _panel(loss: Axes, norm: Axes, seeds: Mapping[int, pd.DataFrame]) -> None:
    for ax in (loss, norm):
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color("#c3c8ce")
        ax.tick_params(length=0, labelsize=8.5, labelcolor=MUTED)
        ax.grid(axis="y", color="#eceef1", linewidth=0.8)
        ax.set_axisbelow(True)
    norm.set_yscale("log")
    norm.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for frame in seeds.values():
        step = frame["step"].to_numpy()
        for ax, name, colour in ((loss, "loss", LOSS), (norm, "grad_norm", NORM)):
            values = frame[name].where(frame[name] > 0) if name == "grad_norm" else frame[name]
            if len(frame) > PLAIN_UP_TO:
                ax.plot(step, values, color=colour, alpha=0.22, linewidth=0.7)
                values = values.rolling(max(3, len(frame) // 30), min_periods=1, center=True).mean()
            # one step alone has no line
            ax.plot(step, values, color=colour, linewidth=1.4, marker="." if len(frame) == 1 else "")
        for ax, height in ((loss, 0.03), (norm, 0.1)):
            for at in skipped(frame):
                ax.axvline(at, ymax=height, color=SKIPPED, linewidth=1.1)


def _title(train: str, seeds: Mapping[int, pd.DataFrame]) -> str:
    lost = sum(len(skipped(frame)) for frame in seeds.values())
    told = [f"{len(seeds)} seeds"] if len(seeds) > 1 else []
    told += [f"{lost} skipped"] if lost else []
    return title(train) + (f"  ({', '.join(told)})" if told else "")


def _limits(loss: Axes, norm: Axes, found: Curves) -> None:
    """From the bulk of the values: one wild step must not flatten every curve."""
    frames = [frame for seeds in found.values() for frame in seeds.values()]
    values = pd.concat([frame["loss"] for frame in frames]).dropna().to_numpy()
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    margin = 0.06 * max(high - low, 1e-3)
    loss.set_ylim(max(0.0, low - margin), high + margin)
    norms = pd.concat([frame["grad_norm"] for frame in frames]).dropna().to_numpy()
    norms = norms[norms > 0]
    low, high = (float(np.quantile(norms, q)) for q in (0.002, 0.998)) if len(norms) else (1.0, 1.0)
    middle = math.sqrt(low * high)
    low, high = min(low / 1.6, middle / 3.5), max(high * 1.6, middle * 3.5)
    ticks = [m * 10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in (1, 3)]
    ticks = [tick for tick in ticks if low < tick < high]
    norm.set_ylim(low, high)
    norm.yaxis.set_major_locator(FixedLocator(ticks[:: math.ceil(len(ticks) / 4)]))
    norm.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _number(value: object) -> float:
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    return number if math.isfinite(number) else math.nan


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else round(value)


def _few(steps: int) -> int:
    """The last twentieth, at least one: the loss of a single step is mostly its examples'."""
    return max(1, steps // 20)
