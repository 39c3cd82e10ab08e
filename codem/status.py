"""What a runs folder holds and what is under way, as one table: each row and stage with its state.

python -m codem.status [runs]
python -m codem.status --watch        # again and again until nothing is under way
python -m codem.status --failed       # what failed, with the end of its log
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codem import status_rows, status_text

SURE_AFTER_S = 2.0
"""A command that runs here has nothing under way between two stages: it is looked for a second time."""


def rows(root: Path) -> list[dict[str, Any]]:
    """One per run: its axes, its training's status, the status and score of each evaluation, and its stages; before
    and after them the jobs that belong to no run alone."""
    return status_rows.look(root).rows


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m codem.status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="?", default="runs", type=Path, help="the folder to look at (default: runs)")
    parser.add_argument("--json", action="store_true", help="one JSON list, for programs")
    parser.add_argument("--failed", action="store_true", help="only what failed, with its last log lines; exit code 1")
    parser.add_argument(
        "--watch", nargs="?", type=float, const=5.0, metavar="SECONDS", help="look again every so often (default: 5)"
    )
    args = parser.parse_args()
    if not args.runs.is_dir():
        print(f"{args.runs}: no such folder; nothing has run here yet, or give another", file=sys.stderr)
        if args.json:
            print("[]")
        return 0
    try:
        return watch(args.runs, max(0.1, args.watch)) if args.watch is not None else _show(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _show(args: argparse.Namespace) -> int:
    found = status_rows.look(args.runs)
    for note in found.notes:
        print(note, file=sys.stderr, flush=True)
    bad = _failed(found.rows)
    if args.json:
        wanted = [row for row in found.rows if row in bad] if args.failed else found.rows
        print(json.dumps(wanted, indent=1, ensure_ascii=False))
    elif args.failed:
        print(status_text.failed(bad) or "nothing has failed")
    else:
        _print(found.rows, args.runs)
    return 1 if args.failed and bad else 0


def watch(root: Path, every_s: float) -> int:
    """Until nothing is under way. Returns 1 when something failed. Ctrl-C ends it quietly."""
    try:
        found = _watch_on_terminal(root, every_s) if sys.stdout.isatty() else _watch_by_lines(root, every_s)
    except KeyboardInterrupt:
        return 0
    return 1 if _failed(found) else 0


def _watch_on_terminal(root: Path, every_s: float) -> list[dict[str, Any]]:
    from rich.live import Live
    from rich.text import Text

    found = status_rows.look(root)
    with Live(auto_refresh=False, transient=True) as live:
        quiet = False
        while _is_under_way(found.rows) or not quiet:
            quiet = not _is_under_way(found.rows)
            said = [status_text.table(found.rows, _width()), *found.notes, _short(found.rows)]
            live.update(Text("\n".join(said)), refresh=True)
            time.sleep(min(every_s, SURE_AFTER_S) if quiet else every_s)
            found = status_rows.look(root)
    _print(found.rows, root)
    return found.rows


def _watch_by_lines(root: Path, every_s: float) -> list[dict[str, Any]]:
    before: list[dict[str, Any]] = []
    notes: list[str] = []
    quiet = False
    while True:
        found = status_rows.look(root)
        at = time.strftime("%H:%M:%S")
        news = [note for note in found.notes if note not in notes] + status_text.changes(before, found.rows)
        for line in news:
            print(f"{at} {line}", flush=True)
        before, notes = found.rows, found.notes
        under_way = _is_under_way(found.rows)
        if not under_way and quiet:
            print(status_text.closing(found.rows), flush=True)
            return found.rows
        quiet = not under_way
        time.sleep(min(every_s, SURE_AFTER_S) if quiet else every_s)


def _print(found: Sequence[dict[str, Any]], root: Path | None = None) -> None:
    if not found:
        print(f"{root}: no runs yet")
        return
    print(status_text.table(found, _width()))
    print(f"\n{status_text.closing(found)}")


def _short(found: Sequence[dict[str, Any]]) -> str:
    return status_text.closing(found).splitlines()[0] + f" {time.strftime('%H:%M:%S')}; Ctrl-C ends this, not the jobs."


def _width() -> int:
    return shutil.get_terminal_size((status_text.WIDTH, 24)).columns


def _failed(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in found if any(stage["state"] == "failed" for stage in row["stages"])]


def _is_under_way(found: Sequence[dict[str, Any]]) -> bool:
    return any(stage["state"] in status_text.UNDER_WAY for row in found for stage in row["stages"])


if __name__ == "__main__":
    sys.exit(main())
