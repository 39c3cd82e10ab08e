"""The commands that check claims: paper-check, claims."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from analysis.commands import add_axes, frame_of
from analysis.load import BadRuns


def add(commands: Any) -> None:
    """Their parsers, to argparse's `commands`; `run` of the parsed arguments does the work."""
    paper = commands.add_parser(
        "paper-check", help="what the paper's own tables say, and which statements they support"
    )
    paper.add_argument("--json", action="store_true")
    paper.set_defaults(run=_paper_check)

    claims = commands.add_parser("claims", help="claims written as contrasts, evaluated on your own grid")
    claims.add_argument("file", type=Path, help="a YAML file; analysis/claims.py says how to write one")
    claims.add_argument("runs", type=Path, help="a runs folder, a table of examples, or a CSV matrix with --problems")
    claims.add_argument("--problems", help="of a CSV matrix: 164, or python=164,c=162 for each column")
    claims.add_argument("--json", action="store_true")
    add_axes(claims)
    claims.set_defaults(run=_claims)


def _paper_check(args: argparse.Namespace) -> int:
    from analysis import paper_check, paper_text

    results = paper_check.paper_claims()
    report = paper_check.check(results)
    print(json.dumps(report, indent=1, ensure_ascii=False) if args.json else paper_text.text(report, results))
    return 0


def _claims(args: argparse.Namespace) -> int:
    from analysis import claim_text
    from analysis import claims as grammar
    from analysis.claim_values import evaluate
    from analysis.families import families

    results = evaluate(grammar.read(args.file), _source(args), families())
    if args.json:
        print(json.dumps([claim_text.as_json(result) for result in results], indent=1, ensure_ascii=False))
    else:
        print(f"{len(results)} claims: {claim_text.tally(results)}\n\n{claim_text.text(results)}", end="")
    return 0


def _source(args: argparse.Namespace) -> Any:
    from analysis import interchange
    from analysis.claim_tests import OfFrame, OfMatrix

    if args.runs.is_file() and not interchange.is_table(args.runs):
        matrix = interchange.read_matrix(args.runs)
        return OfMatrix(matrix, _problems(args.problems, [str(lang) for lang in matrix.columns]))
    if args.problems:
        raise BadRuns(f"--problems {args.problems}: is for a CSV matrix; {args.runs} holds verdicts, which say it")
    return OfFrame(frame_of(args))


def _problems(told: str | None, langs: list[str]) -> Any:
    """`164`, or `python=164,c=162`, as a Series over the columns."""
    import pandas as pd

    if not told:
        raise BadRuns("expected --problems for a CSV matrix: how many problems each score is a share of, such as 164")
    try:
        each = dict(part.split("=") for part in told.split(",")) if "=" in told else dict.fromkeys(langs, told)
        counts = {lang.strip(): int(count) for lang, count in each.items()}
    except ValueError:
        raise BadRuns(f"--problems {told}: expected a number, or python=164,c=162") from None
    if lacking := [lang for lang in langs if counts.get(lang, 0) < 1]:
        raise BadRuns(f"--problems {told}: expected a number for every column, found none for {', '.join(lacking)}")
    return pd.Series(counts)
