"""The structure of transfer for a report: every part as rows of a table, or one sentence why it cannot be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import correlation, donors, null_bands, similarity, transfer
from analysis.claims import Beats, Correlations, Structure
from analysis.names import NONE

BEST = 3
"""Donors that are named for each target."""
PAIRS = 8
"""Pairs of languages that are listed by their asymmetry."""
PAPER = Path(__file__).with_name("claims") / "paper.yaml"


def structure(
    scores: pd.DataFrame,
    problems: pd.Series,
    differences: pd.DataFrame | None,
    families: Mapping[str, str],
    typing: Mapping[str, str],
    tokens: Callable[[], pd.DataFrame],
) -> dict[str, dict[str, Any]]:
    """Name of a part -> {found, why}: one of them is None. scores: `matrix.pass_at_1`; problems: N of each column;
    tokens: how alike the languages are in them (`overlap.of_answers`)."""
    parts: dict[str, Callable[[], Any]] = {
        "donors": lambda: _records(transfer.donors(scores), "train"),
        "recipients": lambda: _records(transfer.recipients(scores), "lang"),
        "asymmetry": lambda: _pairs(transfer.asymmetry(scores)),
        "reciprocity": lambda: transfer.reciprocity(scores),
        "decomposition": lambda: _records(transfer.decompose(scores, problems), "part"),
        "own": lambda: transfer.own_language_advantage(scores),
        "family": lambda: similarity.family_effect(scores, families),
        "syntax": lambda: _mantel(scores, similarity.shared_syntax(families)),
        "typing": lambda: _mantel(scores, similarity.same_typing(typing)),
        "tokens": lambda: _mantel(scores, tokens()),
        "best": lambda: _best(scores, problems),
        "greedy": lambda: _records(donors.greedy_cover(scores).join(donors.regret(scores)["best"]), "k"),
        "negative": lambda: _negative(scores, problems, differences),
    }
    return {name: _tried(make) for name, make in parts.items()}


def bands(scores: pd.DataFrame, problems: pd.Series, side: str) -> null_bands.NullBands | None:
    """The correlations with what noise alone would give: with a base row, were nothing transferred; else, were all rows
    alike. None when there is no score to simulate from in some column."""
    null = null_bands.NO_TRANSFER if NONE in scores.index else null_bands.NO_DIFFERENCE
    try:
        return null_bands.null_bands(scores, problems, side=side, null=null)
    except ValueError:
        return None


def tree_of(scores: pd.DataFrame, side: str) -> pd.DataFrame | None:
    """The correlations that `similarity.tree` can join; None when it cannot."""
    of = correlation.of_training_languages if side == "train" else correlation.of_eval_languages
    found = of(scores, with_base=False)
    try:
        similarity.tree(found)
    except ValueError:
        return None
    return found


def claims_of(frame: pd.DataFrame, file: Path | None, families: Mapping[str, str]) -> tuple[list[Any], str]:
    """The results of the claims in `file`, and where they are from.

    Without a file, the paper's statements, if the grid has every language that they name. Numbers that the paper prints
    ("is 15.24") are about its models, and are left out.
    """
    from analysis import claims
    from analysis.claim_cells import Missing
    from analysis.claim_tests import OfFrame
    from analysis.claim_values import CANNOT, evaluate

    if file is not None:
        return evaluate(claims.read(file), OfFrame(frame), families), file.name
    general = [claim for claim in claims.read(PAPER) if isinstance(claim.statement, Beats | Correlations | Structure)]
    try:
        results = evaluate(general, OfFrame(frame), families)
    except (claims.BadClaim, Missing):
        return [], ""
    if any(result.verdict == CANNOT for result in results):
        return [], ""
    return results, "the paper's statements"


def _tried(make: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"found": make(), "why": None}
    except ValueError as error:
        return {"found": None, "why": str(error)}


def _records(table: pd.DataFrame, name: str) -> list[dict]:
    return table.rename_axis(name).reset_index().to_dict("records")


def _pairs(difference: pd.DataFrame) -> list[dict]:
    """The pairs whose two directions differ the most; the one that gives more stands first."""
    names = list(map(str, difference.index))
    values = difference.to_numpy()
    places = [(y, x) for y in range(len(names)) for x in range(len(names)) if values[y, x] > 0]
    places.sort(key=lambda place: -values[place])
    return [{"giver": names[y], "taker": names[x], "points": float(values[y, x])} for y, x in places[:PAIRS]]


def _mantel(scores: pd.DataFrame, alike: pd.DataFrame) -> dict[str, Any]:
    """Over the languages that have a similarity at all (HTML has no types; no answer in C may have passed)."""
    langs = [lang for lang in scores.columns if lang in alike.index]
    return similarity.mantel(scores[langs], alike)


def _best(scores: pd.DataFrame, problems: pd.Series) -> list[dict]:
    found = []
    for lang in map(str, scores.columns):
        ranking = donors.best_donors(scores, lang, problems).to_dict("records")
        if ranking:
            found.append({"target": lang, "donors": ranking[:BEST]})
    return found


def _negative(scores: pd.DataFrame, problems: pd.Series, differences: pd.DataFrame | None) -> list[dict]:
    return donors.negative_transfer(scores, problems, differences).to_dict("records")
