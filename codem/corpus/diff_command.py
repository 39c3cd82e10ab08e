"""`python -m codem.corpus diff A B`: how two corpora differ."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from codem.corpus import command_options

if TYPE_CHECKING:
    from codem.corpus.diff import Difference, Extent, Match
    from codem.corpus.given import Given

HELP = "which pairs only one of two corpora has, which were edited, and how lengths and languages moved"
LISTED = 10
"""Of each kind, in the text; `--json` has them all."""


def add(commands: Any) -> None:
    parser = commands.add_parser("diff", help=HELP, description=f"{HELP}.".capitalize())
    parser.add_argument("a", metavar="A", help="JSON, JSON lines or Parquet; a folder, a glob or a hub data set too")
    parser.add_argument("b", metavar="B")
    command_options.language(parser)
    command_options.measuring(parser)
    command_options.near_duplicates(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, with the place of every row")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from codem.corpus import diff

    with contextlib.redirect_stdout(sys.stderr):  # notices; the difference alone goes to the output
        setting = command_options.setting(args)
        a, b = (setting.read([name], args.lang) for name in (args.a, args.b))
        found = diff.difference(a, b, setting.threshold)
        extents = (diff.extent(a, setting.measure), diff.extent(b, setting.measure))
    if args.json:
        print(json.dumps(report(found, extents, setting.measure.unit)))
    else:
        print("\n".join(text(found, extents, setting.measure.unit, (args.a, args.b), (a, b))))
    return 0


def report(found: Difference, extents: tuple[Extent, Extent], unit: str) -> dict[str, Any]:
    return {
        "both": found.both,
        "only_a": [place.record() for place in found.only_a],
        "only_b": [place.record() for place in found.only_b],
        "other_response": [_match(m) for m in found.other_response],
        "edited": [{**_match(m), "score": round(m.score, 4)} for m in found.edited],
        "a": asdict(extents[0]),
        "b": asdict(extents[1]),
        "measured_in": unit,
    }


def text(
    found: Difference, extents: tuple[Extent, Extent], unit: str, names: tuple[str, str], given: tuple[Given, Given]
) -> list[str]:
    from codem.corpus.side_by_side import one_line

    a, b = extents
    counts = [
        ("in both", found.both),
        ("same instruction, other response", len(found.other_response)),
        ("near-duplicates", len(found.edited)),
        ("only in A", len(found.only_a)),
        ("only in B", len(found.only_b)),
    ]
    made = [f"A: {names[0]}", f"B: {names[1]}", "", *(f"{name:<34}{count:>10,}" for name, count in counts)]
    made += ["", f"{'':<34}{'A':>10}{'B':>10}{'B - A':>10}"]
    rows: list[tuple[str, float, float]] = [("rows", a.rows, b.rows), ("bad rows", a.bad_rows, b.bad_rows)]
    rows += [("pairs", a.pairs, b.pairs)]
    for part in ("instruction", "response"):
        mine, other = getattr(a, part), getattr(b, part)
        rows += [(f"{part}, {name} {unit}", mine[name], other[name]) for name in mine]
    made += [f"{name:<34}{x:>10,.10g}{y:>10,.10g}{round(y - x, 1):>+10,.10g}" for name, x, y in rows]
    made += ["", f"{'code of the response in':<34}{'A':>10}{'B':>10}"]
    for lang in dict.fromkeys([*a.languages, *b.languages]):
        shares = [f"{_share(e.languages.get(lang, 0), e.pairs):>10}" for e in extents]
        made.append(f"{one_line(lang, 32):<34}{''.join(shares)}")
    instructions = {g.places[p.id]: p.instruction for g in given for p in g.pairs}
    for heading, places in (("Only in A", found.only_a), ("Only in B", found.only_b)):
        lines = [f"{place}: {instructions[place]}" for place in places]
        made += _listed(heading, lines)
    made += _listed("Same instruction, other response", [f"{m.a} | {m.b}" for m in found.other_response])
    made += _listed("Near-duplicates", [f"{m.a} | {m.b} ({m.score:.0%})" for m in found.edited])
    return made


def _match(match: Match) -> dict[str, Any]:
    return {"a": match.a.record(), "b": match.b.record()}


def _listed(heading: str, lines: list[str]) -> list[str]:
    from codem.corpus.side_by_side import one_line

    if not lines:
        return []
    more = [f"  ... {len(lines) - LISTED:,} more; --json lists all"] if len(lines) > LISTED else []
    return ["", f"{heading}:", *(f"  {one_line(line, 118)}" for line in lines[:LISTED]), *more]


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "-"
