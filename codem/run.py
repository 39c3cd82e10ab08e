"""A run's folder: paths, record, status, refusal. Nobody else builds a path under runs/.

    runs/<base>/<method>/<training language>/seed<n>/
      record.json  items.jsonl  metrics.jsonl  log.txt  checkpoint/  model/  attempts/
      eval/<benchmark>/<language>/<decoding>/
        record.json  prompts.jsonl  samples.jsonl  verdicts.jsonl

    runs/.launch/        what was handed to a cluster: codem/slurm/ledger.py

The untrained base is the row runs/<base>/none/none/seed0: it has no method and no seed.
This module imports nothing but the standard library, so that `analysis/` can use it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.errors import Busy, CodemError, RecipeDiffers


@dataclass(frozen=True)
class Run:
    """One row: a base model, trained or not."""

    root: Path
    base: str
    method: str
    train: str
    seed: int

    @property
    def folder(self) -> Path:
        return self.root / self.base / self.method / self.train / f"seed{self.seed}"

    @property
    def record(self) -> Path:
        return self.folder / "record.json"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def items(self) -> Path:
        """The items that were learned from, in their order: a line of language, id and digest of the text each."""
        return self.folder / "items.jsonl"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def attempts(self, stage: str, part: str = "") -> Path:
        """A line for each time that a job began on a stage, and one for how that ended. part: of a stage that several
        jobs share."""
        return self.folder / "attempts" / (f"{stage}.{part}.jsonl" if part else f"{stage}.jsonl")

    def evaluation(self, bench: str, lang: str, decode: str) -> Evaluation:
        return Evaluation(self, bench, lang, decode)

    def evaluations(self) -> Iterator[Evaluation]:
        """Those that are on disk."""
        for path in sorted(self.folder.glob("eval/*/*/*/record.json")):
            bench, lang, decode = path.parts[-4:-1]
            yield Evaluation(self, bench, lang, decode)

    def __str__(self) -> str:
        return str(self.folder)


@dataclass(frozen=True)
class Judged:
    """A folder with verdicts: an evaluation's, one of its parts, or that of answers from elsewhere."""

    folder: Path

    @property
    def record(self) -> Path:
        return self.folder / "record.json"

    def verdicts_of(self, variant: str = "") -> Path:
        """variant: another way to judge the same answers, such as `unchecked`; empty: the usual one."""
        return self.folder / (f"verdicts.{variant}.jsonl" if variant else "verdicts.jsonl")

    def part(self, name: str) -> Judged:
        """What one of several processes that share the work has judged."""
        return Judged(self.folder / "shards" / name)


@dataclass(frozen=True)
class Evaluation:
    """One cell of the matrix: a row's answers in one language, and their verdicts."""

    run: Run
    bench: str
    lang: str
    decode: str

    @property
    def folder(self) -> Path:
        return self.run.folder / "eval" / self.bench / self.lang / self.decode

    @property
    def record(self) -> Path:
        return self.folder / "record.json"

    @property
    def samples(self) -> Path:
        return self.folder / "samples.jsonl"

    @property
    def prompts(self) -> Path:
        """What the model was asked, for whoever looks at its answers; nothing is computed from it."""
        return self.folder / "prompts.jsonl"

    def repeated(self, name: str) -> Path:
        """The same answers made once more, to be compared with `samples`."""
        return self.folder / "repeat" / name / "samples.jsonl"

    @property
    def judged(self) -> Judged:
        return Judged(self.folder)

    @property
    def verdicts(self) -> Path:
        return self.judged.verdicts_of()


@dataclass(frozen=True)
class Launches:
    """What was handed to a cluster from a runs folder."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / ".launch"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    def code(self, name: str) -> Path:
        return self.folder / "code" / name

    def jobs(self, submission: str) -> Path:
        return self.folder / "jobs" / submission

    def matrix(self, submission: str) -> Path:
        """What its last job writes: pass@1 of all rows."""
        return self.jobs(submission) / "matrix.csv"

    def attempts(self, submission: str, stage: str, row: str) -> Path:
        """Of a job that belongs to no row alone."""
        return self.jobs(submission) / "attempts" / f"{stage}{'.' + row if row else ''}.jsonl"


@dataclass(frozen=True)
class Crafted:
    """A crafted corpus in one language; its folder's parent is a corpus folder for training.

    corpora/<name>/<language>.jsonl
    corpora/<name>/<language>/      answers.jsonl decisions.jsonl rejected.jsonl requests.jsonl record.json log.txt
    """

    root: Path
    name: str
    lang: str

    @property
    def corpus(self) -> Path:
        """Written whole, when it has as many pairs as were asked for, or as the budget or the seeds allow."""
        return self.root / self.name / f"{self.lang}.jsonl"

    @property
    def folder(self) -> Path:
        return self.root / self.name / self.lang

    @property
    def record(self) -> Path:
        return self.folder / "record.json"

    @property
    def answers(self) -> Path:
        """Each answer of the teacher, as it arrived."""
        return self.folder / "answers.jsonl"

    @property
    def requests(self) -> Path:
        """What was sent, and what failed: for the budget, and to count retries."""
        return self.folder / "requests.jsonl"

    @property
    def decisions(self) -> Path:
        """Kept or rejected, and why, in the order of the candidates."""
        return self.folder / "decisions.jsonl"

    @property
    def rejected(self) -> Path:
        """For readers: what was left out, its text and why."""
        return self.folder / "rejected.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def __str__(self) -> str:
        return str(self.corpus)


def find(root: Path) -> Iterator[Run]:
    """Every run under a runs/ folder, sorted by path."""
    for path in sorted(p for base in _bases(root) for p in base.glob("*/*/seed*")):
        base, method, train, seed = path.parts[-4:]
        if seed.removeprefix("seed").isdigit() and ((path / "record.json").exists() or (path / "eval").exists()):
            yield Run(root, base, method, train, int(seed.removeprefix("seed")))


def _bases(root: Path) -> Iterator[Path]:
    """Without runs/.launch, which holds a folder for each submission and the code of each."""
    return (path for path in root.iterdir() if not path.name.startswith(".")) if root.is_dir() else iter(())


def fingerprint(recipe: dict[str, Any]) -> str:
    """One hash for everything that decides a result."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(path: Path) -> dict[str, Any] | None:
    """The record, or None when there is none yet. Records are written whole, so a broken one was damaged later."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as e:
        raise CodemError(
            f"{path}: expected JSON, found something else ({e}); restore it, or remove its folder"
        ) from None


def write_record(path: Path, record: dict[str, Any]) -> None:
    status = {"status": record["status"]}  # the last line
    ordered = {k: v for k, v in record.items() if k != "status"} | status
    write_whole(path, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


def write_whole(path: Path, text: str | Iterable[str]) -> None:
    """All of it or nothing, also when the machine dies or the disk is full. text: whole, or in parts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogatepass") as f:
            f.writelines([text] if isinstance(text, str) else text)
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def refuse_if_different(where: Path, old: dict[str, Any], new: dict[str, Any], ways_out: str) -> None:
    """Raise RecipeDiffers with each field that differs, old -> new."""
    a, b = _flat(old), _flat(json.loads(json.dumps(new)))
    lines = [
        f"  {key}: {_short(a.get(key, 'absent'))} -> {_short(b.get(key, 'absent'))}"
        for key in sorted(a.keys() | b.keys())
        if a.get(key, "absent") != b.get(key, "absent")
    ]
    if lines:
        raise RecipeDiffers(
            f"{where} holds results of another recipe (there -> asked for):\n" + "\n".join(lines) + f"\n{ways_out}"
        )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """One process at a time works in a folder; a second one gets Busy. The kernel frees the lock of a killed one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".lock"
    with open(path, "a+", encoding="utf-8") as f:
        try:
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            f.seek(0)
            raise Busy(
                f"{folder}: {f.read().strip() or 'another process'} is working here; wait for it, or end it, "
                f"and run the same command again"
            ) from None
        f.seek(0)
        f.truncate()
        f.write(f"process {os.getpid()} on {socket.gethostname()}")
        f.flush()
        yield


def is_held(folder: Path) -> bool:
    """Whether a living process works in this folder. (A record that says `running` may be a killed one's.)"""
    try:
        with open(folder / ".lock", "r+", encoding="utf-8") as f:
            fcntl.lockf(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
