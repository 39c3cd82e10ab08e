"""How far answers differ when they are made again: `python -m codem.generate repeat=2`.

The answers of a finished evaluation are generated anew, `repeat - 1` times, each time in smaller batches, and compared
with those in samples.jsonl, which stay as they are. What differs is the engine's noise: of kernels that add in another
order, and of logits whose last bits depend on what else is in the batch. The figures go into the evaluation's record:

    "repeat": {"times": 2, "problems": 164, "texts_differ": 3, "programs_differ": 1, "samples_sha256": "...",
               "engines": [...]}

texts_differ: problems of which some answer reads otherwise; programs_differ: of which another program is cut out;
engines: what the engine of each repetition says of itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from codem import generate, records
from codem import run as runs
from codem.cut import cut
from codem.errors import StageError
from codem.progress import progress
from codem.run import Evaluation
from codem.settings import Cell


def missing(cell: Cell) -> list[str]:
    """The languages whose noise is to be measured and is not known yet."""
    return [lang for lang in cell.eval_lang if cell.repeat > 1 and not _is_known(cell, lang)]


def measure(cell: Cell) -> None:
    """Every language's answers again, and one line about each. Begun answers are kept: the same command goes on."""
    with contextlib.ExitStack() as all_held:
        for lang in (langs := missing(cell)):
            all_held.enter_context(runs.held(generate.evaluation_of(cell, lang).folder))
        engines = [_again(cell, langs, number) for number in range(2, cell.repeat + 1)]
        for lang in langs:
            where = generate.evaluation_of(cell, lang)
            found = {**_compare(cell, lang), "engines": engines}
            runs.write_record(where.record, {**(runs.read_record(where.record) or {}), "repeat": found})
            print(f"  {cell.languages[lang].title}: {sentence(found)}", flush=True)


def sentence(found: dict[str, Any]) -> str:
    """`3 of 164 problems (1.8 %) were answered otherwise ...`"""
    problems, texts, programs = found["problems"], found["texts_differ"], found["programs_differ"]
    share = f"{100 * texts / problems:.1f} %" if problems else "none"
    return (
        f"generated {found['times']} times, {texts} of {problems} problems ({share}) have answers that differ, "
        f"{programs} of them in the program"
    )


def _again(cell: Cell, langs: list[str], number: int) -> dict[str, Any]:
    """All answers of the languages once more, into a file for each. Returns what the engine says of itself."""
    requests = {lang: generate.requests(cell, lang) for lang in langs}
    lang_of = {request.problem: lang for lang, some in requests.items() for request in some}
    have = {(s.problem, s.sample) for lang in langs for s in records.read_samples(_answers(cell, lang, number))}
    wanted = [request for some in requests.values() for request in some]
    engine = generate.engine_of(_in_smaller_batches(cell, number))
    with progress(f"repeat {number}/{cell.repeat} {cell.train_name}", len(wanted), f"{len(wanted)} answers") as shown:
        done = len(have)
        for samples in engine.complete(wanted, have):
            for lang in langs:
                mine = [s for s in samples if lang_of[s.problem] == lang]
                if mine:
                    path = _answers(cell, lang, number)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    records.append(path, mine)
            done += len(samples)
            shown.update(done)
    return engine.describe()


def _in_smaller_batches(cell: Cell, number: int) -> Cell:
    """Run in the same batches, a deterministic engine would hide that its answers depend on them."""
    batch_tokens = getattr(cell.engine, "batch_tokens", None)
    if batch_tokens is None:
        return cell
    return dataclasses.replace(
        cell, engine=dataclasses.replace(cell.engine, batch_tokens=max(1, batch_tokens // number))
    )


def _compare(cell: Cell, lang: str) -> dict[str, Any]:
    where = generate.evaluation_of(cell, lang)
    problems = {p.id: p for p in generate.problems(cell.bench_name, cell.bench, lang, cell.source)}
    first = _texts(where.samples)
    texts: set[str] = set()
    programs: set[str] = set()
    for number in range(2, cell.repeat + 1):
        again = _texts(_answers(cell, lang, number))
        if again.keys() != first.keys():
            raise StageError(
                f"{_answers(cell, lang, number)}: expected the {len(first)} answers of {where.samples}, found "
                f"{len(again)}; remove the file and run the same command again"
            )
        for (name, sample), text in again.items():
            if text != first[name, sample]:
                texts.add(name)
                if cut(problems[name], text) != cut(problems[name], first[name, sample]):
                    programs.add(name)
    return {
        "times": cell.repeat,
        "problems": len({name for name, _ in first}),
        "texts_differ": len(texts),
        "programs_differ": len(programs),
        "samples_sha256": _digest(where),
    }


def _texts(path: Path) -> dict[tuple[str, int], str]:
    return {(s.problem, s.sample): s.text for s in records.read_samples(path)}


def _answers(cell: Cell, lang: str, number: int) -> Path:
    """In a folder of its own, which nothing but this file reads; named by the recipe, so that answers of another one
    are never compared."""
    recipe = runs.fingerprint(generate.stage_of(cell, lang).recipe)
    return generate.evaluation_of(cell, lang).repeated(f"{recipe}-{number}")


def _is_known(cell: Cell, lang: str) -> bool:
    where = generate.evaluation_of(cell, lang)
    known = (runs.read_record(where.record) or {}).get("repeat") or {}
    return known.get("times", 0) >= cell.repeat and known.get("samples_sha256") == _digest(where)


def _digest(where: Evaluation) -> str:
    return hashlib.sha256(where.samples.read_bytes()).hexdigest() if where.samples.exists() else ""
