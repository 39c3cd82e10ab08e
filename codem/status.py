"""What a runs folder holds, as one table.

python -m codem.status [runs] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codem import run as runs
from codem.errors import CodemError


def rows(root: Path) -> Iterator[dict[str, Any]]:
    """One per run: its axes, its training's status, and the status and score of each evaluation."""
    for run in runs.find(root):
        record = runs.read_record(run.record) or {}
        yield {
            "run": str(run.folder),
            "base": run.base,
            "method": run.method,
            "train": run.train,
            "seed": run.seed,
            "status": _status(record, run.folder),
            "error": record.get("error"),
            "progress": _last_step(run) if record.get("status") != "done" else None,
            "evaluations": [_evaluation(e) for e in run.evaluations()],
        }


def _evaluation(where: runs.Evaluation) -> dict[str, Any]:
    record = runs.read_record(where.record) or {}
    judged = record.get("judge") or {}
    counts = judged.get("counts") or {}
    total = sum(counts.values())
    return {
        "bench": where.bench,
        "lang": where.lang,
        "decode": where.decode,
        "status": _status(record, where.folder),
        "error": judged.get("error") or record.get("error"),
        "passed": counts.get("passed", 0) if total else None,
        "judged": total or None,
        "samples": ((record.get("recipe") or {}).get("decode") or {}).get("samples", 1),
        "problems": (record.get("recipe") or {}).get("problems"),
    }


def _status(record: dict[str, Any], folder: Path) -> str:
    status = record.get("status", "no record")
    return "interrupted" if status == "running" and not runs.is_held(folder) else status


def _last_step(run: runs.Run) -> dict[str, Any] | None:
    """The newest line of metrics.jsonl that is whole."""
    try:
        lines = run.metrics.read_text("utf-8").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            return {k: json.loads(line)[k] for k in ("step", "loss", "tokens_per_s")}
        except (ValueError, KeyError):
            continue
    return None


def _print(found: list[dict[str, Any]]) -> None:
    for row in found:
        step = f", step {row['progress']['step']} loss {row['progress']['loss']:.3f}" if row["progress"] else ""
        print(f"{row['run']}: {row['status']}{step}" + (f": {_first_line(row['error'])}" if row["error"] else ""))
        for e in row["evaluations"]:
            score = f"{100 * e['passed'] / e['judged']:5.1f} % of {_of(e)}" if e["passed"] is not None else ""
            error = f": {_first_line(e['error'])}" if e["error"] else ""
            print(f"  {e['bench']} {e['lang']:<11} {e['decode']} {e['status']:<9} {score}{error}")


def _of(evaluation: dict[str, Any]) -> str:
    """What was judged: problems, or several answers to each."""
    judged, samples = evaluation["judged"], evaluation["samples"]
    return f"{judged // samples} x {samples}" if samples > 1 else str(judged)


def _first_line(text: str) -> str:
    return text.splitlines()[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m codem.status", description=__doc__)
    parser.add_argument("runs", nargs="?", default="runs", type=Path, help="the folder to look at (default: runs)")
    parser.add_argument("--json", action="store_true", help="one JSON list, for programs")
    args = parser.parse_args()
    if not args.runs.is_dir():
        print(f"{args.runs}: no such folder; nothing has run here yet, or give another", file=sys.stderr)
        return 2
    try:
        found = list(rows(args.runs))
    except CodemError as e:
        print(e, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    elif found:
        _print(found)
    else:
        print(f"{args.runs}: no runs yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
