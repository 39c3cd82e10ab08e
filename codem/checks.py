"""Check a composed cell against the machine: languages, toolchains, the base model's folder."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codem import plugins
from codem.corpus import sources
from codem.corpus.sources import Kind
from codem.language_facts import LanguageFacts
from codem.settings import Base, Cell, Corpus, Decode, DeepSpeed


def left_out(bench_name: str, eval_lang: Sequence[str]) -> dict[str, str]:
    """When all languages were wanted: those that cannot be judged here -> how to get what they lack."""
    have = plugins.load("benchmarks", bench_name).LANGUAGES
    lacking = {n: how for n in have if (how := _how_to_get(n))}
    return lacking if set(eval_lang) == set(have) - set(lacking) else {}


def collisions(cells: Sequence[Cell]) -> list[str]:
    """A message for each pair of cells that would write into one folder and are not the same there."""
    errors = []
    owners: dict[tuple, tuple[Cell, dict[str, Any]]] = {}
    for cell in cells:
        row = (
            cell.runs,
            cell.base.name,
            *((cell.method_name, cell.train_name, f"seed{cell.seed}") if cell.trains else ("none",)),
        )
        trained = {"method": cell.method, "corpus": cell.corpus, "deepspeed": cell.deepspeed} if cell.trains else {}
        scored = {"bench": cell.bench, "decode": cell.decode, "engine": cell.engine}
        for folder, identity in (
            (row, {"base": cell.base, **trained}),
            ((*row, cell.bench_name, cell.decode.name), scored),
        ):
            first, theirs = owners.setdefault(folder, (cell, identity))
            differ = sorted(key for key in identity if identity[key] != theirs[key])
            if differ:
                errors.append(
                    f"{', '.join(differ)}: the cells {'/'.join(map(str, folder[1:]))} would share a folder and differ "
                    f"({_first_difference(theirs[differ[0]], identity[differ[0]])}); "
                    f"run them one by one, each with its own runs=<folder>"
                )
    return errors


def _first_difference(a: Any, b: Any) -> str:
    for field in dataclasses.fields(a):
        if getattr(a, field.name) != getattr(b, field.name, None):
            return f"{field.name}: {getattr(a, field.name)} and {getattr(b, field.name, None)}"
    return "in kind"


def _how_to_get(lang: str) -> str:
    toolchain = plugins.load("languages", lang).toolchain()
    return "" if toolchain.found else toolchain.how_to_get()


def eval_languages(
    bench_name: str,
    languages: Mapping[str, LanguageFacts],
    wanted: Any,
    errors: list[str],
    only_planned: bool = False,
    elsewhere: bool = False,
) -> tuple[str, ...]:
    """In the benchmark's order. `all` leaves out what this machine cannot judge; a language asked for by name is
    an error instead, because silence about it would be read as a result. only_planned: this machine does not matter.
    elsewhere: another machine judges, and may well have what this one lacks: a language asked for by name is let
    through."""
    have = plugins.load("benchmarks", bench_name).LANGUAGES
    if wanted == "all":
        return tuple(n for n in have if only_planned or not _how_to_get(n))
    names = [wanted] if isinstance(wanted, str) else list(wanted or [])
    if not names:
        errors.append(
            f"eval_lang: expected all or a list of languages, found nothing; {plugins.suggest('', list(have))}"
        )
    for name in names:
        if name not in languages:
            errors.append(f"eval_lang: no language named {name}; {plugins.suggest(str(name), list(have))}")
        elif name not in have:
            errors.append(f"eval_lang: the benchmark {bench_name} has no {name}; it has {', '.join(have)}")
        elif not (only_planned or elsewhere) and (how := _how_to_get(name)):
            errors.append(f"eval_lang: {name} cannot be built or run on this machine; {how}")
    return tuple(n for n in have if n in names)


def parts(lang: Sequence[str], languages: Mapping[str, LanguageFacts], errors: list[str]) -> tuple[str, ...]:
    """The languages whose corpora a cell draws on, sorted."""
    if len(lang) > 1 and (whole := [n for n in lang if languages[n].parts is not None]):
        errors.append(f"lang: {whole[0]} stands for a whole row and cannot be part of a mixture; list its languages")
    found: set[str] = set()
    for name in lang:
        named = languages[name].parts
        every = [n for n, facts in languages.items() if facts.parts is None]
        found |= {name} if named is None else set(every if "all" in named else named)
    return tuple(sorted(found))


def located(corpus: Corpus) -> Corpus:
    """A folder, a file or a glob by its whole path: jobs look for it from another folder."""
    if sources.kind(corpus.source) in (Kind.EMBEDDED, Kind.HUB):
        return corpus
    return dataclasses.replace(corpus, source=str(Path(corpus.source).expanduser().absolute()))


def corpora(
    wanted: Sequence[str], languages: Mapping[str, LanguageFacts], corpus: Corpus | None, errors: list[str]
) -> None:
    """The embedded corpus, and the paper's, have the languages that name their file in it; a folder may have any, and
    a file has one."""
    if corpus is None or not wanted:
        return
    kind = sources.kind(corpus.source)
    lacking: list[str] = []
    if kind is Kind.EMBEDDED:
        lacking = [n for n in wanted if not languages[n].corpus_file or languages[n].parts is not None]
    elif kind is Kind.HUB:
        lacking = [n for n in wanted if not languages[n].corpus_file]
    elif kind is Kind.GLOB:
        lacking = _not_in_the_glob(wanted, languages, corpus.source)
    elif kind is Kind.FILE and len(wanted) > 1:
        errors.append(
            f"corpus.source: {corpus.source} is one file, the corpus of one language, and {', '.join(wanted)} are "
            f"wanted; give a folder with a file for each, such as {wanted[0]}.jsonl"
        )
    errors += [
        f"lang: the corpus {corpus.source} has no {n}; give corpus.source=<folder with {n}.jsonl>" for n in lacking
    ]


def _not_in_the_glob(wanted: Sequence[str], languages: Mapping[str, LanguageFacts], source: str) -> list[str]:
    """A language that no file is named for, though some are named for others, or for the rest of a mixture."""
    found = sources.matching(source)
    named = {n for n, f in languages.items() if any(sources.named_for(x, _stems(f)) for x in found)}
    return [n for n in wanted if found and n not in named] if named or len(wanted) > 1 else []


def _stems(facts: LanguageFacts) -> tuple[str, ...]:
    return (facts.name, facts.corpus_file) if facts.corpus_file else (facts.name,)


def weights(wanted: Sequence[str], given: Any, errors: list[str]) -> None:
    """A mixture's, as they stand in the config. The base itself, which nothing is mixed for, has no use for them."""
    for name, weight in given.items() if wanted and isinstance(given, dict) else ():
        if name not in wanted:
            errors.append(
                f"corpus.weights.{name}: {name} is no part of the mixture; {plugins.suggest(str(name), list(wanted))}"
            )
        elif isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            errors.append(
                f"corpus.weights.{name}: expected a number above 0, found {weight!r}; to leave a language out, list "
                f"the others in lang=[...]"
            )


def engine(name: str, errors: list[str]) -> None:
    """An engine that needs a package of its own says by `lacks()` what is missing."""
    lacks = getattr(plugins.load("engines", name), "lacks", None)
    if lacks is not None and (missing := lacks()):
        errors.append(missing)


def decoding(decode: Decode | None, errors: list[str]) -> None:
    """Settings that fit by themselves and make no sense together."""
    if decode is None:
        return
    if decode.top_p > 1:
        errors.append(f"decode.top_p: expected a share of the probability, at most 1, found {decode.top_p}")
    if decode.temperature == 0 and decode.samples > 1:
        errors.append(
            f"decode.samples: expected 1 with decode.temperature=0, found {decode.samples}: the likeliest answer is "
            f"the same every time; give decode=sample, or decode.temperature=0.2"
        )
    if decode.temperature == 0 and decode.top_p < 1:
        errors.append(
            f"decode.top_p: expected 1 with decode.temperature=0, found {decode.top_p}: nothing is drawn; "
            f"give decode=sample, or decode.temperature=0.2"
        )


def engine_stage(deepspeed: DeepSpeed | None, method: Any, errors: list[str]) -> None:
    """Without ZeRO, DeepSpeed 0.19 was found to train 16-bit models wrongly: its optimiser makes a step before the
    first gradient, and divides fp16 gradients by a loss scale that the loss was never multiplied by."""
    if deepspeed is None or method is None or method.precision == "fp32":
        return
    if deepspeed.config.get("zero_optimization", {}).get("stage", 0) == 0:
        errors.append(
            f"deepspeed: {deepspeed.name} trains {method.precision} models wrongly (DeepSpeed's optimiser without ZeRO)"
            f"; give deepspeed=zero1, which computes the same in less memory, or method.precision=fp32"
        )


def named(base: Base, errors: list[str]) -> Base:
    """The base with a name that can be a folder's, its own folder (if it is one) looked into."""
    if base.path is None:
        return base
    folder = Path(base.path).expanduser()
    name = base.name or re.sub(r"[^A-Za-z0-9._-]+", "--", folder.name if folder.is_dir() else base.path)
    if not folder.is_dir():
        if base.path.startswith(("/", ".", "~")) or not re.fullmatch(r"[\w.-]+/[\w.-]+", base.path):
            errors.append(f"base: no folder {base.path}, and a hub id has the form owner/name")
        return dataclasses.replace(base, name=name)
    have = {p.name for p in folder.iterdir()}
    if "config.json" not in have:
        errors.append(f"base: {folder} has no config.json; expected a model saved with save_pretrained")
    if not have & {"tokenizer.json", "tokenizer.model", "vocab.json"}:
        errors.append(f"base: {folder} has no tokenizer (tokenizer.json); save the model's tokenizer there")
    if not any(n.endswith((".safetensors", ".bin")) for n in have):
        errors.append(f"base: {folder} has no weights (*.safetensors or *.bin)")
    return dataclasses.replace(base, name=name, path=str(folder.resolve()))
