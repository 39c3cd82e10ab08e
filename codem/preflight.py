"""Look at everything that can be wrong with a training run before it starts: seconds here, or hours later.

    found = check(cell, model, tokenizer, tokens_file, items)     # raises StageError when the run cannot succeed
    print(found.text())

What it says of memory and time is estimated (codem/model_shape.py); what it says of the corpus is counted.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem import bases, model_shape, packing, plan, tokens
from codem.corpus.pair import Pair
from codem.errors import StageError
from codem.progress import duration
from codem.settings import Cell

if TYPE_CHECKING:
    import numpy as np

CPU_GFLOPS = 10.0
"""Of one processor core, in training. Measured on the embedded model; larger ones may do better."""
SAMPLE_CHARACTERS = 1_500
NAMED = 5
"""Examples that a message names."""


@dataclass(frozen=True)
class Preflight:
    examples: int
    """Of the corpus."""
    too_long: int
    """Examples that are left out; none is ever cut."""
    row_tokens: int
    """The longest that an example may be."""
    longest: int
    learned_share: float
    """Of the tokens of the corpus: those that the loss is taken of."""
    least_learned: int
    """Tokens of a response, its end not counted, where they are fewest."""
    lengths: list[tuple[int, int]]
    """(tokens at most, examples): a histogram."""
    batch: int
    steps: int
    tokens: int
    """Of the whole run."""
    checkpoint_dtype: str
    memory_gib: dict[str, float]
    """On each GPU, by what takes it; empty when the shape is not known."""
    gpus: list[str]
    """What is here: name and free memory of each."""
    seconds: float | None
    assumption: str
    """What `seconds` rests on."""
    sample: str
    """The first example that is used, with ⟦ and ⟧ around what is learned."""
    warnings: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def line(self) -> str:
        """The same for a run that one knows: what matters, and warnings."""
        left_out = f", {self.too_long:,} too long and left out" if self.too_long else ""
        return "\n".join(
            [
                f"  corpus: {self.examples:,} examples{left_out}, {self.learned_share:.0%} of their tokens learned; "
                f"{self.steps:,} steps",
                *(f"  warning: {words}" for words in self.warnings),
            ]
        )

    def text(self) -> str:
        """A compact block for the terminal."""
        time = f"about {duration(self.seconds)} ({self.assumption})" if self.seconds is not None else self.assumption
        memory = f"{self.memory_gib['peak']:.1f} GiB on each GPU, estimated; " if self.memory_gib else ""
        left_out = (
            f"{self.too_long:,} longer than {self.row_tokens:,} tokens, left out (the longest has {self.longest:,})"
        )
        return "\n".join(
            [
                f"  corpus     {self.examples:,} examples; {left_out if self.too_long else 'none too long'}",
                f"  learned    {self.learned_share:.0%} of the tokens; at least {self.least_learned} of every response",
                *self._histogram(),
                f"  training   {self.steps:,} steps of {self.batch} examples, {self.tokens:,} tokens",
                f"  memory     {memory}{', '.join(self.gpus) or 'no GPU here'}",
                f"  time       {time}",
                f"  weights    {self.checkpoint_dtype} in the checkpoint",
                *(f"  warning    {words}" for words in self.warnings),
                "  an example, the learned part in ⟦ ⟧:",
                *(f"  | {line}" for line in self.sample.splitlines()),
            ]
        )

    def _histogram(self) -> list[str]:
        most = max(count for _, count in self.lengths)
        lines: list[str] = []
        for upto, count in self.lengths:
            bar = "#" * max(round(30 * count / most), count > 0)
            lines.append(f"  {'lengths' if not lines else '':<9}  to {upto:>6,} tokens {bar} {count:,}")
        return lines


def check(cell: Cell, model: bases.Examined, tokenizer: Any, file: Path, items: Sequence[Pair]) -> Preflight:
    """model, tokenizer: the base's. file: the items as codem/tokens.py wrote them.

    Raises StageError when an example teaches nothing, when nothing is short enough, or when the tokenizer has tokens
    that the model has no embedding for.
    """
    config = cell.method
    examples = tokens.read(file)
    _refuse_unknown_tokens(tokenizer, model)
    _refuse_nothing_learned(examples, items)
    row_tokens = min(config.max_tokens, model.context or config.max_tokens)
    made = packing.plan(examples.lengths, examples.learned, config, row_tokens, 1, cell.seed)
    shape = cell.base.shape or model_shape.of_config(model.config)
    gpus = _gpus()
    processes = max(1, min(config.gpus, len(gpus)))
    memory = model_shape.memory(shape, config, cell.deepspeed.config, processes).gib if shape else {}
    used = next(i for i in range(len(examples)) if examples.lengths[i] <= row_tokens)
    seconds, assumption = _time(shape, config, made.tokens[-1], made.steps, gpus, processes)
    said = plan.batch_warnings(config, made.examples, made.steps)
    if precision := plan.precision_warning(config.precision, cell.base.trained_in or model.dtype):
        said.append(precision)
    if memory and gpus and memory["peak"] > min(free for _, free in gpus):
        said.append(
            f"{memory['peak']:.0f} GiB are expected on each GPU, and {min(free for _, free in gpus):.0f} GiB are free; "
            f"take more GPUs, deepspeed=zero3 or zero3_offload, or method=lora"
        )
    if unknown := _unknown(examples.tokens, tokenizer):
        said.append(f"the tokenizer does not know {unknown:,} pieces of the corpus, and writes {tokenizer.unk_token}")
    return Preflight(
        examples=len(examples),
        too_long=len(made.too_long),
        row_tokens=row_tokens,
        longest=int(examples.lengths.max()),
        learned_share=round(float(examples.learned.sum() / examples.lengths.sum()), 4),
        least_learned=int((examples.lengths - examples.prompts).min()) - 1,
        lengths=histogram(examples.lengths),
        batch=packing.examples_of_a_step(config),
        steps=made.steps,
        tokens=made.tokens[-1],
        checkpoint_dtype=model.dtype,
        memory_gib=memory,
        gpus=[f"{name} with {free:.0f} GiB free" for name, free in gpus],
        seconds=seconds,
        assumption=assumption,
        sample=marked(examples[used], tokenizer),
        warnings=tuple(said),
    )


def histogram(lengths: np.ndarray) -> list[tuple[int, int]]:
    """(at most, how many) in powers of two, from the shortest to the longest."""
    made: list[tuple[int, int]] = []
    upto, below = 1, 0
    while below < len(lengths):
        upto *= 2
        now = int((lengths <= upto).sum())
        if now:
            made.append((upto, now - below))
        below = now
    return made


def marked(example: packing.Example, tokenizer: Any) -> str:
    """The example as text, with ⟦ and ⟧ around each run of learned tokens."""
    text, start = "", 0
    for at in range(1, len(example.tokens) + 1):
        if at == len(example.tokens) or example.learned[at] != example.learned[start]:
            piece = tokenizer.decode(example.tokens[start:at])
            text += f"⟦{piece}⟧" if example.learned[start] else piece
            start = at
    if len(text) <= SAMPLE_CHARACTERS:
        return text
    half = SAMPLE_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]}"


def _refuse_unknown_tokens(tokenizer: Any, model: bases.Examined) -> None:
    largest = max(tokenizer.get_vocab().values())
    if largest >= model.vocabulary:
        raise StageError(
            f"{model.base}: its tokenizer has tokens up to number {largest:,}, its model an embedding of "
            f"{model.vocabulary:,}; they do not belong together, or the embedding was not resized"
        )


def _refuse_nothing_learned(examples: tokens.Examples, items: Sequence[Pair]) -> None:
    """The end of a response is always learned; a response of nothing else teaches to answer nothing."""
    empty = ((examples.lengths - examples.prompts) <= 1).nonzero()[0]
    if len(empty):
        named = ", ".join(items[i].id for i in empty[:NAMED].tolist())
        raise StageError(
            f"{len(empty):,} of {len(examples):,} examples have nothing to learn: the tokenizer makes no tokens of "
            f"their response ({named}); remove them, or take the tokenizer that belongs to the model"
        )


def _unknown(found: np.ndarray, tokenizer: Any) -> int:
    unknown = tokenizer.unk_token_id
    return 0 if unknown is None or unknown == tokenizer.eos_token_id else int((found == unknown).sum())


def _gpus() -> list[tuple[str, float]]:
    """(name, GiB free) of each GPU of this machine."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [(torch.cuda.get_device_name(i), torch.cuda.mem_get_info(i)[0] / model_shape.GIB) for i in range(count)]


def _time(
    shape: model_shape.Shape | None, config: Any, run_tokens: int, steps: int, gpus: list, processes: int
) -> tuple[float | None, str]:
    """(seconds, what they rest on)"""
    if shape is None:
        return None, "not estimated: the model's shape is not known"
    each = run_tokens / max(1, steps * packing.examples_of_a_step(config))
    work = model_shape.flops_per_token(shape, config, each) * run_tokens
    if not gpus:
        cores = os.cpu_count() or 1
        return work / (CPU_GFLOPS * 1e9 * cores), f"at an assumed {CPU_GFLOPS:g} GFLOP/s on each of {cores} cores"
    peak = plan.peak_tflops(gpus[0][0])
    if peak is None or config.precision == "fp32":
        return None, f"not estimated: no peak is on file for {gpus[0][0]} in {config.precision}"
    rate = plan.MFU * peak * 1e12 * processes
    return work / rate, f"at an assumed {plan.MFU:.0%} of {peak} TFLOP/s on {processes} of {gpus[0][0]}"
