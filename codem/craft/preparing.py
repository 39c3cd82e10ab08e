"""All that a corpus needs before its first request: seeds, candidates, benchmarks, the corpora beside it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from codem import run as runs
from codem.benchmark_data import Source
from codem.corpus.pair import Pair
from codem.corpus.rejection import Rejection
from codem.craft import filters, templates
from codem.craft.evolve import Candidate, candidates
from codem.craft.settings import Craft
from codem.craft.templates import Templates
from codem.errors import ConfigErrors
from codem.records import Problem
from codem.run import Crafted
from codem.stage import Stage


@dataclass(frozen=True)
class Prepared:
    craft: Craft
    templates: Templates
    candidates: Sequence[Candidate]
    problems: Sequence[Problem]
    content: Callable[[Pair], Rejection | None]
    stage: Stage
    seeds: dict[str, Any]
    """For the record: where they are from, and how many of them are Python's, by the reason."""

    @property
    def beside(self) -> dict[str, dict[str, Any]]:
        return self.stage.recipe["beside"]


def prepared(craft: Craft) -> Prepared:
    """Asks for nothing. Raises ConfigErrors when it cannot come to as many pairs as are wanted, StageError when seeds,
    benchmarks or a tokenizer cannot be read."""
    errors: list[str] = []
    texts = templates.load(craft.craft, craft.facts, errors)
    if texts is None:
        raise ConfigErrors(errors)
    seeds, said = _seeds(craft.seeds)
    made = candidates(seeds, craft.lang, texts, craft.seed)
    if len(made) < craft.n:
        raise ConfigErrors(
            [
                f"n: at most {len(made):,} items can be asked for in {craft.lang}: {len(seeds):,} seeds by "
                f"{len(texts.evolve)} operations, and not all are kept; give a smaller n=, or seeds= with more Python"
            ]
        )
    problems = _problems(craft.against, craft.source)
    recipe = {
        "lang": craft.lang,
        "teacher": {k: getattr(craft.teacher, k) for k in ("model", "temperature", "max_tokens", "extra")},
        "seeds": {"items": len(seeds), "sha256": _digest([(s.id, s.instruction, s.response) for s in seeds])},
        "seed": craft.seed,
        "evolution": craft.facts.evolution,
        "prompts": texts.digests(),
        "filters": _filters(craft),
        "against": {name: _digest(_rows(problems, name)) for name in craft.against},
        "beside": _beside(craft.place),
    }
    place = craft.place
    ways_out = f"give another name=, or remove {place.corpus} and {place.folder}"
    stage = Stage(place.folder, place.record, recipe, ways_out, data=(place.answers, place.decisions))
    return Prepared(craft, texts, made, problems, filters.content_of(craft), stage, said)


def rows_of(place: Crafted, count: int | None = None) -> Iterator[dict[str, Any]]:
    """The first rows of a corpus as it lies there; all: None. Raises ConfigErrors when it is not what craft wrote."""
    for line in _lines_of(place, count):
        try:
            row = json.loads(line)
            Pair(row["id"], row["instruction"], row["response"], row["lang"])
        except (ValueError, KeyError, TypeError):
            raise ConfigErrors(
                [f"{place.corpus}: expected a crafted corpus, found {line[:80]!r}; move it away"]
            ) from None
        yield row


def others(prepared: Prepared) -> Iterator[Pair]:
    """The pairs of the corpora beside it, as far as they count."""
    place = prepared.craft.place
    for lang, known in prepared.beside.items():
        for row in rows_of(dataclasses.replace(place, lang=lang), known["items"]):
            yield Pair(row["id"], row["instruction"], row["response"], lang)


def _beside(place: Crafted) -> dict[str, dict[str, Any]]:
    """The corpora in the same folder that were finished when this one was begun: their pairs are not repeated. They
    stay these, and as long as they were, however the folder grows."""
    record = runs.read_record(place.record) or {}
    begun = (record.get("recipe") or {}).get("beside")
    if begun is not None:
        return {lang: _extent(dataclasses.replace(place, lang=lang), known["items"]) for lang, known in begun.items()}
    found = {}
    for path in sorted(place.corpus.parent.glob("*.jsonl")):
        other = dataclasses.replace(place, lang=path.stem)
        if other != place and (runs.read_record(other.record) or {}).get("finished"):
            found[other.lang] = _extent(other, None)
    return found


def _extent(place: Crafted, count: int | None) -> dict[str, Any]:
    lines = list(_lines_of(place, count))
    return {"items": len(lines), "sha256": hashlib.sha256(b"".join(lines)).hexdigest()[:16]}


def _lines_of(place: Crafted, count: int | None) -> Iterator[bytes]:
    try:
        with open(place.corpus, "rb") as f:
            for number, line in enumerate(f):
                if number == count:
                    return
                yield line
    except FileNotFoundError:
        return  # then its digest differs, and the recipe says so


@functools.cache
def _seeds(source: str) -> tuple[list[Pair], dict[str, Any]]:
    """The Python part of the seed set, in its order; and how that came about."""
    from codem.corpus import load, sources
    from codem.corpus.seeds import python_part

    if sources.kind(source) is sources.Kind.EMBEDDED:
        raise ConfigErrors(
            [f"seeds: expected a file, a glob or a hub data set, found {source}, which is a finished corpus"]
        )
    tally = load.Tally()
    found, reasons = python_part(list(load.pairs(sources.files(source), tally, keep_more=False)))
    said = {"source": source, "read": tally.record(), "python": len(found), "by": dict(sorted(reasons.items()))}
    return [seed.pair for seed in found], said


@functools.cache
def _problems(against: tuple[str, ...], source: Source) -> list[Problem]:
    from codem.corpus import benchmarks

    try:
        return benchmarks.problems(against, source)
    except ConfigErrors as e:
        how = "against: give data_dir=<folder with the benchmarks' files>; against=[] looks for no leaks, and says so"
        raise ConfigErrors([*e.errors, how]) from None


def _rows(problems: Sequence[Problem], benchmark: str) -> list[tuple[str, ...]]:
    return [(p.id, p.description, p.signature, p.reference) for p in problems if p.id.startswith(f"{benchmark}/")]


def _filters(craft: Craft) -> dict[str, Any]:
    c = craft.craft
    return {
        "tokenizer": (craft.tokenizer.path or "tiny") if craft.tokenizer else None,
        "min_response_tokens": c.min_response_tokens,
        "max_response_tokens": c.max_response_tokens,
        "max_pair_tokens": c.max_pair_tokens,
        "near_duplicate": c.near_duplicate,
        "compile": c.compile,
        "validate": c.validate,
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
