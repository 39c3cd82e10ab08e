"""The items of a training run: each language's corpus, read, mixed, and known by what it says."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.corpus import mix, sources
from codem.corpus.load import Tally, pairs
from codem.corpus.pair import Pair
from codem.corpus.sources import EMBEDDED, Kind
from codem.errors import StageError
from codem.language_facts import LanguageFacts
from codem.prompts import training_prompt
from codem.run import file_sha256

if TYPE_CHECKING:
    from codem.settings import Corpus

EMBEDDED_SEED = 0
"""The embedded corpora are one fixed data set; a run's own seed shuffles and mixes, it does not make other data."""


@dataclass(frozen=True)
class Reading:
    """How one language's corpus was read."""

    lang: str
    files: tuple[sources.File, ...]
    """Empty: the embedded corpus."""
    unread: tuple[str, ...]
    tally: Tally

    def text(self) -> str:
        """What a person should know of it; empty: nothing."""
        said = self.tally.text()
        if self.unread:
            named = f"{', '.join(self.unread)} could be meant too, and is not read"
            said = f"{said}\n{named}" if said else named
        return said

    def record(self) -> dict[str, Any]:
        made = {"files": {file.name: file_sha256(file.path) for file in self.files}, **self.tally.record()}
        return {**made, "unread": list(self.unread)} if self.unread else made


@dataclass(frozen=True)
class Chosen:
    items: list[Pair]
    """In the order of training, before an epoch shuffles them."""
    readings: tuple[Reading, ...]

    def notices(self) -> list[str]:
        return [f"corpus {r.lang}: {line}" for r in self.readings for line in r.text().splitlines()]

    def record(self) -> dict[str, Any]:
        """Items of each language, and how its corpus was read."""
        counts: dict[str, int] = {}
        for item in self.items:
            counts[item.lang] = counts.get(item.lang, 0) + 1
        return {r.lang: {"items": counts.get(r.lang, 0), **r.record()} for r in self.readings}

    def lines(self) -> Iterator[str]:
        """A JSON line for each item: its language, its id, and a digest of its text, so that the same items can be
        found again, or be seen to have changed."""
        for item in self.items:
            said = hashlib.sha256(json.dumps([item.instruction, item.response]).encode()).hexdigest()
            yield json.dumps({"lang": item.lang, "id": item.id, "sha256": said[:16]}) + "\n"


def choose(settings: Corpus, parts: Sequence[LanguageFacts], seed: int) -> Chosen:
    """The items of one run, shuffled by its seed.

    parts: one or several languages, in equal shares, or as settings.weights says. settings.size: items in all; None:
    as many as one of these languages has on average, so that a mixture is as large as a monolingual corpus (the
    paper's CodeM-Mixed). Raises StageError when a corpus cannot be read or is too small for its share.
    """
    readings = {part.name: _reading(settings, part) for part in parts}
    corpora = {part.name: list(_pairs(settings, part, readings[part.name])) for part in parts}
    total = settings.size or round(sum(map(len, corpora.values())) / len(corpora))
    try:
        items = mix.mixed(corpora, total, seed, settings.weights)
    except StageError as e:
        raise StageError(f"corpus {settings.source}: {e}") from None
    return Chosen(items, tuple(readings.values()))


def extent(settings: Corpus, parts: Sequence[LanguageFacts]) -> tuple[int | None, float | None]:
    """(items of one run, mean characters of one and its prompt); None where only the hub knows. Fetches nothing."""
    if sources.kind(settings.source) is Kind.HUB:
        return settings.size, None
    have, characters = 0, 0
    for part in parts:
        for pair in _pairs(settings, part, _reading(settings, part)):
            have += 1
            characters += len(training_prompt(pair.instruction)) + len(pair.response)
    return settings.size or round(have / len(parts)), characters / have


def digest(settings: Corpus, parts: Sequence[LanguageFacts]) -> str:
    """A hash of what the corpora say. A hub data set is named by its id: it is fetched only when a run needs it."""
    if sources.kind(settings.source) is Kind.HUB:
        return f"hub:{settings.source}"
    made = hashlib.sha256()
    for part in parts:
        made.update(_digest(settings.source, part.name, part.corpus_file).encode())
    return made.hexdigest()[:16]


def weights(settings: Corpus, parts: Sequence[LanguageFacts]) -> dict[str, int] | None:
    """Of the languages of a mixture, as the smallest whole numbers; None: equal shares, however they were asked for."""
    made = mix.whole_weights([part.name for part in parts], settings.weights)
    return made if len(set(made.values())) > 1 else None


def _reading(settings: Corpus, part: LanguageFacts) -> Reading:
    tally = Tally(settings.max_bad_share)
    if settings.source == EMBEDDED:
        return Reading(part.name, (), (), tally)
    found = sources.found(settings.source, part.name, part.corpus_file)
    return Reading(part.name, tuple(found.files), found.unread, tally)


def _pairs(settings: Corpus, part: LanguageFacts, reading: Reading) -> Iterator[Pair]:
    if settings.source == EMBEDDED:
        from codem.world import corpora

        for item in corpora.instructions(part.name, EMBEDDED_SEED):
            reading.tally.rows += 1
            yield Pair(item["id"], item["instruction"], item["response"], part.name)
        return
    yield from pairs(
        reading.files, reading.tally, lang=part.name, max_characters=settings.max_characters, keep_more=False
    )


@functools.cache
def _digest(source: str, name: str, short: str) -> str:
    if source == EMBEDDED:
        from codem.world import corpora

        return hashlib.sha256(json.dumps(corpora.instructions(name, EMBEDDED_SEED)).encode()).hexdigest()
    each = [file_sha256(file.path) for file in sources.files(source, name, short)]
    return each[0] if len(each) == 1 else hashlib.sha256("".join(each).encode()).hexdigest()
