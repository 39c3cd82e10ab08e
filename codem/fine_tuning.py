"""The settings that every fine-tuning method shares; conf/method/sft.yaml gives them their values, and the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from codem.knob import knob


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """An optimiser step learns from batch_per_gpu x grad_accumulation x gpus examples, whatever the machine and the
    packing: with fewer processes each accumulates more."""

    lr: float = knob(above=0)
    schedule: str = knob(choices=("cosine", "linear", "constant_with_warmup"))
    warmup_steps: int = knob(least=0)
    """Optimiser steps that were taken: one that fp16 overflow skipped does not count."""
    batch_per_gpu: int = knob(least=1)
    """Examples of one forward pass."""
    grad_accumulation: int = knob(least=1)
    precision: str = knob(choices=("fp16", "bf16", "fp32"))
    gpus: int = knob(least=1)
    """Processes that the batch is meant for. Fewer give the same gradient, later."""
    epochs: float = knob(above=0)
    max_steps: int | None = knob(least=1)
    """Optimiser steps, whatever the epochs come to: corpora of unequal length then move the model equally often."""
    max_tokens: int = knob(least=8)
    """Of an example, prompt included; at most the model's context. A longer one is left out and counted; never cut."""
    adam_beta1: float = knob(least=0, most=1)
    adam_beta2: float = knob(least=0, most=1)
    adam_epsilon: float = knob(above=0)
    weight_decay: float = knob(least=0)
    max_grad_norm: float = knob(above=0)
    dropout: float = knob(least=0, most=1)
    """Of embeddings, residuals and attention."""
    learn_prompt: bool
    """False: only the response is learned."""
    packing: bool
    """Several examples in a row, none of which sees another. False: one each, padded to the longest of its batch."""
    gradient_checkpointing: bool
    """Activations are computed again in the backward pass: less memory, about a third more work."""
    checkpoint_steps: int = knob(least=1)
    """A killed run goes on from the last checkpoint."""
