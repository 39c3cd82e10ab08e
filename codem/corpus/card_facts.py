"""What a corpus card says, before it is text: counts, lengths, languages, words, faults, examples and origin."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem import run as runs
from codem.corpus.diff import languages
from codem.corpus.examine import Found
from codem.corpus.given import Given
from codem.corpus.instruction_words import Asked, counted
from codem.corpus.lengths import Measure
from codem.corpus.pair import Pair

MOST_VALUES = 12
"""A field of the rows with more different values than this says nothing about the whole."""
LONGEST_VALUE = 100


@dataclass(frozen=True)
class Origin:
    licence: str
    """Empty: unknown."""
    record: tuple[tuple[str, str], ...]
    """(key, value) of the record that craft keeps beside a corpus; empty: there is none."""
    fields: Mapping[str, Mapping[str, int]]
    """What the rows say of themselves: field -> value -> rows."""


@dataclass(frozen=True)
class CardFacts:
    name: str
    given: Given
    shown: Mapping[str, str]
    """What each file is called on the card: without the folders that all of them share."""
    sha256: Mapping[str, str]
    """By file; of a hub data set and the like, nothing."""
    unit: str
    instructions: list[int]
    """Lengths, in `unit`; as `responses`."""
    responses: list[int]
    languages: Mapping[str, int]
    """Pairs by the language of the response's code; `unknown`: none was recognised."""
    found: Found
    asked: Mapping[str, Any]
    """What was looked for: `Setting.described`."""
    verbs: Mapping[Asked, int]
    topics: Mapping[str, int]
    no_topic: int
    examples: list[Pair]
    origin: Origin


def facts(
    name: str,
    given: Given,
    measure: Measure,
    found: Found,
    asked: Mapping[str, Any],
    *,
    examples: int,
    seed: int,
    licence: str,
) -> CardFacts:
    """given: read with the other fields of its rows. examples: as many pairs are drawn, by the seed."""
    verbs, topics, no_topic = counted(pair.instruction for pair in given.pairs)
    drawn = random.Random(f"card/{seed}").sample(range(len(given.pairs)), min(examples, len(given.pairs)))
    return CardFacts(
        name=name,
        given=given,
        shown=_shown([file.name for file in given.files]),
        sha256={f.name: runs.file_sha256(path) for f in given.files if (path := Path(f.name).expanduser()).is_file()},
        unit=measure.unit,
        instructions=measure.many([pair.instruction for pair in given.pairs]),
        responses=measure.many([pair.response for pair in given.pairs]),
        languages=languages(given.pairs),
        found=found,
        asked=asked,
        verbs=verbs,
        topics=dict(topics.most_common()),
        no_topic=no_topic,
        examples=[given.pairs[at] for at in sorted(drawn)],
        origin=origin(given, licence),
    )


def origin(given: Given, licence: str) -> Origin:
    """licence: as stated by who asks; empty: as the record beside the corpus says, if it does."""
    records = [record for file in given.files if (record := _record_of(Path(file.name).expanduser())) is not None]
    said = next((str(record["licence"]) for record in records if record.get("licence")), "")
    flat = [pair for record in records for pair in _flat(record)]
    return Origin(licence or said, tuple(flat), _fields(given.pairs))


def _record_of(corpus: Path) -> dict[str, Any] | None:
    """That of craft, where the corpus is one that it made."""
    made = runs.Crafted(corpus.absolute().parent.parent, corpus.absolute().parent.name, corpus.stem)
    return runs.read_record(made.record) if corpus.is_file() and made.corpus.name == corpus.name else None


def _flat(tree: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(tree, dict):
        return [pair for name, value in tree.items() for pair in _flat(value, f"{key}.{name}" if key else str(name))]
    if isinstance(tree, list) and all(not isinstance(value, dict | list) for value in tree):
        tree = ", ".join(map(str, tree))
    return [(key, "" if tree is None else str(tree)[:LONGEST_VALUE])]


def _fields(pairs: list[Pair]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    many: set[str] = set()
    for pair in pairs:
        for key, value in pair.more.items():
            if key in many or not isinstance(value, str | int | bool) or key == "lang":
                continue
            values = counts.setdefault(key, Counter())
            values[str(value)[:LONGEST_VALUE]] += 1
            if len(values) > MOST_VALUES:
                many.add(key)
                del counts[key]
    return {key: dict(values.most_common()) for key, values in sorted(counts.items())}


def _shown(files: list[str]) -> dict[str, str]:
    shared = os.path.commonpath([os.path.dirname(os.path.abspath(file)) for file in files])
    return {file: os.path.relpath(os.path.abspath(file), shared) for file in files}
