"""Low-rank adapters on every linear layer, merged into the weights at the end: the saved model is a plain one.

python -m codem.train lang=python method=lora method.rank=8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.fine_tuning import FineTuning
from codem.knob import knob

if TYPE_CHECKING:
    from codem.job import Job


@dataclass(frozen=True, kw_only=True)
class Config(FineTuning):
    """conf/method/lora.yaml has the values."""

    rank: int = knob(least=1)
    """Of the two matrices whose product is added to a layer's weights."""
    alpha: int = knob(least=1)
    """The product is added alpha / rank times."""
    adapter_dropout: float = knob(least=0, most=1)
    """Of what goes into the adapters; `dropout` is the base model's."""


def train(job: Job) -> dict[str, Any]:
    """Train adapters of job.base on job.tokens; returns what the record keeps of it."""
    from codem.fit import fit

    config = job.config
    assert isinstance(config, Config)
    return fit(job, prepare=lambda model: adapted(model, config), finish=merged)


def adapted(model: Any, config: Config) -> Any:
    """The model with adapters on every linear layer but the head; they alone learn."""
    from peft import LoraConfig, TaskType, get_peft_model

    choice = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.adapter_dropout,
        target_modules="all-linear",
        task_type=TaskType.CAUSAL_LM,
    )
    # The engine holds fp32 copies of what learns, as for any weight, so the adapters themselves have the model's dtype.
    return get_peft_model(model, choice, autocast_adapter_dtype=False)


def merged(model: Any) -> Any:
    """The plain model, its weights changed by the adapters. One layer at a time, as ZeRO-3 may hold them in parts."""
    from peft.tuners.lora import LoraLayer

    for layer in [m for m in model.modules() if isinstance(m, LoraLayer)]:
        with _whole(layer):
            layer.merge()
    return model.unload()


def _whole(layer: Any) -> Any:
    """The layer's parameters are whole inside, and what is changed there lasts."""
    import contextlib

    parameters = list(layer.parameters())
    if not any(hasattr(p, "ds_id") for p in parameters):
        return contextlib.nullcontext()
    from deepspeed.runtime.zero import GatheredParameters

    return GatheredParameters(parameters, modifier_rank=0)
