"""Corpus files -> pairs, one at a time, with every row that is none.

    for row in load.rows(files, lang="go"):         # Pair or BadRow, in the order of the files
        ...

    tally = load.Tally()
    for pair in load.pairs(files, tally, lang="go"):    # the same without the bad rows, which tally counts; raises
        ...                                             # StageError at the end when there were too many

The memory that a file takes is that of a few rows (codem/corpus/raw_rows.py), and about 80 bytes for each row that
brings an id of its own: so much does it take to know that no other row has it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from codem.corpus.bad_row import BadRow, Fault
from codem.corpus.pair import Pair
from codem.corpus.raw_rows import RawRow, raw_rows
from codem.corpus.shapes import EXPECTED, Misfit, Texts, texts_of
from codem.corpus.sources import File
from codem.errors import StageError

MAX_BAD_SHARE = 0.05
MAX_CHARACTERS = 1_000_000
"""Of instruction and response together: far beyond what any base model can see at once."""
LISTED = 1_000
"""Bad rows that a tally keeps; it counts them all."""
NAMED = 5
"""Bad rows that a message names."""


@dataclass
class Tally:
    """What was read, and what was left out of it."""

    max_bad_share: float = MAX_BAD_SHARE
    """Of all rows; above it, reading fails. 1: never."""
    rows: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    listed: list[BadRow] = field(default_factory=list)
    """The first LISTED bad rows."""
    cut: int = 0
    """Conversations that go on after their first answer: the rest is left out."""
    renamed: int = 0
    """Rows whose own id an earlier row has too: they are named by file and line."""

    @property
    def bad(self) -> int:
        return self.faults.total()

    def add(self, bad: BadRow) -> None:
        self.faults[bad.fault] += 1
        if len(self.listed) < LISTED:
            self.listed.append(bad)

    def text(self) -> str:
        """One line, or several where more than one thing is to be said; empty: every row is a pair, whole."""
        said = []
        if self.bad:
            said.append(f"{self.bad:,} of {self.rows:,} rows are left out ({self._reasons()}): {self._first()}")
        if self.cut:
            said.append(f"{self.cut:,} conversations go on after their first answer; the rest of them is left out")
        if self.renamed:
            said.append(f"{self.renamed:,} rows have the id of an earlier row, and are named by file and line")
        return "\n".join(said)

    def record(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "left_out": dict(sorted(self.faults.items())),
            "first": [str(bad) for bad in self.listed[:NAMED]],
            "cut_conversations": self.cut,
            "ids_not_unique": self.renamed,
        }

    def check(self, source: str) -> None:
        """Raises StageError when more rows are bad than may be, or when there is no pair at all."""
        if not self.rows:
            raise StageError(f"{source}: the corpus is empty; {EXPECTED}")
        if self.bad == self.rows or self.bad > self.max_bad_share * self.rows:
            raise StageError(
                f"{source}: {self.bad} of {self.rows} rows have no instruction and response as text, and at most "
                f"{self.max_bad_share:.2%} may be so (corpus.max_bad_share): {self._reasons()}. The first: "
                f"{self._first()}. Mend or remove them; {EXPECTED}"
            )

    def _reasons(self) -> str:
        return ", ".join(f"{count:,} {fault}" for fault, count in self.faults.most_common())

    def _first(self) -> str:
        more = f"; and {self.bad - NAMED:,} more" if self.bad > NAMED else ""
        return "; ".join(map(str, self.listed[:NAMED])) + more


def pairs(
    files: Iterable[File],
    tally: Tally,
    *,
    lang: str = "",
    max_characters: int = MAX_CHARACTERS,
    keep_more: bool = True,
) -> Iterator[Pair]:
    """The pairs of the files. Raises StageError, at the end, when more rows were bad than tally lets through."""
    files = list(files)
    for row in rows(files, lang=lang, max_characters=max_characters, keep_more=keep_more, tally=tally):
        if isinstance(row, Pair):
            yield row
    tally.check(" and ".join(str(file.path) for file in files[:NAMED]) or "no file")


def rows(
    files: Iterable[File],
    *,
    lang: str = "",
    max_characters: int = MAX_CHARACTERS,
    keep_more: bool = True,
    tally: Tally | None = None,
) -> Iterator[Pair | BadRow]:
    """Every row of the files, in their order; a line of nothing but space is no row.

    An id is the row's own `id` (text or a whole number) where no earlier row has it; else `<file>/<number>`, the number
    from 1 and, of JSON lines, the line's. lang: of all rows; empty: each row's own `lang`, where it says one.
    keep_more: False leaves out a row's other fields. tally: is told of every row.

    Raises StageError when a file cannot be read on.
    """
    tally = tally or Tally()
    seen: set[int] = set()
    most_bytes = max(1 << 20, 16 * max_characters)  # an escaped character takes up to 12
    for file in files:
        for raw in raw_rows(file.path, file.name, most_bytes):
            tally.rows += 1
            row = raw if isinstance(raw, BadRow) else _row(raw, file, lang, max_characters, keep_more, seen, tally)
            if isinstance(row, BadRow):
                tally.add(row)
            yield row


def _row(
    raw: RawRow, file: File, lang: str, max_characters: int, keep_more: bool, seen: set[int], tally: Tally
) -> Pair | BadRow:
    try:
        texts = texts_of(raw.value)
        _refuse_no_text(texts)
        if (length := len(texts.instruction) + len(texts.response)) > max_characters:
            raise Misfit(Fault.OVER_LONG, f"{length:,} characters; corpus.max_characters is {max_characters:,}")
    except Misfit as e:
        return BadRow(file.name, raw.line, e.fault, e.found)
    tally.cut += texts.is_cut
    own = raw.value.get("id")
    identity = f"{file.name}/{raw.number}"
    if isinstance(own, str | int) and not isinstance(own, bool) and str(own) and not _is_place(str(own), file):
        digest = _short_digest(str(own))
        tally.renamed += digest in seen
        identity = identity if digest in seen else str(own)
        seen.add(digest)
    said = raw.value.get("lang")
    used = texts.used | {"id"} if identity == str(own) else texts.used
    more = {k: v for k, v in raw.value.items() if k not in used} if keep_more else {}
    return Pair(
        id=identity,
        instruction=texts.instruction,
        response=texts.response,
        lang=lang or (said if isinstance(said, str) else ""),
        where=f"{file.name}:{raw.line}",
        more=more,
    )


def _is_place(own: str, file: File) -> bool:
    """An id that could be mistaken for the place of another row of this file."""
    return own.startswith(f"{file.name}/")


def _short_digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _refuse_no_text(texts: Texts) -> None:
    for name, text in (("instruction", texts.instruction), ("response", texts.response)):
        try:
            text.encode()
        except UnicodeEncodeError as e:  # JSON can spell half of a surrogate pair
            raise Misfit(Fault.NOT_UTF8, f"{e.object[e.start : e.end]!r} in the {name} is no text") from None
