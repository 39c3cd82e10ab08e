"""Cancel what was submitted to Slurm, or submit again what has failed.

python -m codem.launch cancel go                        # all jobs of rows with the word `go` in them
python -m codem.launch cancel 'tiny/sft/*/seed0' runs   # rows as they are named below runs/
python -m codem.launch retry '*' launcher.train.time=48:00:00

A word alone matches rows that have it anywhere (`java` is no word of javascript); with any of *?[ it must match the
whole row. `retry` composes the rows anew from the command that submitted them, with the settings that are given now, on
the code as it is now, and submits what is missing and not under way.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from codem import train
from codem.errors import CodemError
from codem.launchers import STAGES, Slurm
from codem.slurm import ledger, under_way
from codem.slurm import queue as slurm_queue
from codem.slurm.ledger import Entry, Submission
from codem.slurm.queue import Live

AT_ONCE = 500
"""Jobs that one scancel is given."""
SHOWN = 20


def matches(pattern: str, row: str) -> bool:
    if re.search(r"[*?\[]", pattern):
        return fnmatch.fnmatchcase(row, pattern)
    return bool(re.search(rf"(?<![A-Za-z0-9]){re.escape(pattern)}(?![A-Za-z0-9])", row))


def cancel(pattern: str, root: Path) -> int:
    """End all jobs of matching rows, those that run and those that wait. Returns the exit code."""
    with ledger.alone(root):
        found = [(e, live) for e, live in under_way.jobs_under_way(root) if matches(pattern, e.row)]
        if not found:
            rows = _rows(ledger.entries(root))
            print(
                f"No job of a row that matches {pattern} is under way.{'' if rows else ' Nothing was submitted yet.'}"
            )
            return 0
        # Those that wait first: Slurm was seen to start one whose parent was cancelled before it ran.
        last_first = sorted(found, key=lambda pair: -STAGES.index(pair[0].stage))
        jobs = [live.job for _, live in last_first]
        for start in range(0, len(jobs), AT_ONCE):
            if error := slurm_queue.ask(["scancel", *jobs[start : start + AT_ONCE]])[1]:
                print(f"scancel: {error}", file=sys.stderr)
                return 1
    for row, mine in _by_row(found).items():
        said = ", ".join(
            f"{_name(e)} {live.job}{' (was waiting)' if live.state == 'PENDING' else ''}" for e, live in mine
        )
        print(f"cancelled {row or 'the summary'}: {said}")
    print("What is finished is kept; the same command, or python -m codem.launch retry, goes on from there.")
    return 0


def retry(pattern: str, root: Path, overrides: Sequence[str]) -> int:
    """Submit again what is missing of matching rows and not under way. Returns the exit code."""
    known = ledger.entries(root)
    newest = {entry.key: entry for entry in known if entry.stage not in ("prepare", "summary")}
    mine = [entry for entry in newest.values() if matches(pattern, entry.row)]
    if not mine:
        raise CodemError(_no_match(pattern, root, _rows(known)))
    busy = {entry.key for entry, _ in under_way.jobs_under_way(root)}
    rows: dict[str, set[str]] = {}  # by the submission that knows best how they were wanted
    last = {entry.row: entry.submission for entry in mine}
    for entry in mine:
        if entry.key not in busy:
            rows.setdefault(last[entry.row], set()).add(entry.row)
    if not rows:
        print("Nothing to retry: all stages of the rows that match are under way.")
        return 0
    submissions = ledger.submissions(root)
    return max(_again(submissions[name], wanted, root, overrides) for name, wanted in rows.items())


def _again(submission: Submission, rows: set[str], root: Path, overrides: Sequence[str]) -> int:
    from codem import config
    from codem.slurm import submission as submitting

    given = {_key(text) for text in overrides}
    argv = [text for text in submission.argv if text.startswith("-") or _key(text) not in given] + list(overrides)
    if not Path(submission.cwd).is_dir():
        raise CodemError(
            f"{submission.cwd}: the folder in which {submission.name} was submitted is gone; make it again"
        )
    flags = [text for text in argv if text in ("-m", "--multirun")]
    with contextlib.chdir(submission.cwd):
        cells = config.cells([text for text in argv if text not in flags], bool(flags))
        cells = [replace(cell, runs=root) for cell in cells]
        wanted = [cell for cell in cells if str(train.run_of(cell).folder.relative_to(root)) in rows]
        if any(not isinstance(cell.launcher, Slurm) for cell in wanted):
            raise CodemError(
                "launcher: expected slurm; a command with launcher=local needs no retry, it goes on by itself"
            )
        if not wanted:
            raise CodemError(f"{' '.join(argv)}: no longer has the rows {', '.join(sorted(rows))}")
        return submitting.submit(wanted, submission.stages, argv=argv)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _rows(entries: Sequence[Entry]) -> list[str]:
    return sorted({entry.row for entry in entries if entry.stage not in ("prepare", "summary")})


def _by_row(found: Sequence[tuple[Entry, Live]]) -> dict[str, list[tuple[Entry, Live]]]:
    by_row: dict[str, list[tuple[Entry, Live]]] = {}
    for entry, live in found:
        by_row.setdefault(entry.row, []).append((entry, live))
    return by_row


def _name(entry: Entry) -> str:
    return f"{entry.stage} {entry.shard}" if entry.shard else entry.stage


def _no_match(pattern: str, root: Path, rows: Sequence[str]) -> str:
    if not rows:
        return f"{root}: nothing was submitted from here; give the runs folder of the command that submitted"
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"no row matches {pattern}; there are: {', '.join(rows[:SHOWN])}{more}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m codem.launch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("cancel", "retry"))
    parser.add_argument("pattern", help="rows: tiny/sft/go/seed0, a word of it, or a pattern with *")
    parser.add_argument(
        "rest", nargs="*", metavar="runs | key=value", help="runs folder (default: runs); settings for retry"
    )
    args = parser.parse_args()
    overrides = [text for text in args.rest if "=" in text]
    folders = [text for text in args.rest if "=" not in text]
    if len(folders) > 1 or (overrides and args.what == "cancel"):
        parser.error(
            f"expected {'one runs folder' if len(folders) > 1 else 'no settings with cancel'}, found {args.rest}"
        )
    root = Path(folders[0] if folders else "runs").absolute()
    if not root.is_dir():
        print(f"{root}: no such folder; give the runs folder of the command that submitted", file=sys.stderr)
        return 2
    try:
        return cancel(args.pattern, root) if args.what == "cancel" else retry(args.pattern, root, overrides)
    except CodemError as e:
        print(e, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
