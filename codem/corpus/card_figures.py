"""The pictures of a corpus card: lengths, languages, verbs and topics, each as PNG and as SVG.

One colour and its place tell the bars apart, so all pictures say the same in grey and with any colour blindness. The
same numbers give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem.corpus.lengths import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR, INK, MUTED, GRID = "#2166ac", "#1b1f24", "#5b636d", "#e3e5e8"
DPI = 160
BINS = 40
CHARACTER_WIDTH = 0.0115
"""Of the text after a bar, as a share of the axis."""
LABEL_CHARACTERS = 34
"""A longer name is cut: a corpus may hold words of any length."""


@dataclass(frozen=True)
class Bar:
    name: str
    count: int
    note: str = ""
    """Small, after the number."""


def bars(rows: Sequence[Bar], of: int, heading: str, detail: str) -> Figure:
    """Horizontal bars from the top, each with its count and its share of `of` instructions or responses."""
    fig = _blank(7.4, 1.15 + 0.29 * max(1, len(rows)))
    ax = fig.add_subplot()
    places = range(len(rows))
    ax.barh(places, [row.count for row in rows], height=0.7, color=BAR)
    ax.set_yticks(places, [_short(row.name) for row in rows])
    ax.set_ylim(max(1, len(rows)) - 0.4, -0.6)
    said = [_said(row, of) for row in rows]
    # as wide as the widest bar with its text needs
    ends = (row.count / (1 - len(text) * CHARACTER_WIDTH) for row, text in zip(rows, said, strict=True))
    ax.set_xlim(0, max(ends, default=0) or 1)
    for place, row, text in zip(places, rows, said, strict=True):
        ax.annotate(text, (row.count, place), va="center", fontsize=8.5, color=INK, parse_math=False)
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.spines["left"].set_color(MUTED)
    ax.tick_params(length=0, labelsize=9.5, labelcolor=INK)
    for label in ax.get_yticklabels():
        label.set_parse_math(False)  # a `$` in a word is a dollar
    _heading(fig, heading, detail)
    return fig


def lengths(instructions: Sequence[int], responses: Sequence[int], unit: str, heading: str) -> Figure:
    """Two histograms on one logarithmic axis, with the median and the 95th percentile of each.

    unit: what was counted, as the axis says it. Empty texts are drawn at 1.
    """
    import numpy as np

    fig = _blank(7.4, 3.9)
    panels = fig.subplots(2, 1, sharex=True)
    low, high = (max(1, part((*instructions, *responses), default=1)) for part in (min, max))
    edges = np.geomspace(low - 0.5, high + 0.5, BINS + 1)
    for ax, name, counted in zip(panels, ("instructions", "responses"), (instructions, responses), strict=True):
        values = np.maximum(np.asarray(counted, int), 1)
        # A length n counts from n - 0.5 to n + 0.5: among short ones some bins would hold no whole number, some two.
        up_to = np.cumsum(np.bincount(values, minlength=2))
        heights = np.diff(np.interp(edges, np.arange(len(up_to)) + 0.5, up_to))
        ax.bar(edges[:-1], heights, np.diff(edges), align="edge", color=BAR, edgecolor="white", linewidth=0.4)
        ax.set_xscale("log")
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(bottom=0)
        ax.set_ylabel(name, color=INK, fontsize=9.5)
        if len(values):
            median, most = (max(1, spread(counted)[name]) for name in ("median", "p95"))
            ax.axvline(median, color=INK, linewidth=1.2)
            ax.axvline(most, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
            ax.set_title(f"median {median:,.0f} (line), 95th percentile {most:,.0f} (dashed), longest {max(counted):,}",
                loc="right", fontsize=8.5, color=MUTED)  # fmt: skip
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(MUTED)
        ax.grid(axis="y", color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.tick_params(which="both", length=3, labelsize=8.5, labelcolor=MUTED, color=MUTED)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.xaxis.set_minor_formatter(
            lambda value, _: f"{value:,.0f}" if high < 300 and value > 1 and f"{value:.0e}"[0] in "25" else ""
        )
    panels[1].set_xlabel(unit, color=MUTED, fontsize=9)
    _heading(fig, heading, "")
    return fig


def save(fig: Figure, folder: Path, stem: str) -> None:
    """`<stem>.png` and `<stem>.svg`, its letters as outlines: no viewer needs the fonts."""
    import matplotlib

    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("png", {"dpi": DPI, "metadata": {"Software": None}}),
        ("svg", {"metadata": {"Date": None}}),
    )
    for kind, options in kinds:
        buffer = io.BytesIO()
        with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "codem"}):
            fig.savefig(buffer, format=kind, bbox_inches="tight", pad_inches=0.15, facecolor="white", **options)
        (folder / f"{stem}.{kind}").write_bytes(buffer.getvalue())


def _said(row: Bar, of: int) -> str:
    share = f" {row.count:,} ({100 * row.count / of:.1f} %)" if of else f" {row.count:,}"
    return f"{share}   {_short(row.note, 44)}" if row.note else share


def _blank(width: float, height: float) -> Figure:
    """An empty picture, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(fig)
    return fig


def _heading(fig: Figure, heading: str, detail: str) -> None:
    fig.suptitle(heading, x=0.01, ha="left", fontsize=12, weight="bold", color=INK, parse_math=False)
    if detail:
        fig.supxlabel(detail, x=0.01, ha="left", fontsize=8.5, color=MUTED, parse_math=False)


def _short(text: str, characters: int = LABEL_CHARACTERS) -> str:
    """Without what no font has; a picture is no place for control characters."""
    plain = "".join(c if c.isprintable() and ord(c) < 0x2000 else "?" for c in text)
    return plain if len(plain) <= characters else plain[: characters - 1] + "\N{HORIZONTAL ELLIPSIS}"
