"""A matrix as text: CSV, Markdown, or LaTeX in the shape of the paper's Table 1.

    python -m analysis matrix runs/ --format latex > table1.tex
    python -m analysis matrix matrix.csv --what gain --format markdown

The LaTeX needs `\\usepackage{booktabs}`. As in Table 1, the best score of each column is bold and the increase over the
base stands above it; all scores that print alike are bold alike, since nobody could tell them apart.
"""

from __future__ import annotations

import math

import pandas as pd

from analysis import matrix as matrices
from analysis.names import NONE, title


def csv(matrix: pd.DataFrame, digits: int = 2) -> str:
    """`train,python,...`; an empty field where there is no number."""
    return matrix.to_csv(float_format=f"%.{digits}f", index_label="train", lineterminator="\n")


def markdown(matrix: pd.DataFrame, base: str = "Base", digits: int = 2, best: bool = True) -> str:
    """A table for a README: titles instead of names, the best of each column bold if `best`."""
    lines = ["| Model | " + " | ".join(_markdown(title(lang)) for lang in matrix.columns) + " |"]
    lines.append("|---" + "|---:" * len(matrix.columns) + "|")
    bold = _best(matrix, digits) if best else set()
    for train, row in matrix.iterrows():
        cells = [
            f"**{_number(value, digits)}**" if (train, lang) in bold else _number(value, digits)
            for lang, value in row.items()
        ]
        lines.append("| " + " | ".join([_markdown(_row(str(train), base)), *cells]) + " |")
    return "\n".join(lines) + "\n"


def latex(
    matrix: pd.DataFrame,
    base: str = "Base",
    digits: int = 2,
    best: bool = True,
    increases: bool = True,
    heading: str = "Pass@1 (\\%)",
) -> str:
    """A booktabs tabular. increases: over the base row, as superscripts; heading: LaTeX, above the columns."""
    gains = matrices.gain(matrix) if increases else matrix * math.nan
    bold = _best(matrix, digits) if best else set()
    width = len(matrix.columns)
    lines = [
        f"\\begin{{tabular}}{{l{'r' * width}}}",
        "\\toprule",
        f" & \\multicolumn{{{width}}}{{c}}{{{heading}}} \\\\",
        f"\\cmidrule(lr){{2-{width + 1}}}",
        "Model & " + " & ".join(escaped(title(lang)) for lang in matrix.columns) + " \\\\",
        "\\midrule",
    ]
    for y, (train, row) in enumerate(matrix.iterrows()):
        cells = []
        for x, (lang, value) in enumerate(row.items()):
            text = _number(float(value), digits).replace("\N{MINUS SIGN}", "$-$")
            text = f"\\textbf{{{text}}}" if (train, lang) in bold else text
            gain = float(gains.to_numpy()[y, x])
            if train != NONE and not math.isnan(gain):
                text += f"$^{{{'-' if round(gain, digits) < 0 else '+'}{abs(gain):.{digits}f}}}$"
            cells.append(text)
        lines.append(" & ".join([escaped(_row(str(train), base)), *cells]) + " \\\\")
        if train == NONE and len(matrix) > 1:
            lines.append("\\midrule")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _best(matrix: pd.DataFrame, digits: int) -> set[tuple]:
    """The cells that print as the highest number of their column; none in a table of one row."""
    found = set()
    for lang in matrix.columns if len(matrix) > 1 else ():
        best = _number(float(matrix[lang].max()), digits)
        found |= {(train, lang) for train, value in matrix[lang].items() if best and _number(value, digits) == best}
    return found


def _number(value: float, digits: int) -> str:
    if math.isnan(value):
        return ""
    text = f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else f"{0:.{digits}f}"


def _row(train: str, base: str) -> str:
    return base if train == NONE else title(train)


def _markdown(text: str) -> str:
    """What Markdown or HTML would take for markup is shown as it is."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    return "".join(f"\\{c}" if c in "\\|*_`[]~" else c for c in text)


_LATEX = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "\n": " ",
}


def escaped(text: str) -> str:
    """What LaTeX would take for a command is shown as it is."""
    return "".join(_LATEX.get(c, c) for c in text)
