"""Supervised fine-tuning of all parameters: the paper's method (section 2.2).

python -m codem.train lang=python method=sft
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.fine_tuning import FineTuning

if TYPE_CHECKING:
    from codem.job import Job


@dataclass(frozen=True, kw_only=True)
class Config(FineTuning):
    """conf/method/sft.yaml has the values."""


def train(job: Job) -> dict[str, Any]:
    """Fine-tune every parameter of job.base on job.tokens; returns what the record keeps of it."""
    from codem.fit import fit

    return fit(job)
