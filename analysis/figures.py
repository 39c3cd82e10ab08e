"""The figures: the transfer matrix (Table 1 as a picture), the two correlations (Figure 4), gains, trees of languages.

Every function returns a matplotlib Figure made without pyplot: nothing global, nothing to close. A notebook shows it,
and `analysis.picture` makes it a file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis import matrix as matrices
from analysis.names import NONE, is_own, title
from analysis.picture import (
    COLOURS,
    DOWN,
    INK,
    MUTED,
    NEUTRAL,
    UP,
    blank,
    heading_of,
    ink_on,
    signed,
    symmetric_limit,
)

if TYPE_CHECKING:
    from analysis.null_bands import NullBands


def matrix_figure(table: pd.DataFrame, heading: str, base: str = "", detail: str = "") -> Figure:
    """`matrix.cells` as a heat map: pass@1, below it the gain over the base row, coloured by that gain."""
    scores = matrices.pass_at_1(table)
    gains = matrices.gain(scores)
    rows, columns = scores.shape
    fig, ax = _canvas(width=2.9 + 0.98 * columns, height=2.15 + 0.62 * rows)
    limit = symmetric_limit(gains)
    shown = gains.drop(index=NONE, errors="ignore").reindex(scores.index)  # the base row is left without a colour
    coloured = bool(shown.notna().to_numpy().any())
    ax.set_facecolor(NEUTRAL)
    _heat(ax, shown, limit, "gain over the base, percentage points" if coloured else None)
    for y, train in enumerate(scores.index):
        for x, lang in enumerate(scores.columns):
            score = float(scores.to_numpy()[y, x])
            if math.isnan(score):
                _missing(ax, x, y)
            else:
                _matrix_cell(ax, x, y, score, float(gains.to_numpy()[y, x]), (train, lang), limit)
    _ticks(ax, _titles(scores.columns, base), _titles(scores.index, base))
    ax.set_ylabel("trained on", color=MUTED, fontsize=9.5, labelpad=8)
    ax.set_title("evaluated on", color=MUTED, fontsize=9.5, pad=8)
    notes = ["pass@1 in %, below it the gain over the base" if NONE in scores.index else "pass@1 in %; no base row"]
    if any(is_own(t, lang) for t in scores.index for lang in scores.columns):
        notes.append("framed: own language")
    if scores.isna().to_numpy().any():
        notes.append("hatched: no score")
    heading_of(fig, heading, [detail, "; ".join(notes)])
    return fig


def correlation_figure(
    corr: pd.DataFrame, heading: str, detail: str = "", base: str = "", bands: NullBands | None = None
) -> Figure:
    """One of `correlation`'s frames, from -1 to 1; an empty cell has no correlation.

    bands: of the same frame; below each correlation stands what noise alone gives, and those outside it are framed.
    """
    size = len(corr)
    room = 1.0 if bands is None else 1.25
    fig, ax = _canvas(width=2.7 + 0.78 * room * size, height=1.9 + 0.58 * size)
    _heat(ax, corr, 1.0, "Pearson correlation")
    ax.set_facecolor("white")
    for y in range(size):
        for x in range(size):
            value = float(corr.to_numpy()[y, x])
            band = _band(bands, y, x)
            text = "" if math.isnan(value) else signed(value, 2).removeprefix("+")
            place = (x + 0.5, y + (0.38 if band else 0.5))
            ax.text(*place, text, ha="center", va="center", fontsize=9.5, color=ink_on(value))
            if band:
                told = f"{signed(band[0], 2)} to {signed(band[1], 2)}".replace("+", "")
                ax.text(x + 0.5, y + 0.72, told, ha="center", va="center", fontsize=6.3, color=ink_on(value))
                if not band[0] <= value <= band[1]:
                    _frame(ax, x, y, ink_on(value))
            if math.isnan(value):
                _missing(ax, x, y)
    names = _titles(corr.index, base)
    _ticks(ax, names, names, slanted=size > 7 or max(map(len, names)) > 11)
    lines = [detail]
    if bands is not None:
        lines.append(f"small: 95 % of what binomial noise alone gives ({bands.null}); framed: outside of it")
    if corr.isna().to_numpy().any():
        lines.append("hatched: constant, or fewer than three pairs of scores")
    heading_of(fig, heading, lines)
    return fig


def gains_figure(differences: pd.DataFrame, heading: str, detail: str = "") -> Figure:
    """`multiplicity.significance` as a forest plot: a panel for each evaluation language, a line for each row.

    Filled: stands after Holm's correction over all cells. Raises ValueError when no cell has a difference.
    """
    known = differences[differences["difference"].notna()]
    if known.empty:
        raise ValueError("expected differences to draw, found none: every cell lacks verdicts, or there is no base row")
    langs = list(dict.fromkeys(known.index.get_level_values("lang")))
    trains = list(dict.fromkeys(known.index.get_level_values("train")))
    columns = min(4, len(langs))
    lines = math.ceil(len(langs) / columns)
    fig = blank(width=1.6 + 2.35 * columns, height=1.2 + lines * (0.75 + 0.27 * len(trains)))
    panels = fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for place, ax in enumerate(panels.flat):
        if place >= len(langs):
            ax.set_visible(False)
            continue
        lang = langs[place]
        _forest(ax, known.loc[known.index.get_level_values("lang") == lang].droplevel("lang"), trains, str(lang))
        ax.set_title(title(str(lang)), loc="left", fontsize=10, color=INK, pad=5)
        ax.tick_params(labelbottom=place + columns >= len(langs))
        if place + columns >= len(langs):
            ax.set_xlabel("points over the base", color=MUTED, fontsize=9)
    panels[0, 0].set_ylim(len(trains) - 0.4, -0.6)
    marks = "95 % interval, paired by problem; filled: stands after Holm's correction; square: own language"
    heading_of(fig, heading, [detail, marks])
    return fig


def _forest(ax: Axes, rows: pd.DataFrame, trains: list, lang: str) -> None:
    ax.axvline(0, color=MUTED, linewidth=1)
    for train, row in rows.iterrows():
        y = trains.index(train)
        colour = UP if row["difference"] >= 0 else DOWN
        ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt", zorder=2)
        mark = "s" if is_own(str(train), lang) else "o"
        fill = colour if row["p_holm"] <= 0.05 else "white"
        ax.plot(row["difference"], y, mark, color=colour, markerfacecolor=fill, markersize=6, zorder=3)
    ax.set_yticks(range(len(trains)), [title(str(train)) for train in trains])
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color("#c3c8ce")
    ax.tick_params(length=0, labelsize=8.5, labelcolor=MUTED)
    ax.tick_params(axis="y", labelcolor=INK, labelsize=9)
    ax.grid(axis="x", color="#eceef1", linewidth=0.8)
    ax.set_axisbelow(True)


def dendrogram_figure(corr: pd.DataFrame, heading: str, detail: str = "") -> Figure:
    """The languages joined by `similarity.tree` at the height 1 - r. Raises ValueError as that does."""
    from scipy.cluster import hierarchy

    from analysis.similarity import tree

    names, joins = tree(corr)
    drawn = hierarchy.dendrogram(joins, labels=names, no_plot=True)
    fig = blank(width=5.6, height=1.3 + 0.36 * len(names))
    ax = fig.add_subplot()
    for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        ax.plot(heights, places, color=INK, linewidth=1.4, solid_joinstyle="miter")
    ax.set_yticks([5 + 10 * i for i in range(len(names))], [title(str(name)) for name in drawn["ivl"]])
    ax.set_ylim(10 * len(names), 0)
    ax.set_xlim(left=0)
    ax.set_xlabel("1 \N{MINUS SIGN} r at which they join (average linkage)", color=MUTED, fontsize=9)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color("#c3c8ce")
    ax.tick_params(length=0, labelsize=9.5, labelcolor=INK)
    ax.tick_params(axis="x", labelcolor=MUTED, labelsize=8.5)
    heading_of(fig, heading, [detail])
    return fig


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    fig = blank(width, height)
    return fig, fig.add_subplot()


def _heat(ax: Axes, values: pd.DataFrame, limit: float, bar: str | None) -> None:
    options: dict = {"linewidths": 1.5, "linecolor": "white", "xticklabels": False, "yticklabels": False}
    if bar:
        options["cbar_kws"] = {"label": bar, "fraction": 0.05, "pad": 0.02, "aspect": 25}
    sns.heatmap(values, ax=ax, cmap=COLOURS, vmin=-limit, vmax=limit, cbar=bar is not None, **options)
    ax.set(xlabel="", ylabel="")
    colour_bar = ax.collections[0].colorbar
    if colour_bar is not None:
        colour_bar.outline.set_visible(False)
        colour_bar.ax.tick_params(length=0, labelsize=8.5, labelcolor=MUTED)
        colour_bar.ax.yaxis.label.set(color=MUTED, fontsize=9)


def _matrix_cell(ax: Axes, x: int, y: int, score: float, gain: float, names: tuple[str, str], limit: float) -> None:
    train, lang = names
    own = is_own(train, lang)
    ink = INK if train == NONE else ink_on(gain / limit)
    has_gain = train != NONE and not math.isnan(gain)
    weight = "bold" if own else "normal"
    ax.text(
        x + 0.5, y + (0.37 if has_gain else 0.5), f"{score:.1f}",
        ha="center", va="center", fontsize=11.5, weight=weight, color=ink,
    )  # fmt: skip
    if has_gain:
        ax.text(x + 0.5, y + 0.72, signed(gain), ha="center", va="center", fontsize=8.5, color=ink)
    if own:
        _frame(ax, x, y)


def _frame(ax: Axes, x: int, y: int, colour: str = INK) -> None:
    ax.add_patch(Rectangle((x + 0.045, y + 0.06), 0.91, 0.88, fill=False, edgecolor=colour, linewidth=2))


def _band(bands: NullBands | None, y: int, x: int) -> tuple[float, float] | None:
    if bands is None:
        return None
    low, high = (float(part.to_numpy()[y, x]) for part in (bands.low, bands.high))
    return None if math.isnan(low) else (low, high)


def _missing(ax: Axes, x: int, y: int) -> None:
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor="white", edgecolor="#c3c8ce", hatch="////", linewidth=0, zorder=2))


def _titles(names: pd.Index, base: str) -> list[str]:
    return [f"{base} (base)" if base and name == NONE else title(str(name)) for name in names]


def _ticks(ax: Axes, columns: list[str], rows: list[str], slanted: bool = False) -> None:
    ax.xaxis.tick_top()
    ax.set_xticks([i + 0.5 for i in range(len(columns))], columns, rotation=40 if slanted else 0)
    for label in ax.get_xticklabels():
        label.set(ha="left" if slanted else "center", rotation_mode="anchor")
    ax.set_yticks([i + 0.5 for i in range(len(rows))], rows, rotation=0)
    ax.tick_params(length=0, labelsize=10, labelcolor=INK)
