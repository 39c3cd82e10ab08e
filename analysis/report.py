"""Write a report about one grid: matrix.csv, its pictures, and report.html that holds all of it in one file.

    python -m analysis report runs/
    python -m analysis report runs/ --out reports/demo --claims my_claims.yaml --figures pdf

The page needs nothing but itself: no network, no other file. The same runs give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis import (
    claim_text,
    correlation,
    curves,
    estimates,
    figures,
    matrix,
    multiplicity,
    overlap,
    picture,
    provenance,
    report_answers,
    report_charts,
    report_matrix,
    report_page,
    report_records,
    report_structure,
)
from analysis.cube import Cube, cube
from analysis.families import families, typing
from analysis.grid import Grid, choose
from analysis.load import BadRuns, evaluations, read
from analysis.names import NONE
from analysis.notes import notes
from analysis.null_bands import NullBands
from codem.records import Outcome

SIDES = ("eval", "train")


@dataclass(frozen=True)
class Findings:
    """What every part of a report is made from."""

    grid: Grid
    frame: pd.DataFrame
    cube: Cube
    table: pd.DataFrame
    """`matrix.cells`"""
    scores: pd.DataFrame
    """`matrix.pass_at_1`"""
    problems: pd.Series
    """N of each column: of its fullest row, others may lack some."""
    differences: pd.DataFrame | None
    """`multiplicity.significance`; None without a base row."""
    bands: dict[str, NullBands | None]
    """Of each of SIDES."""


def write(
    runs: str | Path,
    out: str | Path | None = None,
    base: str | None = None,
    method: str | None = None,
    bench: str | None = None,
    decode: str | None = None,
    *,
    claims: Path | None = None,
    also: Iterable[str] = (),
    mixed_versions: bool = False,
) -> list[Path]:
    """The files written, report.html last. Raises BadRuns when the runs folder does not hold exactly one grid.

    out: a folder; by default reports/<base>-<method>-<bench>. claims: a file of claims to check. also: "pdf", "svg" or
    "png": every figure in that format too (png: they are there in any case). mixed_versions: see `analysis.load`.
    """
    grid = choose(evaluations(runs), base, method, bench, decode)
    frame = read(grid.evaluations, mixed_versions=mixed_versions)
    if frame.empty:
        raise BadRuns(f"{runs}: expected verdicts, found only torn lines. Run `python -m codem.execute` again.")
    found = findings(grid, frame)
    checked = report_structure.claims_of(frame, claims, families())
    drawn = pictures(found)
    folder = Path(out) if out is not None else Path("reports") / f"{grid.base}-{grid.method}-{grid.bench}"
    files = {"matrix.csv": matrix.to_csv(found.scores).encode()}
    files |= {f"{name}.png": picture.png(figure) for name, figure in drawn.items()}
    for kind in dict.fromkeys(kind for kind in also if kind != "png"):
        files |= {f"{name}.{kind}": picture.vector(figure, kind) for name, figure in drawn.items()}
    files["report.html"] = _page(found, checked, files, folder).encode("utf-8", "replace")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        _write_whole(folder / name, data)
    return [folder / name for name in files]


def findings(grid: Grid, frame: pd.DataFrame) -> Findings:
    """Everything that several parts of the page need, computed once."""
    table = matrix.cells(frame)
    scores = matrix.pass_at_1(table)
    problems = table["problems"].groupby(level="lang", observed=True).max()
    problems.index = problems.index.astype(str)
    stacked = cube(frame)
    differences = multiplicity.significance(stacked) if NONE in stacked.trains else None
    bands = {side: report_structure.bands(scores, problems, side) for side in SIDES}
    return Findings(grid, frame, stacked, table, scores, problems, differences, bands)


def pictures(found: Findings) -> dict[str, Figure]:
    """The figures to print, by the names of their files."""
    grid, scores = found.grid, found.scores
    where = f"{grid.base} on {grid.bench}"
    detail = f"method {grid.method}; {grid.decode} decoding"
    both = f"{where}; {detail}"
    of_eval = correlation.of_eval_languages(scores)
    of_train = correlation.of_training_languages(scores)
    drawn = {
        "matrix": figures.matrix_figure(found.table, f"{where}, {_problems(found.problems)}", grid.base, detail),
        "correlation_eval": figures.correlation_figure(
            of_eval, "Evaluation languages, df.corr()", both, bands=found.bands["eval"]
        ),
        "correlation_train": figures.correlation_figure(
            of_train, "Training languages, df.T.corr()", both, grid.base, found.bands["train"]
        ),
    }
    if (differences := _gains(found)) is not None:
        drawn["gains"] = figures.gains_figure(differences, f"Gains over {grid.base}", both)
    for side, name in (("eval", "Evaluation"), ("train", "Training")):
        if (tree := report_structure.tree_of(scores, side)) is not None:
            drawn[f"dendrogram_{side}"] = figures.dendrogram_figure(tree, f"{name} languages that are alike", both)
    if trained := curves.curves(provenance.run_records(grid.evaluations)):
        drawn["curves"] = curves.figure(trained, f"Training {grid.base}", f"method {grid.method}")
    return drawn


def _gains(found: Findings) -> pd.DataFrame | None:
    """The differences, if there is a single one to draw."""
    known = found.differences is not None and found.differences["difference"].notna().any()
    return found.differences if known else None


def _problems(each: pd.Series) -> str:
    """`164 problems per language`, or the range when languages differ."""
    fewest, most = int(each.min()), int(each.max())
    return f"{most} problems per language" if fewest == most else f"{fewest} to {most} problems per language"


def _charts(found: Findings) -> dict[str, Any]:
    charts = {f"correlation_{side}": report_charts.correlations(b) for side, b in found.bands.items() if b is not None}
    if (differences := _gains(found)) is not None:
        for place, lang in enumerate(found.scores.columns):
            known = differences.index.get_level_values("lang") == lang
            if differences["difference"][known].notna().any():
                charts[f"gains_{place}"] = report_charts.gains(differences, lang)
    for side in SIDES:
        if (tree := report_structure.tree_of(found.scores, side)) is not None:
            charts[f"dendrogram_{side}"] = report_charts.dendrogram(tree)
    return {name: report_charts.as_json(chart) for name, chart in charts.items()}


def _page(found: Findings, checked: tuple[list, str], files: Mapping[str, bytes], folder: Path) -> str:
    grid, frame, table = found.grid, found.frame, found.table
    runs = provenance.run_records(grid.evaluations)
    same, differing = provenance.recipe(runs)
    records = [*runs.values(), *(e.record for e in grid.evaluations)]
    trained = curves.curves(runs)
    packages, odd_packages = provenance.shared(records, "packages")
    answers = report_answers.behind_cells(frame, found.cube, grid.evaluations)
    shown = report_matrix.rows(table, runs, folder, found.differences)
    charts = _charts(found)
    return report_page.render(
        {
            "cells": report_matrix.behind(shown, answers),
            "answers": answers.answers,
            "prompts": answers.prompts,
            "longest": answers.longest,
            "charts": charts,
            "colours": report_charts.LIGHT,
        },
        grid=grid,
        problems=_problems(found.problems),
        notes=notes(grid, table),
        totals={
            "models": len(runs) - sum(run.train == NONE for run in runs),
            "evaluations": len(grid.evaluations),
            "verdicts": len(frame),
            "passed": int(table["passed"].sum()),
            "harness errors": int(table["harness_errors"].sum()),
            "missing verdicts": int(table["missing"].clip(lower=0).fillna(0).sum()),
        },
        matrix=shown,
        columns=[str(lang) for lang in found.scores.columns],
        has_base=NONE in found.scores.index,
        tests=report_matrix.summary(found.differences),
        seeds=int(table["seeds"].max()),
        samples=int(found.cube.samples.max()),
        charts=charts,
        bands=found.bands,
        structure=report_structure.structure(
            *(found.scores, found.problems, found.differences, families(), typing()),
            tokens=lambda: overlap.of_answers(frame, grid.evaluations),
        ),
        claims=[claim_text.as_json(result) for result in checked[0]],
        claims_from=checked[1],
        by_language=report_records.outcome_rows(frame, ["lang"]),
        by_cell=report_records.outcome_rows(frame, ["train", "lang"]),
        outcomes=[o.value for o in Outcome],
        odd_cells=report_records.odd_cells(table),
        same_programs=report_records.same_programs(frame),
        training=curves.summary(trained),
        without_curve=curves.without(runs, trained),
        costs=(costs := estimates.costs(runs, grid.evaluations)),
        all_costs=estimates.total(costs),
        template_hash=provenance.template_hash(same),
        recipe=same,
        differing=differing,
        toolchains=report_records.toolchains(grid.evaluations),
        code=provenance.code(records),
        packages=packages | {name: ", ".join(texts) for name, texts in odd_packages.items()},
        runs=[report_records.run_row(run, record, grid.evaluations, folder) for run, record in runs.items()],
        files=files,
    )


def _write_whole(path: Path, data: bytes) -> None:
    """A reader, or a browser that reloads, never sees half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
