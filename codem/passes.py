"""A plan's forward passes as the trainer wants them: one batch each, and nothing done for those that are empty."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from codem.packing import Example, Plan, collate_packed, collate_padded

SKIPPED = "skipped"
"""In the batch of a pass that is empty in all processes."""


class Passes(Sequence[dict[str, Any]]):
    """The batch of every forward pass of a plan, in its order, made when it is asked for."""

    def __init__(
        self, made: Plan, examples: Sequence[Example], packing: bool, learned_only: bool, pad_token_id: int
    ) -> None:
        self.made, self.examples = made, examples
        self.packing, self.learned_only, self.pad_token_id = packing, learned_only, pad_token_id

    def __len__(self) -> int:
        return len(self.made.passes)

    def __getitem__(self, at: Any) -> Any:
        given = [self.examples[i] for i in self.made.passes[at]]
        if self.packing:
            batch = collate_packed(given, self.pad_token_id, self.learned_only)
        else:
            batch = collate_padded(given, self.pad_token_id)
        return batch | {SKIPPED: True} if self.made.is_skipped(at) else batch


def can_keep_learned_only(model: Any) -> bool:
    """Whether the model can leave out the logits of tokens that are not learned, and hands labels down to its loss."""
    parameters = inspect.signature(model.forward).parameters
    return "logits_to_keep" in parameters and any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def trainer_class() -> Any:
    """transformers' Trainer, which does nothing in a skipped pass. All processes skip the same ones, and the last pass
    of a step, in which the engine updates the weights, is never empty everywhere."""
    import torch
    from transformers import Trainer

    class SkippingTrainer(Trainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            if inputs.pop(SKIPPED, False):
                return torch.zeros((), device=self.args.device)
            return super().training_step(model, inputs, num_items_in_batch)

    return SkippingTrainer
