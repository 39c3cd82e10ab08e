"""The instruction corpora of a training run: the embedded one, a folder of JSON files, or a hub data set.

An item has `id`, `instruction` and `response` (Figure 1 of the paper; section 2.1 says how such pairs are crafted).
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codem.errors import StageError
from codem.language_facts import LanguageFacts
from codem.prompts import training_prompt

EMBEDDED = "mini"
EMBEDDED_SEED = 0
"""The embedded corpora are one fixed data set; a run's own seed shuffles and mixes, it does not make other data."""
MAX_BAD_SHARE = 0.05
SUFFIXES = (".jsonl", ".json")


def items(source: str, parts: Sequence[LanguageFacts], size: int | None, seed: int) -> list[dict[str, str]]:
    """The items of one run, shuffled by its seed.

    parts: one or several languages, in equal shares. size: items in all; None: as many as one of these languages has
    on average, so that a mixture is as large as a monolingual corpus (the paper's CodeM-Mixed). Raises StageError
    when a corpus cannot be read or is too small for its share.
    """
    corpora = {part.name: monolingual(source, part) for part in parts}
    total = size or round(sum(map(len, corpora.values())) / len(corpora))
    chosen: list[dict[str, str]] = []
    for n, (name, corpus) in enumerate(sorted(corpora.items())):
        share = total // len(corpora) + (n < total % len(corpora))
        if share > len(corpus):
            raise StageError(
                f"corpus {source}: {name} has {len(corpus)} items, {share} are asked for; lower corpus.size"
            )
        chosen += random.Random(f"{seed}/{name}").sample(corpus, share)
    random.Random(f"{seed}/order").shuffle(chosen)
    return chosen


def digest(source: str, parts: Sequence[LanguageFacts]) -> str:
    """A hash of what the corpora say. A hub data set is named by its id: it is fetched only when a run needs it."""
    if source != EMBEDDED and not Path(source).expanduser().is_dir():
        return f"hub:{source}"
    made = hashlib.sha256()
    for part in parts:
        made.update(_digest(source, part.name, part.corpus_file).encode())
    return made.hexdigest()[:16]


@functools.cache
def _digest(source: str, name: str, corpus_file: str) -> str:
    if source == EMBEDDED:
        from codem.world import corpora

        text = json.dumps(corpora.instructions(name, EMBEDDED_SEED)).encode()
    else:
        text = _file(source, name, corpus_file).read_bytes()
    return hashlib.sha256(text).hexdigest()


def extent(source: str, parts: Sequence[LanguageFacts], size: int | None) -> tuple[int | None, float | None]:
    """(items of one run, mean characters of one and its prompt); None where only the hub knows. Fetches nothing."""
    if source != EMBEDDED and not Path(source).expanduser().is_dir():
        return size, None
    corpora = [monolingual(source, part) for part in parts]
    have = sum(map(len, corpora))
    characters = sum(len(training_prompt(i["instruction"])) + len(i["response"]) for c in corpora for i in c)
    return size or round(have / len(corpora)), characters / have


def monolingual(source: str, part: LanguageFacts) -> list[dict[str, str]]:
    """All items of one language, in their own order."""
    if source == EMBEDDED:
        from codem.world import corpora

        return corpora.instructions(part.name, EMBEDDED_SEED)
    return _read(_file(source, part.name, part.corpus_file), part.name)


def _file(source: str, name: str, corpus_file: str) -> Path:
    """`<language>.jsonl` or `.json` in a folder or a hub data set; the paper's set shortens some names (`js`)."""
    stems = [s for s in dict.fromkeys((name, corpus_file)) if s]
    folder = Path(source).expanduser()
    if folder.is_dir():
        have = [p.name for p in folder.iterdir()]
    else:
        from huggingface_hub import HfApi

        try:
            have = HfApi().list_repo_files(source, repo_type="dataset")
        except Exception as e:
            raise StageError(
                f"corpus {source}: no such folder here, and the hub does not answer ({type(e).__name__}); "
                f"give corpus.source=<folder with {stems[0]}.jsonl>"
            ) from e
    for found in sorted(have):
        if Path(found).stem in stems and Path(found).suffix in SUFFIXES:
            if folder.is_dir():
                return folder / found
            from huggingface_hub import hf_hub_download

            return Path(hf_hub_download(source, found, repo_type="dataset"))
    raise StageError(
        f"corpus {source}: no {' or '.join(stems)} with {' or '.join(SUFFIXES)}; it has {', '.join(sorted(have))}"
    )


def _read(path: Path, lang: str) -> list[dict[str, str]]:
    """Alpaca-style rows: instruction, optional input, and output or response."""
    rows, bad = [], []
    for where, row in _json_rows(path):
        instruction, response = _pair(row)
        if instruction and response:
            rows.append({"id": f"{path.name}/{where}", "instruction": instruction, "response": response})
        else:
            bad.append(where)
    if not rows and not bad:
        raise StageError(f"{path}: the corpus is empty; expected one JSON object with instruction and output per line")
    if len(bad) > MAX_BAD_SHARE * (len(rows) + len(bad)) or not rows:
        raise StageError(
            f"{path}: {len(bad)} of {len(rows) + len(bad)} rows have no instruction and response as text "
            f"(the first are rows {bad[:5]}); expected JSON objects with `instruction` and `output` or `response`"
        )
    return rows


def _json_rows(path: Path) -> list[tuple[int, Any]]:
    text = path.read_text("utf-8")
    if path.suffix == ".json" and text.lstrip().startswith("["):
        return list(enumerate(json.loads(text), 1))
    rows: list[tuple[int, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except ValueError:
                rows.append((number, None))
    return rows


def _pair(row: Any) -> tuple[str, str]:
    if not isinstance(row, dict):
        return "", ""
    instruction, extra = row.get("instruction"), row.get("input") or ""
    response = row.get("output", row.get("response"))
    if not all(isinstance(v, str) for v in (instruction, extra, response)):
        return "", ""
    return f"{instruction}\n{extra}".strip(), str(response).strip()
