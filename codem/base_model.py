"""The model that training starts from, with the attention and dropout that the run wants; or why it cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codem import bases
from codem.errors import StageError

if TYPE_CHECKING:
    from codem.job import Job


def configuration(job: Job) -> Any:
    """The base model's own configuration. Raises StageError when there is none that can be read."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(job.base, revision=job.revision)
    except (OSError, ValueError, KeyError) as e:
        raise StageError(
            f"{job.base}: expected a model that transformers can load, found: {bases.first_line(e)}; "
            f"check base.path and base.revision"
        ) from e


def load(job: Job, config: Any, attention: str) -> Any:
    """Weights in the run's precision; the engine keeps fp32 copies of them. Changes `config`.

    Raises StageError when the weights are not there, or do not fill the model.
    """
    import torch
    from transformers import AutoModelForCausalLM

    set_dropout(config, job.config.dropout)
    config.use_cache = False  # with a cache, packed examples would see each other
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[job.config.precision]
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            job.base,
            revision=job.revision,
            config=config,
            dtype=dtype,
            attn_implementation=attention,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as e:
        raise StageError(
            f"{job.base}: expected the weights of a causal language model, found: {bases.first_line(e)}; "
            f"check that the folder is complete and its config.json belongs to its weights"
        ) from e
    bases.loaded_whole(job.base, info)
    return model


def set_dropout(config: Any, share: float) -> None:
    """Every dropout that the configuration names: its fields are called differently in each model family."""
    for name, value in config.to_dict().items():
        if (name.endswith(("_pdrop", "_dropout")) or name == "dropout") and isinstance(value, (int, float)):
            setattr(config, name, share)
