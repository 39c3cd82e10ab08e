"""The commands that print or convert tables: matrix, export, import, power."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from analysis.load import BadRuns

AXES = {"base": "base model", "method": "training method", "bench": "benchmark", "decode": "decoding"}
WHAT = ("pass@1", "gain", "relative", "headroom", "low", "high", "se", "p", "p_holm", "p_bh", "p_max_t")
"""What `matrix` can show: scores, or what is made from them; all but the p values in % or in points."""
FROM_SCORES = WHAT[:4]
"""Those that a matrix of scores is enough for."""


def add(commands: Any) -> None:
    """Their parsers, to argparse's `commands`; `run` of the parsed arguments does the work."""
    matrix = commands.add_parser("matrix", help="the matrix of scores, gains or tests as CSV, Markdown or LaTeX")
    matrix.add_argument("runs", type=Path, help="a runs folder, a table of examples, or a CSV matrix")
    matrix.add_argument("--format", choices=("csv", "markdown", "latex"), default="csv")
    matrix.add_argument("--what", default="pass@1", metavar="WHAT", help=f"{', '.join(WHAT)}, or pass@<k>")
    matrix.add_argument("--to", default="base", help="what se and p compare with: base, specialist, or a row")
    matrix.add_argument("--digits", type=int, help="decimals (default: 2, of p values 4)")
    add_axes(matrix)
    matrix.set_defaults(run=_matrix)

    export = commands.add_parser("export", help="verdicts as the table that public archives of evals use")
    export.add_argument("runs", type=Path, help="a runs folder")
    export.add_argument("--to", type=Path, required=True, help="the file to write: .csv or .jsonl")
    export.add_argument("--format", choices=("table", "matrix"), default="table")
    add_axes(export)
    export.set_defaults(run=_export)

    import_ = commands.add_parser("import", help="a table of others' results as a runs folder")
    import_.add_argument(
        "table", type=Path, help="benchmark_id, model, example_id, pass1, correct, count: CSV or JSONL"
    )
    import_.add_argument("--to", type=Path, required=True, help="the runs folder to write; it must be empty or new")
    import_.add_argument("--base", help="the model that is the untrained row")
    import_.add_argument(
        "--same-problems", action="store_true", help="Java/4 and Go/4 are one problem in two languages"
    )
    import_.set_defaults(run=_import)

    power = commands.add_parser("power", help="how many problems, samples or seeds a difference needs")
    power.add_argument("--effect", type=float, required=True, help="the difference to be found, in points")
    power.add_argument("--problems", type=int, default=164)
    power.add_argument("--seeds", type=int, default=1)
    power.add_argument("--samples", type=int, default=1, help="answers per problem")
    power.add_argument("--power", type=float, default=0.8, help="the chance to find it (default: 0.8)")
    power.add_argument("--alpha", type=float, default=0.05, help="two-sided level (default: 0.05)")
    power.add_argument("--tests", type=int, default=1, help="so many cells are tested: alpha is divided (Bonferroni)")
    power.add_argument("--runs", type=Path, help="take the noise from these runs")
    power.add_argument("--rate", type=float, help="assumed: the base's score in %%, without --runs")
    power.add_argument("--correlation", type=float, help="assumed: of two models' outcomes over problems")
    power.add_argument(
        "--answer-noise", type=float, help="assumed: share of the variance that sampling an answer makes"
    )
    power.add_argument("--seed-sd", type=float, help="assumed: spread of the score between training seeds, in points")
    power.add_argument("--json", action="store_true")
    add_axes(power)
    power.set_defaults(run=_power)


def add_axes(parser: argparse.ArgumentParser) -> None:
    for axis, what in AXES.items():
        parser.add_argument(f"--{axis}", help=f"the {what}, when the runs hold several")


def _matrix(args: argparse.Namespace) -> int:
    from analysis import interchange, matrix, tables

    k = args.what.removeprefix("pass@")
    of_k = k != args.what and k.isdecimal() and int(k) > 1
    if args.what not in WHAT and not of_k:
        raise BadRuns(f"--what {args.what}: expected one of {', '.join(WHAT)}, or pass@<k>")
    if args.runs.is_file() and not interchange.is_table(args.runs):
        if args.what not in FROM_SCORES:
            raise BadRuns(f"--what {args.what}: needs verdicts, found a matrix of scores: name a runs folder")
        base, shown = "Base", interchange.read_matrix(args.runs)
    else:
        frame = frame_of(args)
        base = str(frame["base"].iloc[0])
        shown = _from_verdicts(frame, args.what, args.to, int(k) if of_k else 1)
    made = {"gain": matrix.gain, "relative": matrix.relative_gain, "headroom": matrix.headroom_share}
    if args.what in made:
        shown = made[args.what](shown)
    scores = args.what == "pass@1" or of_k
    digits = args.digits if args.digits is not None else 4 if args.what.startswith("p") and not scores else 2
    if args.format == "csv":
        print(tables.csv(shown, digits), end="")
    elif args.format == "markdown":
        print(tables.markdown(shown, base, digits, best=scores), end="")
    else:
        heading = tables.escaped(args.what[:1].upper() + args.what[1:])
        print(tables.latex(shown, base, digits, best=scores, increases=scores, heading=heading), end="")
    return 0


def _from_verdicts(frame: Any, what: str, to: str, k: int) -> Any:
    from analysis import matrix, multiplicity, passk

    if k > 1:
        return matrix.wide(passk.cells(frame, k), "pass_at_k")
    if what in ("low", "high"):
        return matrix.wide(matrix.cells(frame), what)
    if what in FROM_SCORES:
        return matrix.pass_at_1(matrix.cells(frame))
    return matrix.wide(multiplicity.significance(frame, to), what)


def _export(args: argparse.Namespace) -> int:
    from analysis import interchange, matrix, tables
    from codem.run import write_whole

    if args.format == "matrix":
        write_whole(args.to, tables.csv(matrix.pass_at_1(matrix.cells(frame_of(args)))))
    else:
        # Several grids fit into one table: there it is only narrowed where that was asked for.
        from analysis.load import load

        table, left = interchange.to_table(load(args.runs, **{axis: getattr(args, axis) for axis in AXES}))
        if table.empty:
            raise BadRuns(f"{args.runs}: expected verdicts of a whole evaluation, found none")
        interchange.write_table(table, args.to)
        for name in left:
            print(f"left out, because verdicts are missing: {name}", file=sys.stderr)
    print(args.to)
    return 0


def _import(args: argparse.Namespace) -> int:
    from analysis import interchange

    frame = interchange.read_table(args.table, args.base, args.same_problems)
    count = interchange.write_runs(frame, args.to)
    print(f"{args.to}: {count} evaluations, {len(frame):,} verdicts")
    return 0


def _power(args: argparse.Namespace) -> int:
    from analysis import power

    if args.runs:
        noise = power.noise_of(frame_of(args))
    else:
        asked = {"rate": args.rate, "correlation": args.correlation}
        asked |= {"answer_noise": args.answer_noise, "seed_sd": args.seed_sd}
        noise = power.assumed(**{name: value for name, value in asked.items() if value is not None})
    plan = power.plan(
        noise, args.effect, args.problems, args.seeds, args.samples, args.power, args.alpha / max(1, args.tests)
    )
    print(json.dumps(plan, indent=1) if args.json else power.text(plan))
    return 0


def frame_of(args: argparse.Namespace) -> Any:
    """The verdicts of one grid: a question that is still open is asked, as `report` asks it."""
    from analysis.grid import choose
    from analysis.load import evaluations, load, read

    if args.runs.is_file():
        return load(args.runs, **{axis: getattr(args, axis) for axis in AXES})
    grid = choose(evaluations(args.runs), *(getattr(args, axis) for axis in AXES))
    frame = read(grid.evaluations)
    if frame.empty:
        raise BadRuns(f"{args.runs}: expected verdicts, found only torn lines. Run `python -m codem.execute` again.")
    return frame
