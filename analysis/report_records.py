"""What a report tells of the records: outcomes, toolchains, runs, judged copies, programs that are the same."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from analysis import matrix, provenance
from analysis.load import Evaluation
from analysis.names import NONE, ordered_columns, ordered_rows
from codem.records import Outcome


def outcome_rows(frame: pd.DataFrame, by: list[str]) -> list[dict]:
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


def same_programs(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Per trained row: in how many answers its program is the base's, letter for letter, for the same sample.

    Of a row that changed nothing all are; what training did shows only in the others. Empty without a base row.
    """
    keys = ["lang", "problem", "sample"]
    known = frame[frame["program_sha256"].notna() & (frame["program_sha256"] != "")]
    base = known.loc[known["train"] == NONE, [*keys, "program_sha256"]].drop_duplicates(keys)
    rows = []
    for train in ordered_rows(known["train"].astype(str).unique()):
        mine = known.loc[known["train"] == train, [*keys, "program_sha256"]]
        both = mine.merge(base, on=keys, suffixes=("", "_base"))
        if train != NONE and len(both):
            same = int((both["program_sha256"] == both["program_sha256_base"]).sum())
            rows.append({"train": train, "answers": len(both), "same": same, "share": 100 * same / len(both)})
    return rows


def odd_cells(table: pd.DataFrame) -> list[dict]:
    """Cells with harness errors, verdicts that were given more than once, or verdicts that are missing."""
    odd = table[(table["harness_errors"] > 0) | (table["copies"] > 0) | (table["missing"] != 0)]
    return odd.reset_index().to_dict("records")


def toolchains(found: tuple[Evaluation, ...]) -> dict[str, Any]:
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


def run_row(run: Evaluation, record: Mapping[str, Any], found: tuple[Evaluation, ...], folder: Path) -> dict:
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
        "link": link(run.run_path, folder),
        "evaluations": [{"lang": e.lang, "status": e.status, "link": link(e.path, folder)} for e in mine],
    }


def link(path: Path, folder: Path) -> str:
    """Relative to the report, so that both can be moved together."""
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()) + "/"
