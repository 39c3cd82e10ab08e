"""The command line of the analysis.

python -m analysis report                                   # of runs/, into reports/
python -m analysis report runs/ --out reports/demo --base tiny
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from analysis.load import BadRuns


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis", description="What a finished grid of runs says.")
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="matrix.csv, heat maps and one self-contained report.html")
    report.add_argument("runs", nargs="?", default="runs", help="the folder that holds the runs (default: runs)")
    report.add_argument(
        "--out", help="the folder to write to, made if need be (default: reports/<base>-<method>-<bench>)"
    )
    for axis, what in {
        "base": "base model",
        "method": "training method",
        "bench": "benchmark",
        "decode": "decoding",
    }.items():
        report.add_argument(f"--{axis}", help=f"the {what}, when the runs hold several")
    args = parser.parse_args(argv)
    try:
        return _report(args)
    except (BadRuns, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _report(args: argparse.Namespace) -> int:
    from analysis.report import write  # here, because pandas and matplotlib take seconds that --help need not wait for

    for path in write(args.runs, args.out, args.base, args.method, args.bench, args.decode):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
