"""Rows of one length for the pre-training of the embedded base model; fine-tuning lays its steps out in packing.py.

Inside a row every example counts its positions from 0; transformers builds the attention mask from those restarts.
That mask is exact only if no `attention_mask` is passed and no key-value cache is made (`use_cache=False`), so
`collate` never returns one.

N = tokens of an example; T = tokens of a row; B = rows of a batch
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.packing import IGNORE, Example, best_fit, labels_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Row:
    input_ids: list[int]
    labels: list[int]
    """(T,) Not shifted: the model compares position t with label t+1. An example's first token is never a label,
    because the position before it belongs to another example."""
    position_ids: list[int]
    examples: list[int]
    """Which examples, by their place in the input, in the order in which they lie in the row."""


@dataclass(frozen=True)
class Packed:
    rows: list[Row]
    too_long: list[int]
    """Examples that fit into no row, by their place in the input. They are left out, never cut."""

    def fill(self, row_length: int) -> float:
        """The share of the rows' room that holds tokens."""
        return sum(len(row.input_ids) for row in self.rows) / max(1, row_length * len(self.rows))


def pack(examples: Sequence[Example], row_length: int) -> Packed:
    """Best fit, longest first: each example goes into the fullest row that still has room for it.

    Equal inputs give equal rows. Rows are ordered by their first example in the input, so a shuffled input stays
    shuffled and the lengths of the examples do not sort the training.
    """
    if row_length < 1:
        raise ValueError(f"row_length: expected a positive number of tokens, found {row_length}")
    sizes = [len(example.tokens) for example in examples]
    members = best_fit([i for i, size in enumerate(sizes) if 0 < size <= row_length], sizes, row_length)
    ordered = sorted(sorted(row) for row in members)
    too_long = [i for i, size in enumerate(sizes) if size > row_length]
    return Packed([_row(examples, row) for row in ordered], too_long)


def _row(examples: Sequence[Example], members: list[int]) -> Row:
    input_ids: list[int] = []
    labels: list[int] = []
    position_ids: list[int] = []
    for index in members:
        example = examples[index]
        input_ids += example.tokens
        labels += labels_of(example)
        position_ids += range(len(example.tokens))
    return Row(input_ids, labels, position_ids, members)


def collate(rows: Sequence[Row], pad_token_id: int) -> dict[str, torch.Tensor]:
    """A batch as wide as its longest row: input_ids, labels, position_ids, each (B, T).

    The padding at a row's end counts its positions from 0 as one more example, so nothing can see it and it sees
    nothing; its labels are ignored.
    """
    import torch

    width = max(len(row.input_ids) for row in rows)

    def padded(name: str, filler: list[int]) -> torch.Tensor:
        """`filler`: (T,) what stands at the end of a row that leaves room."""
        lists = [getattr(row, name) for row in rows]
        return torch.tensor([values + filler[: width - len(values)] for values in lists], dtype=torch.long)

    return {
        "input_ids": padded("input_ids", [pad_token_id] * width),
        "labels": padded("labels", [IGNORE] * width),
        "position_ids": padded("position_ids", list(range(width))),
    }
