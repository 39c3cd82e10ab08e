"""Where the numbers come from: recipes, judges, code and packages, gathered from the records of a grid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from analysis.load import Evaluation, read_record
from analysis.names import NONE, ordered_columns, ordered_rows


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """`{"a": {"b": 1}}` -> `{"a.b": "1"}`; lists and scalars as text."""
    if isinstance(value, Mapping) and value:
        rows: dict[str, str] = {}
        for key, inner in value.items():
            rows |= flat(inner, f"{prefix}.{key}" if prefix else str(key))
        return rows
    if isinstance(value, str):
        return {prefix: value}
    return {prefix: json.dumps(value, ensure_ascii=False, default=str)} if prefix else {}


def recipe_of(evaluation: Evaluation) -> dict[str, Any]:
    recipe = evaluation.record.get("recipe")
    return recipe if isinstance(recipe, dict) else {}


def run_records(evaluations: Iterable[Evaluation]) -> dict[Evaluation, dict[str, Any]]:
    """The record of each trained model, by one of its evaluations, in the order of the matrix's rows."""
    first: dict[tuple[str, int], Evaluation] = {}
    for evaluation in evaluations:
        first.setdefault((evaluation.train, evaluation.seed), evaluation)
    rows = {train: place for place, train in enumerate(ordered_rows(e.train for e in first.values()))}
    runs = sorted(first.values(), key=lambda e: (rows[e.train], e.seed))
    return {run: read_record(run.run_path) for run in runs}


def shared(records: Iterable[Mapping[str, Any]], key: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The flattened field `key` of many records: what all of them say alike, and the values of what differs.

    A setting that only some of the records have counts as shared when those agree.
    """
    values: dict[str, list[str]] = {}
    for record in records:
        for name, text in flat(record.get(key) or {}).items():
            if text not in values.setdefault(name, []):
                values[name].append(text)
    same = {name: texts[0] for name, texts in values.items() if len(texts) == 1}
    return same, {name: texts for name, texts in values.items() if len(texts) > 1}


def recipe(runs: Mapping[Evaluation, Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The training recipe; the base row's record takes part only when no model was trained."""
    trained = [record for run, record in runs.items() if run.train != NONE]
    return shared(trained or runs.values(), "recipe")


def toolchains(evaluations: Iterable[Evaluation]) -> dict[str, dict[str, list[str]]]:
    """For each language, what its judges say of themselves: compiler, version, flags, limits, sandbox."""
    found = list(evaluations)
    table = {}
    for lang in ordered_columns(e.lang for e in found):
        judges = [e.record.get("judge") for e in found if e.lang == lang]
        same, differing = shared([j for j in judges if isinstance(j, dict)], "recipe")
        table[lang] = {name: [text] for name, text in same.items()} | differing
    return table


def code(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every state of the code that took part, as `<commit> (with uncommitted changes)`."""
    states = []
    for record in records:
        stamp = record.get("code")
        if isinstance(stamp, dict) and stamp.get("commit"):
            state = str(stamp["commit"]) + (" (with uncommitted changes)" if stamp.get("dirty") else "")
            if state not in states:
                states.append(state)
    return states


def template_hash(settings: Mapping[str, list[str]] | Mapping[str, str]) -> str:
    """The prompt template's hash, under whichever name the recipe has it."""
    named = [name for name in settings if "template" in name or "prompt" in name]
    hashes = [name for name in named if "hash" in name or "sha" in name or "template" in name]
    return str(settings[hashes[0]]) if hashes else ""
