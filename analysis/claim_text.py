"""Results of claims as plain text for a terminal, and as what a JSON file holds."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from analysis.claim_values import CANNOT, Cell, Comparison, Result

WIDTH = 100
SHOWN = 7
"""Comparisons of one claim that are listed: of 63, those that decide."""


def as_json(result: Result) -> dict[str, Any]:
    """Plain values; None where there is no number."""
    claim = result.claim
    one = result.comparisons[0] if len(result.comparisons) == 1 else None
    return {
        "say": claim.say,
        "claim": claim.claim,
        "source": claim.source,
        "table": claim.table,
        "note": claim.note,
        "verdict": result.verdict,
        "why": result.why,
        "holds": result.holds,
        "of": len(result.comparisons),
        "significant_after_holm": result.standing,
        "estimate": _number(one.points) if one else None,
        "low": _number(one.low) if one else None,
        "high": _number(one.high) if one else None,
        "p": _number(one.p) if one else None,
        "problems": max((c.problems for c in result.comparisons), default=None),
        "difference_in_problems": _number(one.difference_in_problems) if one else None,
        "test": "; ".join(dict.fromkeys(c.test for c in result.comparisons)),
        "comparisons": [_comparison(c) for c in result.comparisons],
    }


def text(results: Sequence[Result]) -> str:
    """Every claim with its verdict first, then the numbers behind it."""
    return "\n\n".join("\n".join(_lines(number, result)) for number, result in enumerate(results, 1)) + "\n"


def tally(results: Iterable[Result]) -> str:
    """`9 supported, 3 cannot be said, ...`: the verdicts in the order in which they first occur."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    return "; ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _lines(number: int, result: Result) -> list[str]:
    claim = result.claim
    where = [f"Table {claim.table}"] if claim.table is not None else []
    where += [claim.source] if claim.source else []
    lines = _wrapped(f"{number:>2}. ", f"{claim.say}" + (f"  [{', '.join(where)}]" if where else ""))
    lines += _wrapped("    = ", claim.claim) if claim.claim != claim.say else []
    lines += _wrapped("    ", claim.note) if claim.note else []
    summary = result.verdict.upper()
    if len(result.comparisons) > 1:
        summary += (
            f": {result.holds} of {len(result.comparisons)} go this way, {result.standing} significant after Holm"
        )
    lines += _wrapped("    > ", summary)
    for comparison in _deciding(result):
        lines += _wrapped("      ", _said(comparison))
    if len(result.comparisons) > SHOWN:
        lines.append(f"      ({len(result.comparisons)} in all; shown: those that decide)")
    if result.why and (result.verdict == CANNOT or len(result.comparisons) > 1):
        lines += _wrapped("      ", result.why)
    return lines


def _deciding(result: Result) -> list[Comparison]:
    """All, when they are few; else those that go the other way, or come nearest to it."""
    if len(result.comparisons) <= SHOWN:
        return list(result.comparisons)
    return sorted(result.comparisons, key=lambda c: (c.holds is True, c.points))[:4]


def _said(comparison: Comparison) -> str:
    counts = ""
    if 0 < len(comparison.cells) <= 2:
        told = [_count(cell) for cell in sorted(comparison.cells, key=lambda cell: -cell.weight)]
        difference = comparison.difference_in_problems
        counts = ": " + " and ".join(told)
        if len(told) == 2 and not math.isnan(difference):
            counts += f", {difference:+g} problem{'' if abs(difference) == 1 else 's'}"
    elif comparison.cells:
        counts = f", {comparison.problems} problems"
    numbers = ""
    if not math.isnan(comparison.points) and comparison.cells:
        numbers = f"; {comparison.points:+.2f} points" if comparison.needs_test else f"; {comparison.points:.2f} %"
        if not math.isnan(comparison.low):
            numbers += f" ({comparison.low:+.1f} to {comparison.high:+.1f})" if comparison.needs_test else ""
    elif not comparison.cells:
        numbers = f": {comparison.points:.2f} points" if math.isnan(comparison.low) else ""
        if not math.isnan(comparison.low):
            numbers = f"; by noise alone {comparison.low:g} to {comparison.high:g}"
    p = "" if math.isnan(comparison.p) else f"; p = {p_text(comparison.p)}"
    return f"{comparison.what}{counts}{numbers}{p} ({comparison.test})"


def _count(cell: Cell) -> str:
    return "no whole number" if math.isnan(cell.solved) else f"{cell.solved:g} of {cell.problems}"


def p_text(p: float) -> str:
    """Three decimals, as many as a reader uses; small ones by their size."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1g}"


def _comparison(c: Comparison) -> dict[str, Any]:
    return {
        "what": c.what,
        "holds": c.holds,
        "estimate": _number(c.points),
        "low": _number(c.low),
        "high": _number(c.high),
        "p": _number(c.p),
        "problems": c.problems,
        "difference_in_problems": _number(c.difference_in_problems),
        "test": c.test,
        "why": c.why,
        "cells": [
            {
                "train": cell.train,
                "lang": cell.lang,
                "weight": cell.weight,
                "solved": _number(cell.solved),
                "problems": cell.problems,
            }
            for cell in c.cells
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 10)


def _wrapped(start: str, told: str) -> list[str]:
    return textwrap.wrap(told, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False)
