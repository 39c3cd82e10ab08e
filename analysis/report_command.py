"""The command `report`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from analysis.commands import add_axes

FORMATS = ("pdf", "svg", "png")


def add(commands: Any) -> None:
    """Its parser, to argparse's `commands`; `run` of the parsed arguments does the work."""
    report = commands.add_parser("report", help="one self-contained report.html, matrix.csv, and figures")
    report.add_argument("runs", nargs="?", type=Path, default=Path("runs"), help="the runs folder (default: runs)")
    report.add_argument(
        "--out", type=Path, help="the folder to write to, made if need be (default: reports/<base>-<method>-<bench>)"
    )
    report.add_argument("--claims", type=Path, help="a YAML file of claims to check; analysis/claims.py tells how")
    report.add_argument(
        "--figures",
        choices=FORMATS,
        action="append",
        default=[],
        help="figures to print from as well; may be given again (png: those of the page)",
    )
    report.add_argument(
        "--mixed-versions", action="store_true", help="take different versions of the benchmark together"
    )
    add_axes(report)
    report.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> int:
    from analysis.report import write  # here, because pandas and matplotlib take seconds that --help need not wait for

    axes = args.base, args.method, args.bench, args.decode
    for path in write(
        args.runs, args.out, *axes, claims=args.claims, also=args.figures, mixed_versions=args.mixed_versions
    ):
        print(path)
    return 0
