"""What was submitted to Slurm from a runs folder: one line for each thing that happened, never rewritten.

    runs/.launch/
      ledger.jsonl              a submission; what it is about to submit; the job id that Slurm gave
      code/<commit>[+<patch>]/  the code that the jobs run: a git worktree
      jobs/<submission>/<n>/    of one job array: pickles, logs, results

A line is written before sbatch is called and another after it, so that a command killed between the two is known: its
jobs carry the first line's name as their comment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from codem import run as runs
from codem.errors import Busy

LOOK_EVERY_S = 0.2


_KEYS = {
    "submission": {"name", "argv", "stages", "cwd", "code", "at", "host"},
    "array": {"submission", "stage", "comment", "job_name", "folder", "at", "nodes"},
    "job": {"comment", "job"},
    "refused": {"comment", "said"},
}
"""What a line of each kind has at least."""


@dataclass(frozen=True)
class Submission:
    """What one command submitted."""

    name: str
    """`20261121-194500-3f2a`"""
    argv: tuple[str, ...]
    """The settings of the command, `-m` included, without the program's name."""
    stages: tuple[str, ...]
    """Those that the command runs."""
    cwd: str
    """Where it was given."""
    code: dict[str, Any]
    """The commit, and the patch if there is one."""
    at: str = ""
    host: str = ""


class Key(NamedTuple):
    """What two entries, or an entry and a node, have in common that are about the same piece of work."""

    stage: str
    row: str
    bench: str
    decode: str
    shard: str | None
    way: str


@dataclass(frozen=True)
class Entry:
    """One node of a graph as it was submitted: one task of a job array."""

    submission: str
    stage: str
    """One of launchers.STAGES."""
    row: str
    """`tiny/sft/go/seed0`; a base's name for prepare, empty for summary."""
    bench: str
    decode: str
    shard: str | None
    """`1of4`"""
    work: tuple[str, ...]
    """Node.missing"""
    comment: str
    """What its array carries in Slurm. (Job ids come back after a cluster was set up anew.)"""
    index: int
    """Its place in the array."""
    job_name: str
    job: str | None
    """`10001_3`; None when the command was killed before it knew, or when Slurm refused."""
    needs: tuple[str, ...]
    """Jobs that it waits for."""
    folder: Path
    """Where its logs lie."""
    at: str
    estimate: dict[str, Any] = field(default_factory=dict)
    """costs.Estimate as plain values."""
    refused: str = ""
    """What sbatch said when it took no job."""
    way: str = ""
    """Of judging, where it is not the usual one: `published`, `unchecked`."""

    @property
    def key(self) -> Key:
        return Key(self.stage, self.row, self.bench, self.decode, self.shard, self.way)

    @property
    def log(self) -> Path | None:
        """What its first process has written, over all attempts; None while the job has no number."""
        return self.folder / f"{self.job}_0_log.out" if self.job else None


def entries(root: Path) -> list[Entry]:
    """In the order of submission, oldest first; a node that was submitted twice is there twice. root: runs/."""
    arrays: dict[str, dict[str, Any]] = {}
    jobs: dict[str, str] = {}
    refused: dict[str, str] = {}
    for line in _lines(root):
        if line["what"] == "array":
            arrays[line["comment"]] = line
        elif line["what"] == "job":
            jobs[line["comment"]] = line["job"]
            refused.pop(line["comment"], None)
        elif line["what"] == "refused":
            refused[line["comment"]] = line["said"]
    folder = runs.Launches(root)
    return [
        Entry(
            submission=array["submission"],
            stage=array["stage"],
            row=node["row"],
            bench=node["bench"],
            decode=node["decode"],
            shard=node["shard"],
            work=tuple(node["work"]),
            comment=comment,
            index=node["index"],
            job_name=array["job_name"],
            job=f"{jobs[comment]}_{node['index']}" if comment in jobs else None,
            needs=tuple(node["needs"]),
            folder=folder.jobs(array["submission"]) / array["folder"],
            at=array["at"],
            estimate=node["estimate"],
            refused=refused.get(comment, ""),
            way=node.get("way", ""),
        )
        for comment, array in arrays.items()
        for node in array["nodes"]
    ]


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One command at a time submits from a runs folder, or cancels: the others wait, and then find what it has done."""
    told = False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(runs.held(runs.Launches(root).folder))
                break
            except Busy as e:
                if not told:
                    who = str(e).split(": ", 1)[-1].split(" is working")[0]
                    print(
                        f"Another command ({who}) is submitting from {root}; waiting for it",
                        file=sys.stderr,
                        flush=True,
                    )
                told = True
                time.sleep(LOOK_EVERY_S)
        yield


def submissions(root: Path) -> dict[str, Submission]:
    """By name, oldest first."""
    return {
        line["name"]: Submission(
            line["name"],
            tuple(line["argv"]),
            tuple(line["stages"]),
            line["cwd"],
            line["code"],
            line["at"],
            line["host"],
        )
        for line in _lines(root)
        if line["what"] == "submission"
    }


def add_submission(root: Path, submission: Submission) -> None:
    said = {"name": submission.name, "argv": submission.argv, "stages": submission.stages, "cwd": submission.cwd}
    _add(root, {"what": "submission", **said, "code": submission.code, "at": runs.now(), "host": os.uname().nodename})


def add_array(root: Path, about_to: Sequence[Entry]) -> None:
    """Of one job array, before it is submitted."""
    first = about_to[0]
    nodes = [
        {
            "index": e.index,
            "row": e.row,
            "bench": e.bench,
            "decode": e.decode,
            "shard": e.shard,
            "way": e.way,
            "work": e.work,
            "needs": e.needs,
            "estimate": e.estimate,
        }
        for e in about_to
    ]
    _add(
        root,
        {
            "what": "array",
            "comment": first.comment,
            "submission": first.submission,
            "stage": first.stage,
            "job_name": first.job_name,
            "folder": first.folder.name,
            "at": first.at,
            "nodes": nodes,
        },
    )


def add_job(root: Path, comment: str, job: str) -> None:
    """job: the array's number."""
    _add(root, {"what": "job", "comment": comment, "job": job, "at": runs.now()})


def add_refusal(root: Path, comment: str, said: str) -> None:
    _add(root, {"what": "refused", "comment": comment, "said": said, "at": runs.now()})


def _add(root: Path, line: dict[str, Any]) -> None:
    path = runs.Launches(root).ledger
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as f:
        if f.tell() and not _ends_well(f):
            f.write(b"\n")  # a command was killed while it wrote
        f.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        f.flush()
        os.fsync(f.fileno())


def _ends_well(f: Any) -> bool:
    f.seek(-1, os.SEEK_END)
    return f.read(1) == b"\n"


def damaged(root: Path) -> list[str]:
    """What cannot be read, in words. A torn line, of a command that was killed while it wrote, is not among it: nothing
    was submitted yet, or its jobs are found by their comment."""
    path = runs.Launches(root).ledger
    return [f"{path}:{number}: expected a line of JSON, found {text[:60]!r}" for number, text, line in _read(root)
            if line is None and not text.startswith('{"what": ')]  # fmt: skip


def _lines(root: Path) -> Iterator[dict[str, Any]]:
    return (line for _, _, line in _read(root) if line is not None)


def _read(root: Path) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    """Number, text, and content where it is whole."""
    try:
        written = runs.Launches(root).ledger.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return
    for number, text in enumerate(written.split("\n"), 1):
        if not text:
            continue
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        yield (
            number,
            text,
            line if isinstance(line, dict) and _KEYS.get(str(line.get("what")), {"?"}) <= line.keys() else None,
        )
