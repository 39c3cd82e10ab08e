"""What a reader must know before believing the matrix: one sentence for each thing that is missing or uneven."""

from __future__ import annotations

import math

import pandas as pd

from analysis.grid import Grid
from analysis.load import Evaluation
from analysis.names import NONE, title
from analysis.provenance import flat, recipe_of

ENGINE = ("dtype", "device", "version")
"""What an engine says of itself that can move a score although the settings are the same."""


def notes(grid: Grid, table: pd.DataFrame) -> list[str]:
    """Sentences for the head of a report, the gravest first; empty when there is nothing to say."""
    found = _missing(table, grid.evaluations)
    found += [
        f"{_row(e.train)} on {title(e.lang)} (seed {e.seed}): no verdicts yet, status {e.status}."
        for e in grid.evaluations
        if not e.has_verdicts
    ]
    found += _harness_errors(table)
    found += _uneven(grid.evaluations)
    found += _noise(grid.evaluations)
    if NONE not in table.index.get_level_values("train"):
        found.append("The untrained base model was not evaluated: no gains are shown (train with lang=none).")
    if (copies := int(table["copies"].sum())) > 0:
        found.append(f"{_count(copies, 'sample')} judged more than once: the last verdict counts.")
    seeds = sorted(set(table.drop(index=NONE, level="train", errors="ignore")["seeds"]))
    if len(seeds) > 1:
        found.append(f"Cells average different numbers of seeds: {', '.join(map(str, seeds))}.")
    return found


def _missing(table: pd.DataFrame, evaluations: tuple[Evaluation, ...]) -> list[str]:
    sentences = []
    incomplete = table[table["missing"] != 0].reset_index()
    for cell in incomplete.to_dict("records"):
        train, lang = str(cell["train"]), str(cell["lang"])
        status = sorted({e.status for e in evaluations if (e.train, e.lang) == (train, lang)})
        where = f"{_row(train)} on {title(lang)} has no score:"
        if math.isnan(cell["missing"]):
            sentences.append(f"{where} no record says how many verdicts it should have.")
            continue
        missing = int(cell["missing"])
        if missing > 0:
            due = missing + cell["scored"] + cell["harness_errors"]
            sentences.append(f"{where} {missing} of {due} verdicts are missing (status {', '.join(status)}).")
        else:
            sentences.append(f"{where} it has {-missing} verdicts more than its record's problems allow.")
    return sentences


def _harness_errors(table: pd.DataFrame) -> list[str]:
    cells = table[table["harness_errors"] > 0].reset_index().to_dict("records")
    if not cells:
        return []
    where = ", ".join(f"{_row(c['train'])} on {title(c['lang'])}: {c['harness_errors']}" for c in cells)
    total = _count(sum(c["harness_errors"] for c in cells), "harness error")
    return [f"{total} of the judge, not of the model, left out of every score ({where}). Judge again to settle them."]


def _uneven(evaluations: tuple[Evaluation, ...]) -> list[str]:
    """Cells that cannot be compared because their evaluations were not set up alike."""
    sentences = []
    for lang in sorted({e.lang for e in evaluations if e.has_verdicts}):
        column = [e for e in evaluations if e.lang == lang and e.has_verdicts and e.record]
        for what in ("problems", "bench", "decode", "engine"):
            recipes = [flat({what: recipe_of(e).get(what)}) for e in column]
            differing = sorted(k for k in set().union(*recipes) if len({r.get(k) for r in recipes}) > 1)
            if differing:
                sentences.append(
                    f"The rows of {title(lang)} were not evaluated alike, so its column does not compare: "
                    f"{', '.join(differing)} differ."
                )
        engines = [flat({name: _dict(e.record.get("engine")).get(name) for name in ENGINE}) for e in column]
        differing = sorted(k for k in ENGINE if len({engine[k] for engine in engines}) > 1)
        if differing:
            sentences.append(f"The rows of {title(lang)} were generated differently: {', '.join(differing)} differ.")
        judges = [flat(_dict(_dict(e.record.get("judge")).get("recipe"))) for e in column]
        differing = sorted(k for k in set().union(*judges) if len({j.get(k) for j in judges}) > 1)
        if differing:
            sentences.append(f"The rows of {title(lang)} were judged differently: {', '.join(differing)} differ.")
    return sentences


def _noise(evaluations: tuple[Evaluation, ...]) -> list[str]:
    """Answers that depended on what else was being answered, and how much, where that was measured."""
    unsteady = [e for e in evaluations if _dict(e.record.get("engine")).get("batch_invariant") is False]
    if not unsteady:
        return []
    named = {str(_dict(e.record.get("engine")).get("name")) for e in unsteady}
    what = f"The engine {', '.join(sorted(named))} may answer otherwise in other batches"
    measured = [r for e in unsteady if _measured(r := _dict(e.record.get("repeat")))]
    if not measured:
        return [f"{what}; how often was not measured (python -m codem.generate repeat=2 does)."]
    problems, texts, programs = (sum(r[k] for r in measured) for k in ("problems", "texts_differ", "programs_differ"))
    where = "" if len(measured) == len(unsteady) else f" in the {len(measured)} of {len(unsteady)} cells measured"
    return [
        f"{what}: made again, {texts} of {problems} problems ({100 * texts / problems:.1f} %) were answered "
        f"differently{where}, {programs} of them with another program. Smaller differences of scores mean nothing."
    ]


def _measured(repeat: dict) -> bool:
    counts = [repeat.get(name) for name in ("problems", "texts_differ", "programs_differ")]
    return all(isinstance(n, int) for n in counts) and repeat["problems"] > 0


def _dict(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _row(train: str) -> str:
    return "The base" if train == NONE else title(train)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
