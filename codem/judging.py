"""Judge a set of answers into a folder: the same command resumes, parts can be judged by processes of their own, and
the result is the same file whatever the number of parts, the order or the machine's load.

    out/
      record.json  verdicts.jsonl
      shards/3of8/record.json, verdicts.jsonl       while parts are under way; the last part to finish joins them
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from codem import records
from codem import run as runs
from codem.errors import Busy, StageError
from codem.judge import judge
from codem.language_facts import LanguageFacts
from codem.records import Outcome, Problem, Sample, Verdict
from codem.run import Judged
from codem.sandbox import Sandbox
from codem.settings import Shard
from codem.stage import Stage
from codem.verdict_cache import VerdictCache

Report = Callable[[int], None]
Key = tuple[str, int]


@dataclass(frozen=True)
class Job:
    place: Judged
    variant: str
    recipe: dict[str, Any]
    ways_out: str
    problems: Mapping[str, Problem]
    answers: Callable[[], Iterator[Sample]]
    """From the start at each call; those to other problems are not judged."""
    facts: LanguageFacts
    sandbox: Sandbox
    workers: int
    cache: VerdictCache
    reference_cpu_s: Mapping[str, float]
    shard: Shard | None

    @property
    def verdicts(self) -> Path:
        return self.place.verdicts_of(self.variant)

    def stage(self) -> Stage:
        place, data = self.place, (self.verdicts,)
        return Stage(place.folder, place.record, self.recipe, self.ways_out, key=key(self.variant), data=data)

    def part(self, shard: Shard) -> Stage:
        place = self.place.part(part_name(self.variant, shard))
        recipe, data = {**self.recipe, "shard": str(shard)}, (place.verdicts_of(),)
        return Stage(place.folder, place.record, recipe, f"remove {place.folder}", data=data)


def key(variant: str) -> str:
    """Where in a record this way of judging writes."""
    return f"judge.{variant}" if variant else "judge"


def part_name(variant: str, shard: Shard) -> str:
    return f"{shard}.{variant}" if variant else str(shard)


def run(job: Job, report: Report) -> dict[str, int] | None:
    """Outcomes by name; None when other parts are still to be judged. Raises StageError when an answer could not be
    judged: what was judged is kept, and the same command goes on."""
    whole = job.stage()
    if job.shard is None:
        with whole.opened(whole.is_done) as record:
            if record is not None:
                _judge_missing(job, job.verdicts, report)
                record["counts"] = _join(job, [job.verdicts])
        return whole.read()["counts"]
    part = job.part(job.shard)
    with part.opened(lambda: part.is_done() or whole.is_done()) as record:
        if record is not None:
            path = part.data[0]
            _judge_missing(job, path, report)
            record["counts"] = _counted(_standing([path]), _wanted(job))
    return _join_parts(job, job.shard.count)


def _judge_missing(job: Job, path: Path, report: Report) -> None:
    judged = set(_standing([path]))
    count = len(judged)
    report(count)

    def keep(verdicts: list[Verdict]) -> None:
        nonlocal count
        records.append(path, verdicts)
        count += len(verdicts)
        report(count)

    judge(
        ((job.problems[s.problem], s) for s in _answers(job) if (s.problem, s.sample) not in judged),
        job.facts,
        workers=job.workers,
        sandbox=job.sandbox,
        on_verdicts=keep,
        cache=job.cache,
        reference_cpu_s=job.reference_cpu_s,
    )


def _answers(job: Job) -> Iterator[Sample]:
    return (s for s in job.answers() if s.problem in job.problems and _is_in(s, job.shard))


def _wanted(job: Job) -> dict[Key, None]:
    return {(s.problem, s.sample): None for s in _answers(job)}


def _is_in(sample: Sample, shard: Shard | None) -> bool:
    if shard is None:
        return True
    digest = hashlib.sha256(f"{sample.problem}#{sample.sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard.count == shard.number - 1


def _join_parts(job: Job, count: int) -> dict[str, int] | None:
    """Whichever part ends last finds all others finished."""
    whole = job.stage()
    parts = [job.part(Shard(n, count)) for n in range(1, count + 1)]
    if not whole.is_done() and not all(part.is_done() for part in parts):
        return None
    try:
        with whole.opened(whole.is_done) as record:
            if record is not None:
                record["counts"] = _join(replace(job, shard=None), [part.data[0] for part in parts])
    except Busy:
        return None  # the other one that ended just now is at it
    for part in parts:
        shutil.rmtree(part.folder, ignore_errors=True)
    return whole.read()["counts"]


@dataclass(frozen=True)
class _Place:
    file: int
    at: int
    outcome: Outcome


def _standing(paths: Iterable[Path]) -> dict[Key, _Place]:
    """Where the verdicts that stand are: the last one of each answer, and none in which our own side failed."""
    found = {}
    for number, path in enumerate(paths):
        for at, verdict in records.read_verdicts_at(path):
            found[verdict.problem, verdict.sample] = _Place(number, at, verdict.outcome)
    return {key: place for key, place in found.items() if place.outcome is not Outcome.HARNESS_ERROR}


def _counted(standing: Mapping[Key, _Place], wanted: Mapping[Key, None]) -> dict[str, int]:
    """Raises StageError unless every answer has a verdict."""
    missing = [key for key in wanted if key not in standing]
    if missing:
        problem, sample = missing[0]
        raise StageError(
            f"{len(missing)} of {len(wanted)} answers could not be judged, {problem} (sample {sample}) for one. "
            "Nothing of this language is scored; look at its output_tail in the verdicts, mend what it says, and run "
            "the same command again"
        )
    return dict(sorted(Counter(str(standing[key].outcome) for key in wanted).items()))


def _join(job: Job, paths: list[Path]) -> dict[str, int]:
    """One verdict for each answer, in the order of the answers, as one whole file."""
    standing, wanted = _standing(paths), _wanted(job)
    counts = _counted(standing, wanted)
    if list(standing) != list(wanted) or paths != [job.verdicts] or not _one_each(paths[0], len(wanted)):
        with contextlib.ExitStack() as opened:
            # A part that no answer fell to has no file.
            used = sorted({place.file for place in standing.values()})
            files: dict[int, BinaryIO] = {n: opened.enter_context(open(paths[n], "rb")) for n in used}
            places = (standing[key] for key in wanted)
            runs.write_whole(job.verdicts, (_line(files[p.file], p.at) for p in places))
    return counts


def _one_each(path: Path, count: int) -> bool:
    return sum(1 for _ in records.read_verdicts_at(path)) == count


def _line(file: BinaryIO, at: int) -> str:
    file.seek(at)
    return file.readline().decode("utf-8", "surrogatepass")
