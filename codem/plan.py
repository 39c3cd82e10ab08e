"""What a command would do, what it needs and what it costs: `launch.dry_run=true`. Nothing is fetched, made or started.

python -m codem.train base=starcoder-7b lang=python launch.dry_run=true
python -m codem.train -m +sweeps=table1 launch.dry_run=true

rows = of(cells, ("train", "generate", "execute"))     # a pure function of the cells and of what is on disk
print(plan_text.text(rows))
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from codem import model_shape, train
from codem.corpus import training
from codem.errors import CodemError
from codem.generate import evaluation_of
from codem.language_facts import LanguageFacts
from codem.model_shape import Shape
from codem.packing import examples_of_a_step
from codem.run import read_record
from codem.settings import Cell, Corpus

MFU = 0.4
"""Share of a card's peak that the model's own operations are assumed to reach."""
PEAK_TFLOPS = {"A100": 312, "H100 or H200": 989}
"""Dense fp16 and bf16, as their maker states it; fp32 is not planned for."""
CARDS_GIB = {24: 23.6, 40: 39.4, 80: 79.2, 141: 139.8}
"""GB in a card's name -> GiB that a program can have of it."""
ASSUMED_PAIRS = 9_000
"""Of one training run: the paper's `about 9K`."""
ASSUMED_TOKENS = 400
"""Of one pair, prompt included. Not measured: the paper does not say how long its pairs are."""
CHARACTERS_PER_TOKEN = 3.0
"""Of English and code, for corpora that are here and have not been tokenised yet."""
KEPT_CHECKPOINTS = 3
"""Two are kept, and there is a third while it is written."""


@dataclass(frozen=True)
class Training:
    pairs: int
    pair_tokens: float
    source: str
    """How well the corpus is known."""
    batch: int
    """Examples of an optimiser step."""
    steps: int
    tokens: int
    shape: Shape | None
    memory: dict[int, dict[str, float]] = field(default_factory=dict)
    """Processes -> GiB on each GPU, by what takes them; `peak` is the most at one time."""
    gpu_hours: dict[str, float] = field(default_factory=dict)
    """Kind of card -> hours of all GPUs together; empty for fp32, for which no peak is on file."""
    model_gb: float = 0.0
    checkpoints_gb: float = 0.0


@dataclass(frozen=True)
class Row:
    cell: Cell
    folder: Path
    there: dict[str, list[str]]
    """Stage -> what is finished of it."""
    missing: dict[str, list[str]]
    training: Training | None
    """None: the row's model is there, or it is the base itself."""
    refused: str = ""
    """Why the command would stop at once."""
    warnings: tuple[str, ...] = ()


def usable_gib(card_gb: int) -> float:
    """What a program can have of a card that is sold with so many GB."""
    return CARDS_GIB.get(card_gb, 0.985 * card_gb)


def peak_tflops(card: str) -> int | None:
    """Of a card by the name that its driver gives; None when no peak is on file."""
    return next((p for cards, p in PEAK_TFLOPS.items() for c in cards.split(" or ") if c in card), None)


def of(cells: Sequence[Cell], stages: Sequence[str]) -> list[Row]:
    """stages: those that the command would run, of `train`, `generate` and `execute`."""
    return [_row(cell, stages) for cell in cells]


def refused(row: Row, why: str) -> Row:
    return replace(row, training=None, missing={}, refused=why, warnings=())


def _row(cell: Cell, stages: Sequence[str]) -> Row:
    folder = train.run_of(cell).folder
    try:
        trained = train.is_done(cell)
    except CodemError as e:
        return Row(cell, folder, {}, {}, None, refused=str(e))
    answered, judged = _evaluated(cell)
    if trained and set(cell.eval_lang) - set(answered):
        trained = train.has_model(cell)  # a scored model may be removed; for more answers it is made again
    there = {"train": [cell.train_name] if trained else [], "generate": answered, "execute": judged}
    wanted = {
        "train": [cell.train_name] if cell.trains else [],
        "generate": list(cell.eval_lang),
        "execute": list(cell.eval_lang),
    }
    missing = {s: [x for x in wanted[s] if x not in there[s]] for s in stages}
    if "train" not in stages and not trained and "generate" in stages:
        return Row(
            cell, folder, there, missing, None, refused="its model is not trained: run python -m codem.train first"
        )
    if not cell.trains or not missing.get("train"):
        return Row(cell, folder, there, missing, None)
    try:
        training = training_of(cell)
    except CodemError as e:
        return Row(cell, folder, there, missing, None, refused=str(e))
    return Row(cell, folder, there, missing, training, warnings=tuple(warnings(cell, training)))


def _evaluated(cell: Cell) -> tuple[list[str], list[str]]:
    """The languages with all answers, and those with all verdicts, as the records say."""
    answered, judged = [], []
    for lang in cell.eval_lang:
        record = read_record(evaluation_of(cell, lang).record) or {}
        if record.get("finished"):
            answered.append(lang)
            if any(isinstance(v, dict) and v.get("finished") for v in record.values()):
                judged.append(lang)
    return answered, judged


def training_of(cell: Cell) -> Training:
    """Raises CodemError when the corpus is a folder that cannot be read."""
    config = cell.method
    parts = tuple(cell.languages[p] for p in cell.parts)
    pairs, characters = _extent(cell.corpus, parts)
    if characters is None:
        tokens_each = float(ASSUMED_TOKENS)
        said = "" if pairs else " pairs and"
        source = f"{cell.corpus.source} is not looked into; assumed{said} {ASSUMED_TOKENS} tokens each"
    else:
        tokens_each = characters / CHARACTERS_PER_TOKEN
        source = f"{cell.corpus.source}, at {CHARACTERS_PER_TOKEN:g} characters a token"
    pairs = pairs or ASSUMED_PAIRS
    batch = examples_of_a_step(config)
    seen = config.max_steps * batch if config.max_steps else max(1, round(config.epochs * pairs))
    shape = shape_of(cell)
    made: dict[str, Any] = {}
    if shape is not None:
        peaks = {} if config.precision == "fp32" else PEAK_TFLOPS
        work = model_shape.flops_per_token(shape, config, tokens_each) * seen * tokens_each
        made = {
            "memory": {
                n: model_shape.memory(shape, config, cell.deepspeed.config, n).gib for n in sorted({1, config.gpus})
            },
            "gpu_hours": {card: work / (MFU * peak * 1e12) / 3600 for card, peak in peaks.items()},
            "model_gb": model_shape.final_model_bytes(shape, config) / 1e9,
            "checkpoints_gb": KEPT_CHECKPOINTS
            * model_shape.checkpoint_bytes(shape, config, cell.deepspeed.config)
            / 1e9,
        }
    return Training(
        pairs=pairs,
        pair_tokens=tokens_each,
        source=source,
        batch=batch,
        steps=math.ceil(seen / batch),
        tokens=round(seen * tokens_each),
        shape=shape,
        **made,
    )


@functools.cache
def _extent(corpus: Corpus, parts: tuple[LanguageFacts, ...]) -> tuple[int | None, float | None]:
    return training.extent(corpus, parts)  # a corpus is read once for all seeds and methods


def shape_of(cell: Cell) -> Shape | None:
    """As stated, or as the folder's config.json says; None for a hub id that nothing is known of."""
    base = cell.base
    if base.shape is not None:
        return base.shape
    if base.path is not None:
        return model_shape.of_folder(Path(base.path))
    from codem.tiny import TinyRecipe

    r = TinyRecipe()
    return Shape("gpt_bigcode", r.layers, r.width, r.heads, 1, 4 * r.width, r.vocabulary, r.positions)


def warnings(cell: Cell, training: Training) -> list[str]:
    """What would make the run fail, or not do what was meant."""
    said = batch_warnings(cell.method, training.pairs, training.steps)
    if training.memory:
        peak = training.memory[cell.method.gpus]["peak"]
        if too_small := [name for name, gib in CARDS_GIB.items() if peak > gib]:
            said.append(
                f"cannot work on cards of {_or(too_small)} GB{ways_out(cell, training, peak, cell.method.gpus)}"
            )
    if precision := precision_warning(cell.method.precision, cell.base.trained_in):
        said.append(precision)
    return said


def batch_warnings(config: Any, pairs: int, steps: int) -> list[str]:
    said = []
    if config.warmup_steps >= steps:
        said.append(
            f"the warm-up of {config.warmup_steps} steps is as long as the run of {steps}: the learning rate never "
            f"reaches method.lr; lower method.warmup_steps, or train longer"
        )
    if pairs < examples_of_a_step(config):
        said.append(
            f"the corpus of {pairs} is smaller than one batch of {examples_of_a_step(config)}; "
            f"lower method.gpus or method.grad_accumulation"
        )
    return said


def precision_warning(wanted: str, trained_in: str | None) -> str:
    if wanted != "fp16" or trained_in != "bf16":
        return ""
    return (
        "the base was pre-trained in bf16, which holds numbers up to 3e38; fp16 ends at 65,504, so an activation that "
        "was harmless then can overflow now. The paper trained so; method.precision=bf16 does not have the problem"
    )


def ways_out(cell: Cell, training: Training, peak: float, processes: int) -> str:
    """What would need less, and how much."""
    assert training.shape is not None
    zero: dict[str, dict[str, Any]] = {
        "zero2_offload": {"stage": 2, "offload_optimizer": {"device": "cpu"}},
        "zero3": {"stage": 3},
        "zero3_offload": {"stage": 3, "offload_optimizer": {"device": "cpu"}, "offload_param": {"device": "cpu"}},
    }
    memory = model_shape.memory
    needs = {
        name: memory(training.shape, cell.method, {"zero_optimization": config}, processes).gib["peak"]
        for name, config in zero.items()
    }
    said = [f"deepspeed={name} {gib:.0f} GiB" for name, gib in needs.items() if gib < 0.9 * peak]
    if model_shape.learning(training.shape, cell.method)[0] == training.shape.parameters:
        said.append("method=lora less still on few GPUs")
    return f"; on {processes} would need: {', '.join(said)}" if said else ""


def _or(numbers: Sequence[int]) -> str:
    return " or ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))
