"""What all pictures share: the page, its colours and letters, and the bytes that a file or a notebook gets.

Colours are ColorBrewer's RdBu, which stays readable with red-green blindness: blue is up, red is down. In grey both
ends are dark: there the signs of the numbers say which is which, and no mark is told from another by its colour alone.
"""

from __future__ import annotations

import io
import math

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

COLOURS = ListedColormap(colormaps["RdBu"](np.linspace(0.11, 0.89, 255)), name="RdBu without its darkest ends")
NEUTRAL = "#e3e5e8"
"""The base row: its gain is zero by definition, which is not a finding."""
INK = "#1b1f24"
MUTED = "#5b636d"
UP, DOWN = "#2166ac", "#b2382c"
DPI = 160


class Picture(Figure):
    """A Figure that Jupyter displays by itself; a plain one needs pyplot's figure manager for that."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        data = png(self)
        return data, {"width": width_on_page(data)}


def blank(width: float, height: float) -> Figure:
    """An empty picture, in inches."""
    fig = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(fig)
    return fig


def heading_of(fig: Figure, heading: str, lines: list[str]) -> None:
    """A bold line and smaller ones below it, left of the picture's middle so that long ones fit."""
    fig.suptitle(heading, x=0.01, ha="left", fontsize=13, weight="bold", color=INK)
    text = "\n".join(line for line in lines if line)
    fig.supxlabel(text, x=0.01, ha="left", fontsize=9, color=MUTED)


def vector(fig: Figure, kind: str) -> bytes:
    """The picture as "pdf", with its fonts embedded as TrueType, or as "svg", its letters as outlines: no viewer needs
    the fonts. The same figure gives the same bytes. Raises ValueError for another kind."""
    if kind not in ("pdf", "svg"):
        raise ValueError(f"expected pdf or svg, found {kind!r}")
    undated = {"CreationDate": None} if kind == "pdf" else {"Date": None}
    buffer = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "codem"}):
        fig.savefig(buffer, format=kind, bbox_inches="tight", pad_inches=0.1, facecolor="white", metadata=undated)
    return buffer.getvalue()


def png(fig: Figure, dpi: int = DPI) -> bytes:
    """The picture's bytes. `tight` grows the page to the longest label: nothing is clipped."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.2, facecolor="white")
    return buffer.getvalue()


def width_on_page(picture: bytes, dpi: int = DPI) -> int:
    """CSS pixels at which the letters of a picture are as large as those of the page around it."""
    return round(int.from_bytes(picture[16:20], "big") * 96 / dpi)  # the width in a PNG's first chunk


def symmetric_limit(gains: pd.DataFrame) -> float:
    """Half the width of a colour scale around zero, rounded up to 5 points; never zero."""
    sizes = np.abs(gains.to_numpy(dtype=float))
    largest = float(np.nanmax(sizes)) if np.isfinite(sizes).any() else 0.0
    return max(5.0, 5 * math.ceil(largest / 5))


def signed(value: float, digits: int = 1) -> str:
    """`+12.3`, `\N{MINUS SIGN}4.0`; what rounds to zero has no sign."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else "\N{MINUS SIGN}") + text


def ink_on(position: float) -> str:
    """Black or white text for a cell at this place of the scale from -1 to 1, by the luminance of its colour."""
    if math.isnan(position):
        return INK
    r, g, b, _ = COLOURS((position + 1) / 2)
    return INK if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.5 else "white"
