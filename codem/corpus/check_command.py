"""`python -m codem.corpus check`: what is wrong with a corpus, row by row, and which of its rows a benchmark knows."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from codem.corpus import command_options
from codem.sandbox import KINDS

if TYPE_CHECKING:
    from codem.corpus.bad_row import BadRow
    from codem.corpus.examine import Finding, Found
    from codem.corpus.given import Given

HELP = "count and list bad rows, unfit pairs, near-duplicates, and pairs that hold a problem of a benchmark"

LEAST_WIDTH = 60
"""Two texts side by side need as much."""


def add(commands: Any) -> None:
    parser = commands.add_parser("check", help=HELP, description=f"{HELP}. Nothing is changed.")
    command_options.files(parser, "+")
    command_options.against(parser)
    command_options.measuring(parser)
    command_options.limits(parser)
    parser.add_argument("--compile", action="store_true", help="also build each answer, in the sandbox")
    parser.add_argument("--sandbox", default="auto", choices=KINDS, help="as for codem.execute (default: auto)")
    parser.add_argument("--json", action="store_true", help="one JSON object, with every row that was found")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when anything was found")
    parser.add_argument(
        "--width", type=int, metavar="N", default=0, help="of the text, in characters (default: the terminal's)"
    )
    parser.add_argument(
        "--lines", type=int, metavar="N", default=12, help="of each text beside another one (default: 12)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from codem.corpus import check_text

    with contextlib.redirect_stdout(sys.stderr):  # progress and notices; what was found alone goes to the output
        setting = command_options.setting(args)
        given = setting.read(args.files, args.lang)
        problems = setting.problems()
        compiles = setting.compiles(args.sandbox) if args.compile else None
        found = setting.examine(given, problems, compiles)
    if args.json:
        print(json.dumps(report(given, found, setting.described(len(problems), args.compile)), ensure_ascii=True))
    else:
        lines = check_text.text(
            given, found, problems, max(LEAST_WIDTH, args.width or check_text.terminal()), max(1, args.lines)
        )
        print("\n".join(lines))
    return int(args.strict and bool(found.findings or given.bad))


def report(given: Given, found: Found, described: dict[str, Any]) -> dict[str, Any]:
    """As JSON: `rows`, `rejected` by reason, `duplicates`, `contaminated`, and every row behind these numbers."""
    from codem.corpus.rejection import Reason

    rejected: Counter[str] = Counter({str(reason): count for reason, count in found.counts.items()})
    rejected.update(_named(bad) for _, bad in given.bad)
    duplicates = found.of(Reason.NEAR_DUPLICATE)
    apart = (Reason.NEAR_DUPLICATE, Reason.CONTAMINATED)
    return {
        "files": [asdict(file) for file in given.files],
        "rows": given.rows,
        "pairs": len(given.pairs),
        "clean": found.clean,
        "rejected": dict(sorted(rejected.items())),
        "duplicates": len(duplicates),
        "duplicates_across_files": sum(f.first is not None and f.first.file != f.place.file for f in duplicates),
        "contaminated": [_leak(f) for f in found.of(Reason.CONTAMINATED)],
        "duplicate_rows": [_duplicate(f) for f in duplicates],
        "rejected_rows": [
            {**f.place.record(), "reason": str(f.rejection.reason), "evidence": f.rejection.evidence}
            for f in found.findings
            if f.rejection.reason not in apart
        ],
        "bad_rows": [
            {"file": place.file, "row": place.row, "line": place.line, "reason": _named(bad), "evidence": bad.found}
            for place, bad in given.bad
        ],
        "cut_conversations": given.cut,
        **described,
    }


def _named(bad: BadRow) -> str:
    """Spelled as the reasons of pairs are."""
    return re.sub(r"\W", "_", str(bad.fault).lower())


def _leak(found: Finding) -> dict[str, Any]:
    rejection = found.rejection
    score = None if rejection.score is None else round(rejection.score, 4)
    return {**found.place.record(), "problem": rejection.other, "score": score, "evidence": rejection.evidence}


def _duplicate(found: Finding) -> dict[str, Any]:
    assert found.first is not None and found.rejection.score is not None
    return {**found.place.record(), "of": found.first.record(), "score": round(found.rejection.score, 4)}
