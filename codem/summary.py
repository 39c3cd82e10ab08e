"""The matrix of a sweep, for the terminal and as a file: pass@1 in % of every row on every evaluation language.

The last job of a sweep is `run`. A row that failed is a row with empty fields, and is named below the table: the other
rows' scores do not wait for it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from codem import execute, train
from codem import run as runs
from codem.settings import Cell


def run(cells: Sequence[Cell], submission: str) -> None:
    """Write the sweep's matrix.csv, and say the same with what failed. A row that failed is no failure of this."""
    path = runs.Launches(cells[0].runs).matrix(submission)
    runs.write_whole(path, to_csv(cells))
    print(table(cells) or "pass@1: no row has been judged")
    incomplete = [c for c in cells if any(execute.passed(c, lang) is None for lang in c.eval_lang)]
    print(f"{len(cells) - len(incomplete)} of {len(cells)} rows are complete; {path}", flush=True)
    for line in _why(incomplete):
        print(line, flush=True)


def table(cells: Sequence[Cell]) -> str:
    """Of the rows that have a judgement, one line each; empty when none has."""
    langs = _languages(cells)
    rows = []
    for cell, scores in zip(cells, _scores(cells), strict=True):
        if any(score is not None for score in scores.values()):
            values = (scores.get(lang) for lang in langs)
            rows.append([_label(cell, cells), *("-" if v is None else f"{v:.1f}" for v in values)])
    if not rows:
        return ""
    lines = [["pass@1 %", *(cells[0].languages[lang].title for lang in langs)], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(v.ljust(w) if i == 0 else v.rjust(w) for i, (v, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )


def to_csv(cells: Sequence[Cell]) -> str:
    """A line for each row, with two decimals; an empty field where there is no judgement."""
    langs = _languages(cells)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["run", "bench", "decode", *langs])
    for cell, scores in zip(cells, _scores(cells), strict=True):
        values = (scores.get(lang) for lang in langs)
        where = (_name(cell), cell.bench_name, cell.decode.name)
        lines.writerow([*where, *("" if v is None else f"{v:.2f}" for v in values)])
    return out.getvalue()


def _scores(cells: Sequence[Cell]) -> list[dict[str, float | None]]:
    """pass@1 in %, by evaluation language."""
    return [
        {lang: 100 * p[0] / p[1] if (p := execute.passed(c, lang)) else None for lang in c.eval_lang} for c in cells
    ]


def _languages(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(lang for c in cells for lang in c.eval_lang))


def _label(cell: Cell, cells: Sequence[Cell]) -> str:
    """What it was trained on, and whatever else sets the rows apart."""
    axes = (
        (str(cell.base.name), {c.base.name for c in cells}),
        (cell.method_name, {c.method_name for c in cells if c.trains} if cell.trains else set()),
        (cell.bench_name, {c.bench_name for c in cells}),
        (cell.decode.name, {c.decode.name for c in cells}),
        (f"seed{cell.seed}", {c.seed for c in cells} if cell.trains else set()),
    )
    return " ".join([cell.train_name, *(name for name, all_of_them in axes if len(all_of_them) > 1)])


def _name(cell: Cell) -> str:
    """`tiny/sft/go/seed0`"""
    return str(train.run_of(cell).folder.relative_to(cell.runs))


def _why(incomplete: Sequence[Cell]) -> list[str]:
    """A line for each row and stage that failed, as the status has it."""
    from codem import status_rows, status_text

    if not incomplete:
        return []
    names = {_name(cell) for cell in incomplete}
    found = [row for row in status_rows.look(incomplete[0].runs).rows if row["row"] in names]
    return status_text.faults(found) or [f"{name}: not complete" for name in sorted(names)]
