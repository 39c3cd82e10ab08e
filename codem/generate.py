"""Write a trained model's answers: one model load, every evaluation language, samples.jsonl for each.

python -m codem.generate lang=go eval_lang=[java,go]      # the row's model must be there: python -m codem.train
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codem import plugins, records
from codem import run as runs
from codem.benchmark_data import Source
from codem.engine import Engine, Key, Request
from codem.errors import StageError
from codem.progress import progress
from codem.prompts import TEMPLATE_FILE, inference_prompt, template_sha256
from codem.records import Problem, Sample
from codem.run import Evaluation
from codem.settings import Cell
from codem.stage import Stage
from codem.stopping import Stopper
from codem.train import model_folder, recipe, run_of


@functools.cache
def problems(bench_name: str, bench: Any, lang: str, source: Source) -> list[Problem]:
    """As published. Raises CodemError when the benchmark's files are not to be had."""
    return plugins.load("benchmarks", bench_name).problems(lang, bench, source)


def evaluation_of(cell: Cell, lang: str) -> Evaluation:
    return run_of(cell).evaluation(cell.bench_name, lang, cell.decode.name)


def stage_of(cell: Cell, lang: str) -> Stage:
    where = evaluation_of(cell, lang)
    wanted = problems(cell.bench_name, cell.bench, lang, cell.source)
    return Stage(
        where.folder,
        where.record,
        {
            "run": runs.fingerprint(recipe(cell)),
            "bench": {
                "name": cell.bench_name,
                "version": plugins.load("benchmarks", cell.bench_name).VERSION,
                **{k: v for k, v in dataclasses.asdict(cell.bench).items() if k != "home"},
            },
            "lang": lang,
            "problems": len(wanted),
            "prompts_sha256": _digest(cell.bench_name, cell.bench, lang, cell.source),
            "decode": {**dataclasses.asdict(cell.decode), "ends": _ends(cell, lang)},
            "engine": {"name": cell.engine_name, **dataclasses.asdict(cell.engine)},
            "template_sha256": template_sha256(),
        },
        f"remove {where.folder}, or give another decode or runs=",
        done="generated",
        data=(where.samples,),
    )


def _ends(cell: Cell, lang: str) -> str | None:
    """Of the language's facts that say where a function is over; other facts end answers elsewhere."""
    return runs.fingerprint(dataclasses.asdict(cell.languages[lang].ends)) if cell.decode.at_function_end else None


def is_done(cell: Cell, lang: str) -> bool:
    where = evaluation_of(cell, lang)
    if not (where.record.exists() or where.samples.exists()):
        return False  # without the recipe, for which a benchmark may have to be fetched
    return stage_of(cell, lang).is_done()


def requests(cell: Cell, lang: str) -> list[Request]:
    """Every answer that is wanted in a language."""
    facts, decode = cell.languages[lang], cell.decode
    return [
        Request(
            problem.id,
            sample,
            inference_prompt(facts.title, problem.description, problem.signature),
            Stopper(
                facts, problem.entry_point, decode.stop, decode.at_function_end, problem.signature, problem.prelude
            ),
            run_of(cell).seed,
        )
        for problem in problems(cell.bench_name, cell.bench, lang, cell.source)
        for sample in range(decode.samples)
    ]


def engine_of(cell: Cell) -> Engine:
    """The cell's engine with the cell's model, loaded. Raises StageError when it was trained for other prompts."""
    folder = model_folder(cell)
    _refuse_other_template(cell, folder)
    revision = None if cell.trains else cell.base.revision
    return plugins.load("engines", cell.engine_name).load(folder, revision, cell.decode, cell.engine)


def generate(cell: Cell) -> None:
    """Answer what is missing in the cell's evaluation languages; the model is loaded once, if at all. Answers of all
    languages share batches, and a language is finished as soon as its last answer is there."""
    langs = [lang for lang in cell.eval_lang if not is_done(cell, lang)]
    if not langs:
        return
    with contextlib.ExitStack() as all_opened:
        opened = {}
        for lang in langs:
            one = all_opened.push(contextlib.ExitStack())  # an error is written into every record that is still open
            stage = stage_of(cell, lang).opened(functools.partial(is_done, cell, lang))
            record = one.enter_context(stage)
            if record is not None:
                opened[lang] = _Opened(evaluation_of(cell, lang), requests(cell, lang), record, one)
                opened[lang].say_what_is_asked()
        total = sum(len(one.wanted) for one in opened.values())
        with progress(f"generate {cell.train_name}", total, f"{total} answers in {len(opened)} languages") as shown:
            _answer(cell, opened, shown.update)


@dataclass
class _Opened:
    """A language whose answers are being written."""

    where: Evaluation
    wanted: list[Request]
    record: dict[str, Any]
    stage: contextlib.ExitStack
    have: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        keys = {request.key for request in self.wanted}
        self.have = {(s.problem, s.sample) for s in records.read_samples(self.where.samples)} & keys

    def say_what_is_asked(self) -> None:
        """Beside the answers, unless it is there: the recipe, which has passed, holds the digest of these texts."""
        if self.where.prompts.exists():
            return
        prompts = {request.problem: request.prompt for request in self.wanted}
        rows = ({"problem": problem, "prompt": prompt} for problem, prompt in prompts.items())
        runs.write_whole(self.where.prompts, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def say(self, engine: Engine) -> None:
        """On record before the first answer; also what other engine made the answers that are there."""
        said, before = engine.describe(), self.record.get("engine")
        if self.have and before not in (None, said):
            self.record["earlier_engines"] = [*self.record.get("earlier_engines", []), before]
        self.record["engine"] = said
        runs.write_record(self.where.record, {**self.record, "status": "running"})

    def keep(self, samples: list[Sample]) -> None:
        records.append(self.where.samples, samples)
        self.have |= {(s.problem, s.sample) for s in samples}

    def close_if_complete(self, engine: Engine | None) -> None:
        if len(self.have) < len(self.wanted):
            return
        if engine is not None:
            self.record["engine"] = engine.describe()  # its limits may have changed under way
        ends = Counter(s.finish for s in records.read_samples(self.where.samples))
        self.record["finish"] = dict(sorted(ends.items()))
        self.stage.close()


def _answer(cell: Cell, opened: dict[str, _Opened], report: Callable[[int, str], None]) -> None:
    lang_of = {request.problem: lang for lang, one in opened.items() for request in one.wanted}
    have = {key for one in opened.values() for key in one.have}
    wanted = [request for one in opened.values() for request in one.wanted]
    engine = engine_of(cell) if len(have) < len(wanted) else None
    done = len(have)
    if have:  # going on: a language that was finished meanwhile still has its places in the batches
        finished = [request for lang in cell.eval_lang if lang not in opened for request in requests(cell, lang)]
        wanted, have = wanted + finished, have | {request.key for request in finished}
    for one in opened.values():
        if engine is not None and len(one.have) < len(one.wanted):
            one.say(engine)
        one.close_if_complete(None)
    if engine is None:
        return
    report(done, "")
    for samples in engine.complete(wanted, have):
        by_lang: dict[str, list[Sample]] = {}
        for sample in samples:
            by_lang.setdefault(lang_of[sample.problem], []).append(sample)
        for lang, some in by_lang.items():
            opened[lang].keep(some)
            opened[lang].close_if_complete(engine)
        done += len(samples)
        report(done, "")


def _refuse_other_template(cell: Cell, folder: str) -> None:
    path = Path(folder) / TEMPLATE_FILE
    if cell.decode.other_template or not path.is_file():
        return
    theirs = json.loads(path.read_text("utf-8"))["sha256"]
    if theirs != template_sha256():
        raise StageError(
            f"{folder} was trained with the prompt template {theirs[:12]}, this code prompts with "
            f"{template_sha256()[:12]}: the scores would not be comparable. "
            f"Train it again, or declare it: decode.other_template=true"
        )


@functools.cache
def _digest(bench_name: str, bench: Any, lang: str, source: Source) -> str:
    """Of what the model is shown; what the judge does with the answers is in the judge's own recipe."""
    rows = [(p.id, p.description, p.signature) for p in problems(bench_name, bench, lang, source)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def main() -> int:
    from codem import config, pipeline

    return config.main(pipeline.run_generation)


if __name__ == "__main__":
    sys.exit(main())
