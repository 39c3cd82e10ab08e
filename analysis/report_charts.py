"""The interactive charts: gains with intervals, correlations with null bands, the tree of languages.

Every function returns a plotly Figure, which a notebook shows as it is. Colours are those of LIGHT; a page in the dark
replaces each of them by the colour that its name stands for (see page/report.js).
"""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.claim_text import p_text
from analysis.names import title
from analysis.null_bands import NullBands
from analysis.picture import signed
from analysis.similarity import tree

LIGHT = {
    "ink": "#1b1f24", "muted": "#5b636d", "line": "#dfe3e8", "up": "#2166ac", "down": "#ca3c32",
    "high": "#2a6fb3", "low": "#c9443a", "middle": "#f7f7f7", "clear": "rgba(0,0,0,0)",
}  # fmt: skip
LEVEL = 0.05
LONGEST = 18
"""Letters of a name beside a chart; the hover has all of it."""


def gains(differences: pd.DataFrame, lang: str) -> go.Figure:
    """Each trained row's gain on one language, with its interval; filled: significant after Holm's correction.

    differences: `multiplicity.significance(frame)`.
    """
    rows = differences[differences.index.get_level_values("lang") == lang].droplevel("lang")
    rows = rows[rows["difference"].notna()].iloc[::-1]
    names = [_name(train) for train in rows.index]
    points = rows["difference"].to_numpy(dtype=float)
    stands = (rows["p_holm"] <= LEVEL).to_numpy()
    colours = [LIGHT["up"] if value >= 0 else LIGHT["down"] for value in points]
    told = [_told(row) for row in rows.to_dict("records")]
    figure = go.Figure(
        go.Scatter(
            x=points.round(4).tolist(),
            y=names,
            mode="markers",
            marker={
                "size": 10,
                "symbol": ["circle" if stand else "circle-open" for stand in stands],
                "color": colours,
                "line": {"width": 2, "color": colours},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (rows["high"] - points).round(4).tolist(),
                "arrayminus": (points - rows["low"]).round(4).tolist(),
                "color": LIGHT["muted"],
                "thickness": 1.6,
                "width": 4,
            },
            customdata=told,
            hovertemplate="<b>%{y}</b><br>%{customdata}<extra></extra>",
        )
    )
    _plain(figure, 96 + 26 * len(names), left=names, bottom=44)
    low, high = limits(differences)
    figure.update_xaxes(range=[low, high], zeroline=True, zerolinewidth=1.6, gridcolor=LIGHT["line"], nticks=7)
    figure.update_xaxes(zerolinecolor=LIGHT["muted"], title={"text": "points over the base", "font": {"size": 12}})
    figure.update_yaxes(type="category", showgrid=False, tickvals=names, ticktext=_short(names))
    return figure


def limits(differences: pd.DataFrame) -> tuple[float, float]:
    """One scale for all languages, so that charts compare."""
    values = differences[["low", "high", "difference"]].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (-1.0, 1.0)
    margin = 0.05 * max(high - low, 1.0)
    return round(min(low, 0.0) - margin, 2), round(max(high, 0.0) + margin, 2)


def correlations(bands: NullBands) -> go.Figure:
    """A heat map of correlations; bold: outside the band that noise alone gives. The band is in the hover."""
    seen, outside = bands.observed, bands.outside.to_numpy()
    names = [_name(name) for name in seen.index]
    values = seen.to_numpy(dtype=float)
    text, told = [], []
    for y in range(len(names)):
        text.append([_number(values[y, x], outside[y, x]) for x in range(len(names))])
        told.append([_band(bands, y, x) for x in range(len(names))])
    figure = go.Figure(
        go.Heatmap(
            z=[[None if math.isnan(value) else round(value, 4) for value in row] for row in values],
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale=[[0, LIGHT["low"]], [0.5, LIGHT["middle"]], [1, LIGHT["high"]]],
            text=text,
            texttemplate="%{text}",
            textfont={"size": 12},
            customdata=told,
            hovertemplate="<b>%{y}</b> and <b>%{x}</b><br>%{customdata}<extra></extra>",
            xgap=2,
            ygap=2,
            colorbar={"thickness": 10, "len": 0.9, "outlinewidth": 0, "title": {"text": ""}, "tickfont": {"size": 11}},
        )
    )
    short = _short(names)
    longest = max(map(len, short), default=0)
    _plain(figure, 60 + 5 * longest + 40 * len(names), left=names, top=30 + 5 * longest)
    figure.update_yaxes(autorange="reversed", type="category", tickvals=names, ticktext=short, showgrid=False)
    figure.update_xaxes(side="top", type="category", tickangle=-40, tickvals=names, ticktext=short, showgrid=False)
    return figure


def dendrogram(correlation: pd.DataFrame) -> go.Figure:
    """Languages joined where they are alike: the height of a join is 1 - r. Raises ValueError as `similarity.tree`."""
    from scipy.cluster import hierarchy

    labels, joins = tree(correlation)
    drawn = hierarchy.dendrogram(joins, labels=labels, no_plot=True)
    names = _short([_name(name) for name in drawn["ivl"]])
    figure = go.Figure()
    for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        figure.add_scatter(
            x=[round(float(height), 4) for height in heights],
            y=[float(place) for place in places],
            mode="lines",
            line={"color": LIGHT["ink"], "width": 1.8},
            hovertemplate=f"joined at 1 \N{MINUS SIGN} r = {max(heights):.2f}<extra></extra>",
            showlegend=False,
        )
    _plain(figure, 70 + 30 * len(names), left=names, bottom=44)
    ticks = [5.0 + 10 * place for place in range(len(names))]
    figure.update_yaxes(tickvals=ticks, ticktext=names, zeroline=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(
        rangemode="tozero", gridcolor=LIGHT["line"], zeroline=False, title={"text": "1 − r", "font": {"size": 12}}
    )
    return figure


def as_json(figure: go.Figure) -> dict[str, Any]:
    """Plain lists and numbers, without plotly's own theme."""
    told = figure.to_plotly_json()
    told["layout"].pop("template", None)
    return told


def _plain(figure: go.Figure, height: int, left: list[str], top: int = 8, bottom: int = 8) -> None:
    """left: the names that stand there. Margins are given: plotly would find them by drawing again and again."""
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 18 + 7 * max(map(len, _short(left)), default=0), "r": 12, "t": top, "b": bottom},
        paper_bgcolor=LIGHT["clear"],
        plot_bgcolor=LIGHT["clear"],
        font={"color": LIGHT["ink"], "size": 13, "family": "system-ui, sans-serif"},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(fixedrange=True, automargin=False)
    figure.update_yaxes(fixedrange=True, automargin=False, ticks="")


def _told(row: dict) -> str:
    parts = [
        f"{signed(row['difference'], 2)} points ({signed(row['low'])} to {signed(row['high'])})",
        f"{row['gained']} gained, {row['lost']} lost of {row['problems']} problems",
    ]
    if not math.isnan(row["p"]):
        parts.append(f"p = {p_text(row['p'])}; Holm {p_text(row['p_holm'])}; max-T {p_text(row['p_max_t'])}")
    return "<br>".join(parts)


def _number(value: float, bold: bool) -> str:
    if math.isnan(value):
        return ""
    text = signed(value, 2).removeprefix("+")
    return f"<b>{text}</b>" if bold else text


def _band(bands: NullBands, y: int, x: int) -> str:
    value, low, high = (float(part.to_numpy()[y, x]) for part in (bands.observed, bands.low, bands.high))
    if math.isnan(value):
        return "no correlation: constant, or fewer than three pairs of scores"
    if math.isnan(low):
        return f"r = {signed(value, 2)}"
    where = "outside it" if not low <= value <= high else "inside it"
    return f"r = {signed(value, 2)}<br>by noise alone {signed(low, 2)} to {signed(high, 2)}: {where}"


def _name(train: object) -> str:
    """plotly reads a few tags in its texts: names of folders are not to have any."""
    return html.escape(title(str(train)), quote=False)


def _short(names: list[str]) -> list[str]:
    """Long ones lose their end."""
    whole = [html.unescape(name) for name in names]
    cut = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}" for name in whole]
    return [html.escape(name, quote=False) for name in cut]
