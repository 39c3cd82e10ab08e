"""What the paper's own tables say: impossible values, wrong increases, Figure 4 again, and which statements hold.

    python -m analysis paper-check
    python -m analysis paper-check --json

Everything is computed from `analysis/paper_tables.yaml`, the two tables as printed, and `analysis/claims/paper.yaml`,
the statements of the text as contrasts. There are no verdicts behind the printed values, so every test here is unpaired
or a permutation of the matrix.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import claim_text, claims, null_bands, paper, similarity, transfer
from analysis.claim_tests import OfMatrix
from analysis.claim_values import Result, evaluate
from analysis.names import MIXED, NONE, title

CLAIMS = Path(__file__).with_name("claims") / "paper.yaml"
TOP = 3
"""Pairs that are named for each heat map."""
SIMULATIONS = 2_000
"""Of each null, for each of the variants: enough for a band of the mean to two decimals."""
SIDES = {"eval": "evaluation languages, df.corr()", "train": "training languages, df.T.corr()"}
WHOLE = "whole Table 1 (default)"
NULLS = (null_bands.NO_TRANSFER, null_bands.NO_DIFFERENCE)
BANDS = ("mean", "n_negative")
"""What of a heat map is compared with the nulls."""


def check(results: Sequence[Result] | None = None, simulations: int = SIMULATIONS) -> dict[str, Any]:
    """All of it as plain values, in the shape that `--json` prints. `results`: of `paper_claims`, if they are there."""
    tables = paper.tables()
    matrix, families = tables[1].matrix, paper.families()
    own = transfer.own_language_advantage(matrix)
    family = similarity.family_effect(matrix, families)
    return {
        "impossible_values": [value for table in tables.values() for value in impossible_values(table)],
        "wrong_increases": [wrong for table in tables.values() for wrong in wrong_increases(table)],
        "figure4": figure4(tables[1], simulations),
        "own_language_advantage": {"points": own.points, "p": own.p},
        "family_effect": {"points": family.points, "p": family.p},
        "claims": [claim_text.as_json(result) for result in (paper_claims() if results is None else results)],
    }


def impossible_values(table: paper.PaperTable) -> list[dict[str, Any]]:
    """Printed values that are no k/N in per cent, rounded to the printed decimals, for the N of their column."""
    counts = table.counts
    return [
        {
            "table": table.number,
            "row": table.labels[train],
            "column": title(lang),
            "value": table.printed.at[train, lang],
        }
        for train in map(str, table.printed.index)
        for lang in map(str, table.printed.columns)
        if counts.at[train, lang] is pd.NA
    ]


def wrong_increases(table: paper.PaperTable) -> list[dict[str, Any]]:
    """Printed increases that are not the value minus the base's value, as printed decimals ("12.8" is 12.80).

    Increases of values that are themselves impossible are compared as printed too: that is what a reader can check.
    """
    found = []
    for train in map(str, table.increases.index):
        for lang in map(str, table.increases.columns):
            printed = str(table.increases.at[train, lang])
            computed = Decimal(str(table.printed.at[train, lang])) - Decimal(str(table.printed.at[NONE, lang]))
            if Decimal(printed) != computed:
                where = {"table": table.number, "row": table.labels[train], "column": title(lang)}
                found.append(where | {"printed": printed, "computed": str(computed)})
    return found


def variants(matrix: pd.DataFrame) -> Iterator[tuple[str, str, bool, pd.DataFrame]]:
    """(name, side, gains, matrix) of every way to read "we regard the data in Table 1 as a matrix".

    The default is the whole Table 1. The others leave out the base row, Mixed and HTML in every combination. The
    correlations of training languages are also given for the increases (values minus base), which the text is about;
    those of evaluation languages are the same for increases as for values, because a column minus a constant is.
    """
    for side, spelled in SIDES.items():
        for count in range(4):
            for left in itertools.combinations((NONE, MIXED, "html"), count):
                names = ", ".join({NONE: "base", MIXED: "Mixed", "html": "HTML"}[row] for row in left)
                yield f"{spelled}: {'without ' + names if left else WHOLE}", side, False, matrix.drop(index=list(left))
    for count in range(3):
        for left in itertools.combinations((MIXED, "html"), count):
            names = ", ".join({MIXED: "Mixed", "html": "HTML"}[row] for row in left)
            told = f"increases without {names}" if left else "all increases"
            yield f"{SIDES['train']}: {told}", "train", True, matrix.drop(index=list(left))


def figure4(table: paper.PaperTable, simulations: int = SIMULATIONS) -> dict[str, dict[str, Any]]:
    """Every variant of both heat maps: over its pairs the mean, min, max, number of negative ones, the highest pairs.

    `null`: the band (95 %) of the mean, and of the number of negative pairs, that binomial noise alone gives, when
    every row has the base's probabilities ("no transfer") or its column's mean ("no difference").
    """
    shares = {null: null_bands.probabilities(table.matrix, null) for null in NULLS}
    nulls: dict[tuple, dict[str, Any]] = {}  # as many rows with the same probabilities have the same null
    found = {}
    for name, side, gains, matrix in variants(table.matrix):
        shape = side, gains, len(matrix)
        if shape not in nulls:
            nulls[shape] = {
                null: _bands(null_bands.null_bands(matrix, table.problems, share, side, null, gains, simulations))
                for null, share in shares.items()
            }
        found[name] = _statistics(null_bands.observed(matrix, side, gains)) | {"null": nulls[shape]}
    return found


def _bands(bands: null_bands.NullBands) -> dict[str, list[float]]:
    return {row: [_round(bands.summary.at[row, end]) for end in ("low", "high")] for row in BANDS}


def _statistics(correlations: pd.DataFrame) -> dict[str, Any]:
    rows, columns = np.triu_indices(len(correlations), 1)
    values = correlations.to_numpy()[rows, columns]
    names = [title(str(name)) for name in correlations.index]
    order = np.argsort(-values, kind="stable")
    pairs = [[names[rows[i]], names[columns[i]], _round(values[i])] for i in order]
    return {
        "mean": _round(values.mean()),
        "min": _round(values.min()),
        "max": _round(values.max()),
        "n_negative": int((values < 0).sum()),
        "n_pairs": len(values),
        "top_pairs": pairs[:TOP],
        "bottom_pairs": pairs[: -TOP - 1 : -1],
    }


def paper_claims() -> list[Result]:
    """The statements of the text, each on the table that it is about."""
    tables, families = paper.tables(), paper.families()
    sources = {n: OfMatrix(table.matrix, table.problems, table.counts) for n, table in tables.items()}
    found = []
    for claim in claims.read(CLAIMS):
        if claim.table not in sources:
            raise claims.BadClaim(f"{CLAIMS.name}: expected table 1 or 2 for {claim.say!r}, found {claim.table}")
        found += evaluate([claim], sources[claim.table], families)
    return found


def _round(value: Any) -> float:
    return round(float(value), 4)
