"""Choose the one grid (base, method, benchmark, decoding) of a runs folder that a report is about."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.load import BadRuns, Evaluation
from analysis.names import NONE


@dataclass(frozen=True)
class Grid:
    base: str
    method: str
    bench: str
    decode: str
    evaluations: tuple[Evaluation, ...]
    """The method's rows and the base row, with and without verdicts."""


def choose(
    found: list[Evaluation],
    base: str | None = None,
    method: str | None = None,
    bench: str | None = None,
    decode: str | None = None,
) -> Grid:
    """Narrow down to one grid, or raise BadRuns with every question that is still open and the choices for it."""
    judged = [e for e in found if e.has_verdicts]
    if not judged:
        folders = f" ({len(found)} evaluation folders without any)" if found else ""
        raise BadRuns(f"expected verdicts, found none{folders}. Run `python -m codem.train` or `codem.execute` first.")
    chosen: dict[str, str] = {}
    problems = []
    for axis, asked in {"base": base, "method": method, "bench": bench, "decode": decode}.items():
        values = sorted({getattr(e, axis) for e in judged})
        if axis == "method" and len(values) > 1:
            values = [v for v in values if v != NONE]  # the untrained base is a row of every method's grid
        if asked is None and len(values) == 1:
            asked = values[0]
        if asked is None:
            problems.append(f"{axis}: expected one, found {', '.join(values)}: add --{axis} {values[0]}")
        elif asked not in values:
            problems.append(f"--{axis} {asked}: expected one of {', '.join(values)}")
        else:
            chosen[axis] = asked
            judged = [e for e in judged if _belongs(e, axis, asked)]
    if problems:
        raise BadRuns("\n".join(problems))
    rows = tuple(e for e in found if all(_belongs(e, axis, value) for axis, value in chosen.items()))
    return Grid(**chosen, evaluations=rows)


def _belongs(evaluation: Evaluation, axis: str, value: str) -> bool:
    mine = getattr(evaluation, axis)
    return mine == value or (axis == "method" and mine == NONE)
