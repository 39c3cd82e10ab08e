"""Which examples an optimiser step learns from, and how they lie in its forward passes.

A step learns from batch_per_gpu x grad_accumulation x gpus examples, on any number of processes, packed or not: what
changes is how many forward passes they are laid out in. Packed, a pass takes examples one after another, without
padding, in at most batch_per_gpu x max_tokens tokens, and a step takes no more passes than it needs;
codem/attention.py keeps the examples from seeing each other.

    made = plan(lengths, learned, config, row_tokens=2048, processes=8, seed=0)
    made.passes     # in the order (step, pass, process); each is a list of examples, by their place in the corpus

N = tokens of an example; B = examples of a padded pass; T = tokens of a pass; E = examples of a packed pass;
K = learned tokens of a pass
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.errors import StageError

if TYPE_CHECKING:
    from codem.fine_tuning import FineTuning

IGNORE = -100
"""The label of a token that is not learned."""


@dataclass(frozen=True)
class Example:
    tokens: tuple[int, ...]
    learned: tuple[bool, ...]
    """(N,) False where the prompt is."""

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.learned):
            raise ValueError(f"{len(self.tokens)} tokens, but {len(self.learned)} marks of what is learned")


@dataclass(frozen=True)
class Plan:
    """Everything that a run will learn from, in its order."""

    passes: list[list[int]]
    """Of all steps: first the processes' first passes of the first step. A light step begins with empty ones."""
    accumulation: int
    """Passes of one process in one step, as many as the fullest step needs: the trainer wants a constant number."""
    processes: int
    tokens: list[int]
    """Of the run up to each step: tokens[0] is 0."""
    learned: list[int]
    """The same, of tokens that the loss is taken of."""
    examples: int
    """Of the corpus, those that are used."""
    too_long: list[int]
    """Examples with more than row_tokens tokens. They are left out, never cut."""
    row_tokens: int

    @property
    def steps(self) -> int:
        return len(self.tokens) - 1

    def step(self, number: int) -> list[list[int]]:
        """The passes of step `number`, from 0."""
        size = self.accumulation * self.processes
        return self.passes[number * size : (number + 1) * size]

    def is_skipped(self, at: int) -> bool:
        """Whether pass `at` is empty, and so are those that other processes make at the same time."""
        first = at - at % self.processes
        return not any(self.passes[first : first + self.processes])


def plan(
    lengths: Sequence[int], learned: Sequence[int], config: FineTuning, row_tokens: int, processes: int, seed: int
) -> Plan:
    """Lay out a run. Equal arguments give an equal plan.

    Every epoch is a shuffle of its own. What an epoch leaves over for its last step is joined by the first of the next
    epoch, so every step is whole but the last of a run without max_steps.

    lengths, learned: tokens of each example, and how many of them the loss is taken of.
    Raises StageError when nothing fits, or the processes cannot share a step evenly.
    """
    sizes = [int(n) for n in lengths]
    usable = [i for i, size in enumerate(sizes) if 0 < size <= row_tokens]
    if not usable:
        raise StageError(
            f"the corpus has {len(sizes)} examples, and none fits into {row_tokens} tokens; "
            f"raise method.max_tokens, or take a base model with a longer context"
        )
    examples = examples_of_a_step(config)
    _check_share(config, processes)
    order = _order(usable, seed)
    total = config.max_steps * examples if config.max_steps else max(1, round(config.epochs * len(usable)))
    steps = [
        list(itertools.islice(order, min(examples, total - start))) for start in range(0, total, examples)
    ]  # each a list of examples
    if config.packing:
        passes, accumulation = _packed(steps, sizes, config.batch_per_gpu * row_tokens, processes)
    else:
        passes, accumulation = _padded(steps, config.batch_per_gpu, examples // config.batch_per_gpu, processes)
    counts = [int(n) for n in learned]
    return Plan(
        passes=passes,
        accumulation=accumulation,
        processes=processes,
        tokens=[0, *itertools.accumulate(sum(sizes[i] for i in step) for step in steps)],
        learned=[0, *itertools.accumulate(sum(counts[i] for i in step) for step in steps)],
        examples=len(usable),
        too_long=[i for i, size in enumerate(sizes) if size > row_tokens],
        row_tokens=row_tokens,
    )


def examples_of_a_step(config: FineTuning) -> int:
    return config.batch_per_gpu * config.grad_accumulation * config.gpus


def _check_share(config: FineTuning, processes: int) -> None:
    """The paper's batch is a number of whole forward passes on each process: packed runs keep that rule, so that
    method.packing=false is always possible."""
    if config.grad_accumulation * config.gpus % processes:
        raise StageError(
            f"a step has {examples_of_a_step(config)} examples in {config.grad_accumulation * config.gpus} forward "
            f"passes of {config.batch_per_gpu}, which {processes} processes cannot share evenly; start a number of "
            f"processes that divides method.grad_accumulation x method.gpus, or change those"
        )


def _order(usable: list[int], seed: int) -> Iterator[int]:
    for epoch in itertools.count():
        shuffled = usable.copy()
        random.Random(f"{seed} {epoch}").shuffle(shuffled)
        yield from shuffled


def _padded(steps: list[list[int]], rows: int, count: int, processes: int) -> tuple[list[list[int]], int]:
    """`count` passes a step, of `rows` examples each, in the order of the shuffle."""
    passes: list[list[int]] = []
    for step in steps:
        filled = [step[at : at + rows] for at in range(0, len(step), rows)]
        passes += [[] for _ in range(count - len(filled))] + filled
    return passes, count // processes


def _packed(steps: list[list[int]], sizes: list[int], capacity: int, processes: int) -> tuple[list[list[int]], int]:
    """Each step in as few passes as it needs, all of them about equally long."""
    tightest = [best_fit(step, sizes, capacity) for step in steps]
    accumulation = math.ceil(max(len(bins) for bins in tightest) / processes)
    passes: list[list[int]] = []
    for step, bins in zip(steps, tightest, strict=True):
        count = math.ceil(len(bins) / processes) * processes
        laid = _balanced(step, sizes, capacity, count) or bins + [[] for _ in range(count - len(bins))]
        # Neighbours are processes' passes of the same time, which wait for each other: they should be equally long.
        laid.sort(key=lambda members: (-sum(sizes[i] for i in members), members))
        passes += [[] for _ in range(accumulation * processes - count)] + laid
    return passes, accumulation


def best_fit(members: Sequence[int], sizes: Sequence[int], capacity: int) -> list[list[int]]:
    """Longest first, each into the fullest bin that still has room for it. members: examples, by their place in
    `sizes`; none is larger than a bin."""
    bins: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, bin), sorted: the first that is large enough fits best
    for index in sorted(members, key=lambda i: (-sizes[i], i)):
        at = bisect.bisect_left(room, (sizes[index], -1))
        if at < len(room):
            left, chosen = room.pop(at)
        else:
            left, chosen = capacity, len(bins)
            bins.append([])
        bins[chosen].append(index)
        bisect.insort(room, (left - sizes[index], chosen))
    return bins


def _balanced(step: list[int], sizes: list[int], capacity: int, count: int) -> list[list[int]] | None:
    """Longest first, each into the emptiest of `count` passes; None when that overflows one."""
    bins: list[list[int]] = [[] for _ in range(count)]
    loads = [(0, k) for k in range(count)]
    for index in sorted(step, key=lambda i: (-sizes[i], i)):
        load, chosen = loads[0]
        if load + sizes[index] > capacity:
            return None
        bins[chosen].append(index)
        heapq.heapreplace(loads, (load + sizes[index], chosen))
    return bins


def collate_packed(examples: Sequence[Example], pad_token_id: int, learned_only: bool = False) -> dict[str, Any]:
    """One row of examples, one after another, with where each begins: what codem/attention.py wants.

    input_ids, labels, position_ids: (1, T); cu_seq_lens_*: (E+1,). Nothing to learn from becomes one token without a
    label. Labels are not shifted; an example's first token is never one: what stands before it is another example.

    learned_only: also the places before learned tokens, logits_to_keep: (K,), and what is learned there, shift_labels:
    (1, K). The model then makes no logits elsewhere, where the vocabulary would cost more than all else.
    """
    import torch

    examples = examples or [Example((pad_token_id,), (False,))]
    starts = [0, *itertools.accumulate(len(example.tokens) for example in examples)]
    longest = max(len(example.tokens) for example in examples)
    boundaries = torch.tensor(starts, dtype=torch.int32)
    labels = [label for example in examples for label in labels_of(example)]
    batch = {
        "input_ids": torch.tensor([[token for example in examples for token in example.tokens]]),
        "labels": torch.tensor([labels]),
        "position_ids": torch.tensor([[place for example in examples for place in range(len(example.tokens))]]),
        # These names are the ones by which models hand such things down to their attention.
        "cu_seq_lens_q": boundaries,
        "cu_seq_lens_k": boundaries,
        "max_length_q": longest,
        "max_length_k": longest,
    }
    if learned_only:
        places = [place for place in range(len(labels) - 1) if labels[place + 1] != IGNORE]
        batch["logits_to_keep"] = torch.tensor(places or [0])
        batch["shift_labels"] = torch.tensor([[labels[place + 1] for place in places] or [IGNORE]])
    return batch


def collate_padded(examples: Sequence[Example], pad_token_id: int) -> dict[str, Any]:
    """One example a row, padded on the right to the longest: input_ids, labels, attention_mask, all (B, T)."""
    import torch

    examples = examples or [Example((pad_token_id,), (False,))]
    width = max(len(example.tokens) for example in examples)

    def padded(values: Sequence[int], filler: int) -> list[int]:
        return [*values, *[filler] * (width - len(values))]

    return {
        "input_ids": torch.tensor([padded(example.tokens, pad_token_id) for example in examples]),
        "labels": torch.tensor([padded(labels_of(example), IGNORE) for example in examples]),
        "attention_mask": torch.tensor([padded([1] * len(example.tokens), 0) for example in examples]),
    }


def labels_of(example: Example) -> list[int]:
    """(N,) Not shifted. An example's first token is never learned: what stands before it is another example."""
    marks = enumerate(zip(example.tokens, example.learned, strict=True))
    return [token if learned and place > 0 else IGNORE for place, (token, learned) in marks]
