"""The matrix of a report: what stands in each cell, and what a reader is told who points at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import matrix
from analysis.claim_text import p_text
from analysis.load import Evaluation
from analysis.names import NONE, is_own, title
from analysis.picture import signed, symmetric_limit
from analysis.report_answers import Answers
from analysis.report_records import link


def rows(
    table: pd.DataFrame, runs: Mapping[Evaluation, Any], folder: Path, differences: pd.DataFrame | None
) -> list[dict]:
    """One entry per row: its name, links to its runs, and for each column its numbers or None.

    differences: `multiplicity.significance(frame)`; None without a base row.
    """
    scores = matrix.pass_at_1(table)
    gains = matrix.gain(scores)
    limit = symmetric_limit(gains)
    numbers: dict[Any, dict] = table.to_dict("index")
    tests: dict[Any, dict] = {} if differences is None else differences.to_dict("index")
    made = []
    for y, train in enumerate(scores.index):
        links = [(run.seed, link(run.run_path, folder)) for run in runs if run.train == train]
        cells = []
        for x, lang in enumerate(scores.columns):
            cell = numbers.get((train, lang))
            change = float(gains.to_numpy()[y, x])
            known = train != NONE and not math.isnan(change)
            if cell is not None:
                cell |= {"scored_at_all": not math.isnan(cell["pass_at_1"]), "gain": change if known else None}
                cell["lacks"] = 0 if math.isnan(cell["missing"]) else int(cell["missing"])
                cell |= {"up": known and change > 0, "strength": round(abs(change) / limit, 3) if known else 0}
                cell["test"] = tests.get((train, lang))
            cells.append({"lang": lang, "own": is_own(train, lang), "cell": cell, "key": f"{y},{x}"})
        made.append({"train": train, "links": links, "cells": cells})
    return made


def behind(shown: list[dict], answers: Answers) -> dict[str, dict[str, Any]]:
    """For the page's script: of each cell with a score its title, its facts and, of a trained one, its problems."""
    found = {}
    for row in shown:
        for entry in row["cells"]:
            cell = entry["cell"]
            if cell is None or not cell["scored_at_all"]:
                continue
            train, lang = row["train"], entry["lang"]
            who = "Base" if train == NONE else f"{title(train)}"
            found[entry["key"]] = {
                "title": f"{who} on {title(lang)}",
                "facts": facts(cell, train == NONE),
                "problems": answers.cells.get((train, lang)),
            }
    return found


def facts(cell: Mapping[str, Any], is_base: bool) -> list[tuple[str, str]]:
    """What is known about a cell, as (name, text)."""
    told = [
        ("pass@1", f"{cell['pass_at_1']:.2f} %"),
        ("95 % interval", f"{cell['low']:.1f} to {cell['high']:.1f} % (Wilson)"),
        ("passed", f"{cell['passed']:,} of {cell['scored']:,} answers to {cell['problems']:,.0f} problems"),
    ]
    if cell["seeds"] > 1:
        told.append(("seeds", f"{cell['seeds']}, averaged"))
    test = cell["test"]
    if is_base or test is None:
        return told
    if math.isnan(test["difference"]):
        return [*told, ("gain", f"cannot be said: {test['note']}")]
    told.append(
        ("gain", f"{signed(test['difference'], 2)} points ({signed(test['low'])} to {signed(test['high'])}, paired)")
    )
    told.append(("problems", f"{test['gained']} gained, {test['lost']} lost of {test['problems']}"))
    if not math.isnan(test["p"]):
        told.append(("p", f"{p_text(test['p'])} ({_test_of(cell, test)})"))
        told.append(("p, over all cells", f"Holm {p_text(test['p_holm'])}; max-T {p_text(test['p_max_t'])}"))
        told.append(("false discovery rate", f"{p_text(test['p_bh'])} (Benjamini-Hochberg)"))
    if test["note"]:
        told.append(("note", test["note"]))
    return told


def _test_of(cell: Mapping[str, Any], test: Mapping[str, Any]) -> str:
    """What `paired.differences` did for this p."""
    if test["seeds"] > 1:
        return "t test, seeds included"
    several = cell["scored"] > round(cell["problems"])
    return "exact sign-flip test over problems" if several else "exact McNemar test"


def summary(differences: pd.DataFrame | None) -> dict[str, int] | None:
    """How many of the cells that were tested stand, by each way of counting; None when there is none."""
    if differences is None or not differences["p"].notna().any():
        return None
    tested = differences[differences["p"].notna()]
    columns = {"alone": "p", "bh": "p_bh", "holm": "p_holm", "max_t": "p_max_t"}
    return {"tests": len(tested)} | {name: int((tested[column] <= 0.05).sum()) for name, column in columns.items()}
