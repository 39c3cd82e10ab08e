"""The corpus files that a command was given: every pair with its place, and every row that is none."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codem.corpus import load, sources
from codem.corpus.bad_row import BadRow
from codem.corpus.pair import Pair
from codem.corpus.raw_rows import SUFFIXES
from codem.errors import StageError
from codem.language_facts import LanguageFacts
from codem.plugins import suggest

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True)
class Place:
    file: str
    """As the command named it; of a folder, glob or data set, the file in it."""
    row: int
    """From 1; a line of nothing but space is no row."""
    line: int
    """At which it begins, from 1; of Parquet, the row again."""
    id: str
    """The row's own, or `<file>/<number>`."""

    def record(self) -> dict[str, Any]:
        return {"file": self.file, "row": self.row, "line": self.line, "id": self.id}

    def __str__(self) -> str:
        return f"{self.file} row {self.row}"


@dataclass(frozen=True)
class GivenFile:
    name: str
    lang: str
    """Which its responses are to be in; empty: nothing says so."""
    rows: int
    bad: int


@dataclass
class Given:
    files: list[GivenFile] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    """Of all files, in their order; ids are unique. `lang` is the file's, or what the row itself says."""
    places: dict[str, Place] = field(default_factory=dict)
    """By a pair's id."""
    bad: list[tuple[Place, BadRow]] = field(default_factory=list)
    cut: int = 0
    """Conversations of which only the first exchange was read."""

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


def read(
    named: Sequence[str], languages: Mapping[str, LanguageFacts], lang: str = "", keep_more: bool = False
) -> Given:
    """named: files, folders, globs or hub data sets. lang: of all rows; empty: what each file is named for, else what
    a row says itself. keep_more: with the other fields of each row. Raises StageError."""
    target = _language(lang, languages) if lang else ""
    given = Given()
    for name in named:
        kind = sources.kind(name)
        if kind is sources.Kind.HUB and (Path(name).suffix in SUFFIXES or not HUB_ID.fullmatch(name)):
            raise StageError(f"{name}: expected a corpus file, a folder, a glob or a hub data set; no such file here")
        if kind is sources.Kind.EMBEDDED:
            raise StageError(f"{name}: the embedded corpora have no file; expected a corpus file, a folder or a glob")
        found = sources.files(name)
        for file in found:
            shown = name if len(found) == 1 else str(file.path)
            _read_file(given, file, shown, target or _named_for(file.name, languages), languages, keep_more)
    return given


def _read_file(
    given: Given, file: sources.File, shown: str, lang: str, languages: Mapping[str, LanguageFacts], keep_more: bool
) -> None:
    tally = load.Tally(max_bad_share=1)
    for row in load.rows([file], lang=lang, tally=tally, keep_more=keep_more):
        if isinstance(row, BadRow):
            given.bad.append((Place(shown, tally.rows, row.line, ""), row))
            continue
        place = Place(shown, tally.rows, int(row.where.rpartition(":")[2]), row.id)
        identity = row.id if row.id not in given.places else f"{shown}:{row.id}"
        while identity in given.places:  # the same file twice
            identity += "'"
        given.places[identity] = place
        said = row.lang if row.lang in languages else ""
        given.pairs.append(dataclasses.replace(row, id=identity, lang=said))
    given.cut += tally.cut
    given.files.append(GivenFile(shown, lang, tally.rows, tally.bad))


def _named_for(file: str, languages: Mapping[str, LanguageFacts]) -> str:
    """The language whose name, or short name in the paper's public set, a file has; a mixture's is none."""
    for name, facts in languages.items():
        if facts.parts is None and sources.named_for(file, [s for s in (name, facts.corpus_file) if s]):
            return name
    return ""


def _language(said: str, languages: Mapping[str, LanguageFacts]) -> str:
    for name, facts in languages.items():
        if facts.parts is None and said in (name, facts.corpus_file):
            return name
    have = sorted(name for name, facts in languages.items() if facts.parts is None)
    raise StageError(f"--lang {said}: no language of conf/lang/; {suggest(said, have)}")
