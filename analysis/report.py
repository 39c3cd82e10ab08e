"""Write a report about one grid: matrix.csv, its pictures, and report.html that holds all of it in one file.

    python -m analysis report runs/ --out reports/demo

The page needs nothing but itself: no script, no network. What it takes from records (names, settings, versions)
was written by others, so the template escapes all of it. The same runs give the same bytes.
"""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd

from analysis import correlation, curves, estimates, figures, matrix, provenance
from analysis.grid import Grid, choose
from analysis.load import BadRuns, Evaluation, evaluations, read
from analysis.names import NONE, is_own, ordered_columns, title
from analysis.notes import notes
from codem.records import Outcome


def write(
    runs: str | Path,
    out: str | Path | None = None,
    base: str | None = None,
    method: str | None = None,
    bench: str | None = None,
    decode: str | None = None,
) -> list[Path]:
    """The files written, report.html last. Raises BadRuns when the runs folder does not hold exactly one grid.

    out: a folder; by default reports/<base>-<method>-<bench>.
    """
    grid = choose(evaluations(runs), base, method, bench, decode)
    frame = read(grid.evaluations)
    if frame.empty:
        raise BadRuns(f"{runs}: expected verdicts, found only torn lines. Run `python -m codem.execute` again.")
    table = matrix.cells(frame)
    scores = matrix.pass_at_1(table)
    pictures = _pictures(grid, table, scores)
    folder = Path(out) if out is not None else Path("reports") / f"{grid.base}-{grid.method}-{grid.bench}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {"matrix.csv": matrix.to_csv(scores).encode(), **pictures}
    files["report.html"] = _page(grid, frame, table, files, folder).encode("utf-8", "replace")
    for name, data in files.items():
        _write_whole(folder / name, data)
    return [folder / name for name in files]


def _pictures(grid: Grid, table: pd.DataFrame, scores: pd.DataFrame) -> dict[str, bytes]:
    where = f"{grid.base} on {grid.bench}"
    detail = f"method {grid.method}; {grid.decode} decoding"
    of_eval = correlation.of_eval_languages(scores)
    of_train = correlation.of_training_languages(scores)
    heading = f"{where}, {_problems(table)}"
    both = f"{where}; {detail}"
    drawn = {
        "matrix.png": figures.matrix_figure(table, heading, grid.base, detail),
        "correlation_eval.png": figures.correlation_figure(of_eval, "Evaluation languages, df.corr()", both),
        "correlation_train.png": figures.correlation_figure(
            of_train, "Training languages, df.T.corr()", both, grid.base
        ),
    }
    if trained := curves.curves(provenance.run_records(grid.evaluations)):
        drawn["curves.png"] = curves.figure(trained, f"Training {grid.base}", f"method {grid.method}")
    return {name: figures.png(figure) for name, figure in drawn.items()}


def _problems(table: pd.DataFrame) -> str:
    """`164 problems per language`, or the range when languages differ."""
    each = table["problems"].groupby(level="lang", observed=True).max()  # the fullest row: others may lack some
    fewest, most = int(each.min()), int(each.max())
    return f"{most} problems per language" if fewest == most else f"{fewest} to {most} problems per language"


def _page(grid: Grid, frame: pd.DataFrame, table: pd.DataFrame, files: Mapping[str, bytes], folder: Path) -> str:
    runs = provenance.run_records(grid.evaluations)
    same, differing = provenance.recipe(runs)
    records = [*runs.values(), *(e.record for e in grid.evaluations)]
    trained = curves.curves(runs)
    packages, odd_packages = provenance.shared(records, "packages")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"title": title, "signed": figures.signed, "data": _data, "width": figures.width_on_page}
    environment.filters["duration"] = estimates.duration
    return environment.get_template("report.html.j2").render(
        grid=grid,
        problems=_problems(table),
        notes=notes(grid, table),
        totals={
            "models": len(runs) - sum(run.train == NONE for run in runs),
            "evaluations": len(grid.evaluations),
            "verdicts": len(frame),
            "passed": int(table["passed"].sum()),
            "harness errors": int(table["harness_errors"].sum()),
            "missing verdicts": int(table["missing"].clip(lower=0).fillna(0).sum()),
        },
        matrix=_matrix_rows(table, runs, folder),
        columns=[str(lang) for lang in matrix.pass_at_1(table).columns],
        has_base=NONE in matrix.pass_at_1(table).index,
        seeds=int(table["seeds"].max()),
        by_language=_outcome_rows(frame, ["lang"]),
        by_cell=_outcome_rows(frame, ["train", "lang"]),
        outcomes=[o.value for o in Outcome],
        training=curves.summary(trained),
        without_curve=curves.without(runs, trained),
        costs=(found := estimates.costs(runs, grid.evaluations)),
        all_costs=estimates.total(found),
        template_hash=provenance.template_hash(same),
        recipe=same,
        differing=differing,
        toolchains=_toolchains(grid.evaluations),
        code=provenance.code(records),
        packages=packages | {name: ", ".join(texts) for name, texts in odd_packages.items()},
        runs=[_run_row(run, record, grid.evaluations, folder) for run, record in runs.items()],
        files=files,
    )


def _matrix_rows(table: pd.DataFrame, runs: Mapping[Evaluation, Any], folder: Path) -> list[dict]:
    """What the template needs of every cell: the row, and for each column its numbers or None."""
    scores = matrix.pass_at_1(table)
    gains = matrix.gain(scores)
    limit = figures.symmetric_limit(gains)
    numbers: dict[Any, dict] = table.to_dict("index")
    rows = []
    for y, train in enumerate(scores.index):
        links = [(run.seed, _link(run.run_path, folder)) for run in runs if run.train == train]
        cells = []
        for x, lang in enumerate(scores.columns):
            cell = numbers.get((train, lang))
            change = float(gains.to_numpy()[y, x])
            known = train != NONE and not math.isnan(change)
            if cell is not None:
                cell |= {"scored_at_all": not math.isnan(cell["pass_at_1"]), "gain": change if known else None}
                cell["lacks"] = 0 if math.isnan(cell["missing"]) else int(cell["missing"])
                cell |= {"up": known and change > 0, "strength": round(abs(change) / limit, 3) if known else 0}
            cells.append({"lang": lang, "own": is_own(train, lang), "cell": cell})
        rows.append({"train": train, "links": links, "cells": cells})
    return rows


def _outcome_rows(frame: pd.DataFrame, by: list[str]) -> list[dict]:
    """One row per evaluation language, or per cell."""
    return [
        {
            "names": [row[axis] for axis in by],
            "problems": row["problems"],
            "verdicts": sum(row[o.value] for o in Outcome),
            "counts": {o.value: row[o.value] for o in Outcome},
        }
        for row in matrix.outcomes(frame, by).reset_index().to_dict("records")
    ]


def _toolchains(found: tuple[Evaluation, ...]) -> dict[str, Any]:
    """Settings that all languages share once, the others as columns."""
    settings = provenance.toolchains(found)
    names = list(dict.fromkeys(name for row in settings.values() for name in row))
    shared = [
        name for name in names
        if len(settings) > 1 and len({tuple(row.get(name, ())) for row in settings.values()}) == 1
    ]  # fmt: skip
    return {
        "shared": {name: ", ".join(next(iter(settings.values()))[name]) for name in shared},
        "columns": [name for name in names if name not in shared],
        "rows": {lang: {name: ", ".join(texts) for name, texts in row.items()} for lang, row in settings.items()},
    }


def _run_row(run: Evaluation, record: Mapping[str, Any], found: tuple[Evaluation, ...], folder: Path) -> dict:
    mine = [e for e in found if (e.train, e.seed) == (run.train, run.seed)]
    order = ordered_columns(e.lang for e in mine)
    mine.sort(key=lambda e: order.index(e.lang))
    argv = record.get("argv")
    return {
        "train": run.train,
        "seed": run.seed,
        "status": record.get("status", "no record"),
        "fingerprint": str(record.get("fingerprint", ""))[:12],
        "started": record.get("started", ""),
        "finished": record.get("finished", ""),
        "host": record.get("host", ""),
        "command": " ".join(map(str, argv)) if isinstance(argv, list) else "",
        "link": _link(run.run_path, folder),
        "evaluations": [{"lang": e.lang, "status": e.status, "link": _link(e.path, folder)} for e in mine],
    }


def _link(path: Path, folder: Path) -> str:
    """Relative to the report, so that both can be moved together."""
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()) + "/"


def _data(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _write_whole(path: Path, data: bytes) -> None:
    """A reader, or a browser that reloads, never sees half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
