"""Only the upper layers learn: the last transformer blocks, and what comes after them.

python -m codem.train lang=python method=freeze method.share=0.5
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.errors import StageError
from codem.fine_tuning import FineTuning
from codem.knob import knob

if TYPE_CHECKING:
    from codem.job import Job


@dataclass(frozen=True, kw_only=True)
class Config(FineTuning):
    """conf/method/freeze.yaml has the values."""

    share: float = knob(above=0, most=1)
    """Of the transformer blocks, rounded up: the upper ones learn."""
    layers: int | None = knob(least=1)
    """How many blocks learn; null: `share` decides."""


def train(job: Job) -> dict[str, Any]:
    """Fine-tune the upper layers of job.base on job.tokens; returns what the record keeps of it."""
    from codem.fit import fit

    config = job.config
    assert isinstance(config, Config)
    return fit(job, prepare=lambda model: frozen_below(model, config))


def frozen_below(model: Any, config: Config) -> Any:
    """The model, of which only the upper blocks and what its code defines after them (final norm, head) learn.

    A head that is also the embedding stays as it is: training it would change the lowest layer.
    Raises StageError when the model has fewer blocks than are to learn.
    """
    blocks = _blocks(model)
    count = config.layers or math.ceil(round(config.share * len(blocks), 6))
    if count > len(blocks):
        raise StageError(
            f"method.layers={count}: the model has {len(blocks)} transformer blocks; give at most as many, or take "
            f"method=sft, which trains all of the model"
        )
    first = next(blocks[len(blocks) - count].parameters())
    learns = False
    for parameter in model.parameters():  # in the order of the layers, a tied one at its first place
        learns = learns or parameter is first
        parameter.requires_grad_(learns)
    return model


def _blocks(model: Any) -> Any:
    """The list of the model's transformer blocks, lowest first."""
    from torch.nn import ModuleList

    count = model.config.num_hidden_layers
    found = [m for m in model.modules() if isinstance(m, ModuleList) and len(m) == count]
    if len(found) != 1:
        raise StageError(
            f"method=freeze: expected one list of {count} transformer blocks in {type(model).__name__}, found "
            f"{len(found)}; take method=sft or method=lora"
        )
    return found[0]
