"""Write a trained model's answers: one model load, every evaluation language, samples.jsonl for each.

python -m codem.generate lang=go eval_lang=[java,go]      # the row's model must be there: python -m codem.train
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from codem import plugins, records
from codem import run as runs
from codem.benchmark_data import Source
from codem.errors import StageError
from codem.progress import progress
from codem.prompts import TEMPLATE_FILE, inference_prompt, template_sha256
from codem.records import Problem, Sample
from codem.run import Evaluation
from codem.settings import Cell
from codem.stage import Stage
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
            "decode": {**dataclasses.asdict(cell.decode), "samples": 1},
            "template_sha256": template_sha256(),
        },
        f"remove {where.folder}, or give another decode or runs=",
        done="generated",
        data=(where.samples,),
    )


def is_done(cell: Cell, lang: str) -> bool:
    return stage_of(cell, lang).is_done()


def generate(cell: Cell) -> None:
    """Answer what is missing in the cell's evaluation languages; the model is loaded once, if at all."""
    missing = [lang for lang in cell.eval_lang if not is_done(cell, lang)]
    if not missing:
        return
    folder = model_folder(cell)
    _refuse_other_template(cell, folder)
    loaded: dict[str, Any] = {}
    total = sum(len(problems(cell.bench_name, cell.bench, lang, cell.source)) for lang in missing)
    with progress(f"generate {cell.train_name}", total, f"{total} answers in {len(missing)} languages") as shown:
        done = 0
        for lang in missing:
            where = evaluation_of(cell, lang)
            with stage_of(cell, lang).opened(functools.partial(is_done, cell, lang)) as record:
                if record is None:
                    continue
                model, vocabulary = loaded.get("it") or loaded.setdefault("it", _load(cell, folder))
                record["engine"] = {"name": "transformers", "dtype": str(model.dtype), "device": str(model.device)}
                have = {s.problem for s in records.read_samples(where.samples)}
                for batch in _batches(cell, lang, vocabulary):
                    # The padding of a batch moves the last bits of its logits: a batch with a missing member is made
                    # again as a whole, so that an interrupted run ends in the same answers.
                    if any(problem.id not in have for problem, _ in batch):
                        answers = _answers(cell, model, vocabulary, batch)
                        records.append(where.samples, [a for a in answers if a.problem not in have])
                    done += len(batch)
                    shown.update(done, lang)


def _answers(cell: Cell, model: Any, vocabulary: Any, batch: list) -> list[Sample]:
    from codem.decoding import complete

    completions = complete(model, vocabulary, [p for _, p in batch], cell.decode.max_tokens, cell.decode.stop)
    return [Sample(problem.id, 0, c.text, c.finish) for (problem, _), c in zip(batch, completions, strict=True)]


def _batches(cell: Cell, lang: str, vocabulary: Any) -> list[list]:
    """(problem, prompt) pairs, prompts of like length together. Depends on the benchmark and the batch size alone."""
    title = cell.languages[lang].title
    pairs = [
        (problem, vocabulary.prompt(inference_prompt(title, problem.description, problem.signature)))
        for problem in problems(cell.bench_name, cell.bench, lang, cell.source)
    ]
    pairs.sort(key=lambda pair: (len(pair[1].tokens), pair[0].id))
    size = cell.decode.batch_size
    return [pairs[at : at + size] for at in range(0, len(pairs), size)]


def _load(cell: Cell, folder: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from codem.decoding import Vocabulary
    from codem.quiet import quiet

    gpu = torch.cuda.is_available()
    revision = None if cell.trains else cell.base.revision
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, revision=revision)
        model = AutoModelForCausalLM.from_pretrained(
            folder, revision=revision, dtype=torch.float16 if gpu else torch.float32
        )
    return model.to("cuda" if gpu else "cpu").eval(), Vocabulary(tokenizer)


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
