"""The facts of a runs folder: every row and stage with its state, from result files first and then from Slurm.

    found = look(Path("runs"))
    found.rows                 # one for each run, and one for each job that belongs to no run alone; plain values
    found.notes                # what could not be asked or read, a line each

Files are read, then Slurm is asked once about what is not complete, then the files of whatever Slurm says is over are
read again: a job may have ended between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codem import run as runs
from codem import status_files, status_jobs
from codem.slurm import attempts, ledger
from codem.slurm import queue as slurm_queue
from codem.slurm.attempts import Attempt
from codem.slurm.ledger import Entry
from codem.slurm.queue import Queue
from codem.status_files import Facts

UNDER_WAY = ("running", "waiting", "submitted")


@dataclass(frozen=True)
class Found:
    rows: list[dict[str, Any]]
    notes: list[str]


@dataclass(frozen=True)
class _Part:
    """One stage of one row as its files have it."""

    stage: str
    bench: str | None
    decode: str | None
    shard: str | None
    facts: Facts
    attempts: tuple[Attempt, ...]
    entry: Entry | None
    log: Path | None = None
    """What a training here, without a job, has written."""


@dataclass
class _Row:
    run: runs.Run
    entries: dict[tuple, Entry] = field(default_factory=dict)
    """The newest of each stage."""
    said: dict[str, Any] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)

    def read(self) -> _Row:
        try:
            self._read()
        except Exception as e:  # a record of a shape that nobody foresaw is this row's fault, not the table's
            self.said = {**_empty(self.run), "status": "failed", "error": f"cannot be read: {type(e).__name__}: {e}"}
            self.parts = [_Part("train", None, None, None, Facts("failed", self.said["error"]), (), None)]
        return self

    def _read(self) -> None:
        run, record = self.run, status_files.record_of(self.run.record)
        found = [(e, status_files.record_of(e.record)) for e in run.evaluations()]
        state = status_files.status(record, run.folder)
        step = status_files.last_step(run, record) if record.get("status") != "done" else {}
        self.said = {
            **_empty(run),
            "status": state,
            "error": record.get("error"),
            "progress": step or None,
            "evaluations": [_evaluation(e, r) for e, r in found],
        }
        self.parts = list(self._parts(record, found))

    def _parts(self, record: dict[str, Any], found: Sequence[tuple[runs.Evaluation, dict]]) -> Iterator[_Part]:
        train = next((e for e in self.entries.values() if e.stage == "train"), None)
        if record or train:
            yield self._part("train", None, None, None, status_files.trained(self.run, record), train)
        places = {(e.bench, e.decode) for e, _ in found}
        places |= {(e.bench, e.decode) for e in self.entries.values() if e.stage in ("generate", "execute")}
        for bench, decode in sorted(places):
            there = {e.lang: r for e, r in found if (e.bench, e.decode) == (bench, decode)}
            mine = [e for e in self.entries.values() if (e.bench, e.decode) == (bench, decode)]
            records = there | {lang: {} for e in mine for lang in e.work if lang not in there}
            entry = next((e for e in mine if e.stage == "generate"), None)
            facts = status_files.generated(self.run, bench, decode, records)
            yield self._part("generate", bench, decode, None, facts, entry)
            executes = [e for e in mine if e.stage == "execute"]
            ways: list[str | None] = [*sorted({e.way for e in executes})]
            for way in ways or [None]:
                jobs = _of_one_count([e for e in executes if e.way == way])
                for shard, part in jobs or [(None, None)]:
                    facts = status_files.judged(self.run, bench, decode, records, shard, way)
                    yield self._part("execute", bench, decode, shard, facts, part)

    def _part(self, stage: str, bench: Any, decode: Any, shard: Any, facts: Facts, entry: Entry | None) -> _Part:
        path = self.run.attempts(stage, attempts.part(stage, bench or "", decode or "", shard))
        return _Part(stage, bench, decode, shard, facts, _attempts(path, entry), entry, self.run.log)


def look(root: Path) -> Found:
    """Raises nothing for what is damaged: that row, or a note, says so."""
    notes: list[str] = []
    newest = _newest(root, notes)
    rows = [row.read() for row in _rows(root, newest)]
    shared = [_shared(root, e) for e in newest.values() if e.stage in ("prepare", "summary")]
    open_parts = [p for p in (*(p for r in rows for p in r.parts), *shared) if p.entry and p.facts.state != "done"]
    queue = _asked([p.entry for p in open_parts if p.entry], notes)
    over = {id(p) for p in open_parts if p.entry and ((live := queue.of(p.entry)) is None or live.is_over)}
    rows = [row.read() if any(id(p) in over for p in row.parts) else row for row in rows]
    shared = [_shared(root, p.entry) if p.entry and id(p) in over else p for p in shared]
    submitting = bool(newest) and runs.is_held(runs.Launches(root).folder)
    states = _States(queue, submitting)
    prepare = [_common(p, states) for p in shared if p.stage == "prepare"]
    own = [_row(row, states) for row in rows]
    last = [_common(p, states) for p in shared if p.stage == "summary"]
    last = [row for n, row in enumerate(last) if n == len(last) - 1 or row["stages"][0]["state"] in UNDER_WAY]
    return Found([*prepare, *own, *last], notes)


class _States:
    """Turns files and Slurm's word into states, parents before children."""

    def __init__(self, queue: Queue, submitting: bool):
        self.queue, self.submitting = queue, submitting
        self.of_job: dict[str, tuple[str, str]] = {}
        self.of_array: dict[str, list[tuple[str, str]]] = {}
        self.written: dict[str, bool] = {}

    def stage(self, part: _Part) -> dict[str, Any]:
        """As the JSON has it."""
        entry, facts = part.entry, part.facts
        live = self.queue.of(entry) if entry else None
        last = part.attempts[-1] if part.attempts else None
        if entry is None:
            tail = status_jobs.tail_of(part.log) if facts.state == "failed" and part.stage == "train" else ()
            seen = status_jobs.Seen(facts.state, facts.error, log_tail=tail)
        else:
            job = status_jobs.Evidence(
                entry,
                live,
                last,
                slurm_answers=not self.queue.error,
                submitting=self.submitting,
                parents=lambda: self._parents(entry),
                others_wrote=lambda: self._have_written(entry),
            )
            seen = status_jobs.seen(facts, job)
        if entry and entry.job:
            place = (f"{entry.stage} {entry.job}", seen.state)
            self.of_job[entry.job] = place
            self.of_array.setdefault(entry.job.partition("_")[0], []).append(place)
        took = live.elapsed_s if live else None
        return {
            "stage": part.stage,
            "bench": part.bench,
            "decode": part.decode,
            "shard": part.shard,
            "state": seen.state,
            "job": (entry.job if entry else None) or (last.job if last else None) or None,
            "node": (live.node if live else "") or (last.node if last else None) or None,
            "elapsed_s": took or status_jobs.elapsed_s(last),
            "requeues": max(live.requeues if live else 0, last.restart if last else 0),
            "waits_for": list(seen.waits_for),
            "progress": facts.progress,
            "error": status_jobs.first_line(seen.error) if seen.error else None,
            "log_tail": list(seen.log_tail),
            "estimate": facts.estimate or (entry.estimate if entry else None) or None,
            "spent_s": facts.spent_s,
        }

    def _have_written(self, entry: Entry) -> bool:
        if entry.submission not in self.written:
            self.written[entry.submission] = any(entry.folder.parent.glob("*/*_log.out"))
        return self.written[entry.submission]

    def _parents(self, entry: Entry) -> list[tuple[str, str]]:
        """A whole array that is waited for counts as its jobs."""
        found = []
        for need in entry.needs:
            whole = self.of_array.get(need, []) if "_" not in need else []
            found += whole or [self.of_job.get(need, (f"job {need}", ""))]
        return found


def _row(row: _Row, states: _States) -> dict[str, Any]:
    stages = [states.stage(part) for part in row.parts]
    return {**row.said, "stages": stages, "estimate": _sum_of(stages), "spent_s": _total(s["spent_s"] for s in stages)}


def _common(part: _Part, states: _States) -> dict[str, Any]:
    """A job of the whole sweep, or of a base, as a row of its own."""
    stage = states.stage(part)
    base = part.entry.row if part.entry and part.stage == "prepare" else None
    said = {"run": None, "row": base or "all rows", "base": base, "method": None, "train": None, "seed": None}
    more = {"status": stage["state"], "error": stage["error"], "progress": None, "evaluations": []}
    return {**said, **more, "stages": [stage], "estimate": stage["estimate"], "spent_s": stage["spent_s"]}


def _shared(root: Path, entry: Entry) -> _Part:
    where = runs.Launches(root)
    mine = _attempts(where.attempts(entry.submission, entry.stage, entry.row), entry)
    is_done = (
        where.matrix(entry.submission).exists() if entry.stage == "summary" else mine[-1:] and mine[-1].end == "done"
    )
    return _Part(entry.stage, None, None, None, Facts("done" if is_done else "missing"), mine, entry)


def _newest(root: Path, notes: list[str]) -> dict[tuple, Entry]:
    """Of each piece of work; there is a summary for each submission."""
    try:
        notes += ledger.damaged(root)
        found = ledger.entries(root)
    except Exception as e:
        notes.append(f"{runs.Launches(root).ledger}: cannot be read ({type(e).__name__}: {e}); files alone are shown")
        return {}
    return {(*e.key, e.submission if e.stage == "summary" else ""): e for e in found}


def _rows(root: Path, newest: Mapping[tuple, Entry]) -> list[_Row]:
    rows = {str(run.folder.relative_to(root)): _Row(run) for run in runs.find(root)}
    for key, entry in newest.items():
        if entry.stage in ("train", "generate", "execute") and entry.row.count("/") == 3:
            base, method, train, seed = entry.row.split("/")
            run = runs.Run(root, base, method, train, int(seed.removeprefix("seed")))
            rows.setdefault(entry.row, _Row(run)).entries[key] = entry
    return [rows[name] for name in sorted(rows)]


def _asked(entries: Sequence[Entry], notes: list[str]) -> Queue:
    """A sweep that is complete needs no Slurm."""
    if not entries:
        return Queue()
    queue = slurm_queue.look(entries)
    if queue.error:
        notes.append(f"Slurm cannot be asked: {queue.error}. What follows is what the files say.")
    return queue


def _attempts(path: Path, entry: Entry | None) -> tuple[Attempt, ...]:
    """Those of this job; without one, all."""
    try:
        found = attempts.read(path)
    except Exception:  # damaged; the results and Slurm say enough
        return ()
    return tuple(found if entry is None else attempts.of_job(found, entry.submission, entry.job or ""))


def _of_one_count(executes: Sequence[Entry]) -> list[tuple[str | None, Entry | None]]:
    """The jobs of one judgement: those with as many parts as the newest has."""
    if not executes:
        return []
    count = (max(executes, key=lambda e: e.at).shard or "").partition("of")[2]
    mine = {e.shard: e for e in executes if (e.shard or "").partition("of")[2] == count}
    return sorted(mine.items(), key=lambda item: int((item[0] or "0").partition("of")[0]))


def _empty(run: runs.Run) -> dict[str, Any]:
    said = {"run": str(run.folder), "row": str(run.folder.relative_to(run.root)), "base": run.base}
    said |= {"method": run.method, "train": run.train}
    return {**said, "seed": run.seed, "status": "no record", "error": None, "progress": None, "evaluations": []}


def _evaluation(where: runs.Evaluation, record: dict[str, Any]) -> dict[str, Any]:
    judged, recipe = status_files.mapping(record.get("judge")), status_files.mapping(record.get("recipe"))
    counts = status_files.mapping(judged.get("counts"))
    total = sum(counts.values())
    return {
        "bench": where.bench,
        "lang": where.lang,
        "decode": where.decode,
        "status": status_files.status(record, where.folder),
        "error": judged.get("error") or record.get("error"),
        "passed": counts.get("passed", 0) if total else None,
        "judged": total or None,
        "samples": status_files.mapping(recipe.get("decode")).get("samples", 1),
        "problems": recipe.get("problems"),
    }


def _sum_of(stages: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    known = [e for s in stages if isinstance(e := s["estimate"], dict)]
    return {k: _total(e.get(k) for e in known) for k in ("wall_s", "gpu_hours")} if known else None


def _total(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if isinstance(v, (int, float))]
    return round(sum(known), 3) if known else None
