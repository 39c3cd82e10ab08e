"""What `check` found, for people: counts, then what is behind them, matched pairs beside the problems they match."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence

from codem.corpus.examine import Finding, Found
from codem.corpus.given import Given
from codem.corpus.rejection import Reason
from codem.corpus.side_by_side import Column, one_line, printable, side_by_side
from codem.records import Problem

LISTED = 20
"""Of each kind; `--json` has them all. Matches with a benchmark are all shown: they are there to be read."""


def terminal() -> int:
    """Its width in characters; a file gets 120."""
    return min(200, shutil.get_terminal_size((120, 40)).columns)


def text(given: Given, found: Found, problems: Sequence[Problem], width: int, lines: int) -> list[str]:
    """Lines. problems: that leaks were looked for in. width: of a line, in characters. lines: of each of two texts."""
    leaked = found.of(Reason.CONTAMINATED)
    duplicates = found.of(Reason.NEAR_DUPLICATE)
    others = [f for f in found.findings if f.rejection.reason not in (Reason.CONTAMINATED, Reason.NEAR_DUPLICATE)]
    made = [
        *_counts(given, found, problems),
        *_listed(
            "Bad rows", [f"{place}, line {bad.line}: {bad.fault}: {bad.found}" for place, bad in given.bad], width
        ),
        *_listed("Pairs", [f"{f.place}: {f.rejection.reason}: {f.rejection.evidence}" for f in others], width),
        *_listed(
            "Near-duplicates", [f"{f.place} is like {f.first} ({f.rejection.score:.0%})" for f in duplicates], width
        ),
    ]
    return made + (_matches(given, leaked, problems, width, lines) if leaked else [])


def _counts(given: Given, found: Found, problems: Sequence[Problem]) -> list[str]:
    rows = [("rows", given.rows, ""), ("  bad rows", len(given.bad), _faults(given))]
    rows += [("  pairs", len(given.pairs), f"{found.clean:,} with nothing against them")]
    rows += [(f"    {reason}", count, "") for reason, count in found.counts.items()]
    made = [f"{file.name}: {file.rows:,} rows{f', in {file.lang}' if file.lang else ''}" for file in given.files]
    made += ["", *(f"{name:<24}{count:>10,}   {note}".rstrip() for name, count, note in rows)]
    if given.cut:
        made.append(f"{given.cut:,} conversations go on after their first answer; only that was looked at")
    if problems:
        names = sorted({p.task.rpartition("/")[0] for p in problems})
        languages = len({p.lang for p in problems})
        made.append(
            f"looked for {len({p.task for p in problems}):,} tasks of {', '.join(names)} in {languages} languages"
        )
    else:
        made.append("no benchmark was looked for; --against names one")
    return made


def _faults(given: Given) -> str:
    faults = Counter(str(bad.fault) for _, bad in given.bad)
    return ", ".join(f"{count:,} {fault}" for fault, count in faults.most_common())


def _listed(heading: str, lines: Sequence[str], width: int) -> list[str]:
    if not lines:
        return []
    more = [f"  ... {len(lines) - LISTED:,} more; --json lists all"] if len(lines) > LISTED else []
    return ["", f"{heading}:", *(f"  {one_line(line, width - 2)}" for line in lines[:LISTED]), *more]


def _matches(given: Given, leaked: Sequence[Finding], problems: Sequence[Problem], width: int, lines: int) -> list[str]:
    theirs = {p.id: p for p in problems}
    pairs = {given.places[p.id]: p for p in given.pairs}
    rows = len({f.place for f in leaked})
    made = ["", f"Contaminated rows: {rows:,}, each beside the problem that it is like (=: a line that both have)"]
    for f in leaked:
        pair, problem = pairs[f.place], theirs[f.rejection.other]
        said = printable(f"{f.place} ({f.rejection.score:.2f}) {f.rejection.evidence}")
        made += ["", *textwrap.wrap(said, width, break_long_words=False, break_on_hyphens=False)]
        asked = Column(f"{f.place}, instruction", pair.instruction)
        made += side_by_side(asked, Column(problem.id, problem.description), width, lines)
        answered = Column("response", pair.response)
        made += side_by_side(answered, Column("solution", problem.signature + problem.reference), width, lines)
    return made
