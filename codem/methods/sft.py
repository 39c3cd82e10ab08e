"""Supervised fine-tuning of all parameters: the paper's method (section 2.2).

python -m codem.train lang=python method=sft
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.knob import knob

if TYPE_CHECKING:
    from codem.fit import Job


@dataclass(frozen=True)
class Config:
    # Stated by the paper, section 2.2.
    lr: float = knob(2e-5, above=0)
    schedule: str = knob("cosine", choices=("cosine", "linear", "constant_with_warmup"))
    warmup_steps: int = knob(30, least=0)
    batch_per_gpu: int = knob(2, least=1)
    grad_accumulation: int = knob(4, least=1)
    precision: str = knob("fp16", choices=("fp16", "bf16", "fp32"))
    # Left unsaid by the paper; ours.
    epochs: float = knob(3.0, above=0)
    max_steps: int | None = knob(None, least=1)
    """Optimiser steps, whatever the epochs come to: corpora of unequal length then move the model equally often."""
    max_tokens: int = knob(2048, least=8)
    """Length of a packed row, at most the model's context. A longer example is left out and counted; never cut."""
    weight_decay: float = knob(0.0, least=0)
    max_grad_norm: float = knob(1.0, above=0)
    learn_prompt: bool = False
    """False: only the response is learned."""
    checkpoint_steps: int = knob(50, least=1)
    """A killed run goes on from the last checkpoint."""


def train(job: Job) -> dict[str, Any]:
    """Fine-tune every parameter of job.base on job.rows; returns what the record keeps of it."""
    from codem.fit import fit

    return fit(job)
