"""What the commands of `python -m codem.corpus` share: their options, and what these come to."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem.corpus.duplicates import THRESHOLD
from codem.errors import StageError

if TYPE_CHECKING:
    from codem.benchmark_data import Source
    from codem.corpus.cleaning import Compiles
    from codem.corpus.examine import Found
    from codem.corpus.filters import Limits
    from codem.corpus.given import Given
    from codem.corpus.lengths import Measure
    from codem.corpus.pair import Pair
    from codem.corpus.rejection import Rejection
    from codem.language_facts import LanguageFacts
    from codem.records import Problem
    from codem.settings import Cell


def files(parser: argparse.ArgumentParser, nargs: str) -> None:
    parser.add_argument(
        "files", nargs=nargs, metavar="FILE", help="JSON, JSON lines or Parquet; a folder, a glob or a hub data set too"
    )
    language(parser)


def language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lang", default="", help="which all answers are to be in (default: as the file is named, go.jsonl; else any)"
    )


def against(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against", action="append", default=[], metavar="BENCHMARK",
        help="look for its problems, in all its languages; may be repeated, or several with commas",
    )  # fmt: skip
    parser.add_argument("--data-dir", metavar="DIR", help="with the benchmarks' files (default: they are fetched)")
    near_duplicates(parser)
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        default=len(os.sched_getaffinity(0)),
        help="processes (default: one for each core)",
    )


def near_duplicates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--near-duplicate", type=float, default=THRESHOLD, metavar="SHARE",
        help="of the runs of three words that two pairs have in common, from which on they are one "
        "(default: %(default)s)",
    )  # fmt: skip


def measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base", help="whose tokenizer measures lengths: as for codem.train (default: words and signs are counted)"
    )


def limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--min-response-tokens", type=int, metavar="N", help="shorter answers are too_short")
    parser.add_argument("--max-response-tokens", type=int, metavar="N", help="longer answers are too_long")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="of instruction and answer together")


@dataclass(frozen=True)
class Setting:
    """Options, made of what they name."""

    languages: Mapping[str, LanguageFacts]
    source: Source
    benchmarks: tuple[str, ...]
    measure: Measure
    limits: Limits
    threshold: float
    workers: int

    def read(self, named: Sequence[str], lang: str = "", keep_more: bool = False) -> Given:
        from codem.corpus import given

        return given.read(named, self.languages, lang, keep_more)

    def problems(self) -> list[Problem]:
        """Raises ConfigErrors when a benchmark, or one of its files, is not there."""
        from codem.corpus import benchmarks

        return benchmarks.problems(self.benchmarks, self.source)

    def compiles(self, sandbox: str) -> Compiles:
        """Of pairs in any languages; those of no known language are not built."""
        from codem.sandbox import open_sandbox

        return functools.partial(
            _uncompilable, languages=self.languages, sandbox=open_sandbox(sandbox), workers=self.workers
        )

    def examine(self, given: Given, problems: Sequence[Problem], compiles: Compiles | None = None) -> Found:
        from codem.corpus.examine import Content, examine
        from codem.progress import progress

        content = Content(self.languages, self.limits, self.measure)
        with progress("examine", len(given.pairs), f"{len(given.pairs):,} pairs") as shown:
            return examine(
                given, content, problems,
                compiles=compiles, threshold=self.threshold, workers=self.workers, report=shown.update,
            )  # fmt: skip

    def described(self, problems: int, compiled: bool) -> dict[str, Any]:
        """For a report: what was asked."""
        return {
            "against": list(self.benchmarks),
            "problems": problems,
            "near_duplicate": self.threshold,
            "limits": dataclasses.asdict(self.limits),
            "measured_in": self.measure.unit,
            "compiled": compiled,
        }


def setting(args: argparse.Namespace) -> Setting:
    """Raises ConfigErrors and StageError."""
    from codem.corpus import lengths
    from codem.corpus.filters import Limits

    base = getattr(args, "base", None)
    cell = _cell(base)
    given_limits = {f.name: getattr(args, f.name, None) for f in dataclasses.fields(Limits)}
    named = [name for some in getattr(args, "against", []) for name in some.split(",") if name]
    threshold = args.near_duplicate
    if not 0 < threshold <= 1:
        raise StageError(f"--near-duplicate: expected more than 0 and at most 1, found {threshold}")
    workers = getattr(args, "workers", 1)
    if workers < 1:
        raise StageError(f"--workers: expected at least 1, found {workers}")
    data_dir = getattr(args, "data_dir", None)
    if data_dir and not Path(data_dir).expanduser().is_dir():
        raise StageError(f"--data-dir: expected a folder with the benchmarks' files, found none at {data_dir}")
    source = dataclasses.replace(cell.source, data_dir=Path(data_dir).expanduser() if data_dir else None)
    return Setting(
        languages={name: facts for name, facts in cell.languages.items() if facts.parts is None},
        source=source,
        benchmarks=tuple(dict.fromkeys(named)),
        measure=lengths.measure(cell.base if base else None, source.cache_dir),
        limits=Limits(**{name: value for name, value in given_limits.items() if value is not None}),
        threshold=threshold,
        workers=workers,
    )


@functools.cache
def _cell(base: str | None) -> Cell:
    """For what conf/ says of languages, folders and this base."""
    from codem import config

    return config.cells([f"base={base}"] if base else [])[0]


def _uncompilable(
    pairs: list[Pair], languages: Mapping[str, LanguageFacts], sandbox: Any, workers: int
) -> list[Rejection]:
    from codem.corpus import compiles
    from codem.corpus.code import blocks
    from codem.corpus.identify import response_language

    by_lang: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_lang.setdefault(pair.lang or response_language(blocks(pair.response)).lang, []).append(pair)
    found = []
    for lang, some in by_lang.items():
        if lang in languages:
            found += compiles.failures(some, languages[lang], sandbox, workers)
    return found
