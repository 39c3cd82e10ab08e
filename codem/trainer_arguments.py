"""What transformers' Trainer is told: every option that matters, because its defaults have moved before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codem.deepspeed_setup import engine_config

if TYPE_CHECKING:
    from codem.job import Job


def arguments(job: Job, accumulation: int, has_gpu: bool) -> dict[str, Any]:
    """Of TrainingArguments. A batch of its loader is one forward pass of the plan, so the run is one epoch of those."""
    c = job.config
    return {
        "output_dir": str(job.checkpoint),
        "num_train_epochs": 1,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": accumulation,
        "train_sampling_strategy": "sequential",
        "accelerator_config": {"split_batches": False, "dispatch_batches": False, "even_batches": True},
        "dataloader_drop_last": False,
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
        "average_tokens_across_devices": True,  # the loss is a mean over the whole step's learned tokens
        "label_smoothing_factor": 0.0,
        "learning_rate": c.lr,
        "lr_scheduler_type": c.schedule,
        "warmup_steps": c.warmup_steps,
        "optim": "adamw_torch_fused",
        "adam_beta1": c.adam_beta1,
        "adam_beta2": c.adam_beta2,
        "adam_epsilon": c.adam_epsilon,
        "weight_decay": c.weight_decay,
        "max_grad_norm": c.max_grad_norm,
        "fp16": c.precision == "fp16",
        "bf16": c.precision == "bf16",
        "tf32": None,
        "torch_compile": False,
        "activation_checkpointing": c.gradient_checkpointing,
        "activation_checkpointing_kwargs": {"use_reentrant": False} if c.gradient_checkpointing else None,
        "deepspeed": engine_config(job.deepspeed),
        "use_cpu": not has_gpu,
        "use_cache": False,  # with a cache, packed examples would see each other
        "seed": job.seed,
        "data_seed": job.seed,
        "eval_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "include_num_input_tokens_seen": "no",  # the plan knows; counting would synchronise the GPU in every pass
        "save_strategy": "steps",
        "save_steps": c.checkpoint_steps,
        "save_total_limit": 2,
        "save_only_model": False,
        "enable_jit_checkpoint": False,  # on DeepSpeed it repeats a step
        "report_to": "none" if job.tracker == "none" else job.tracker,
        "run_name": job.run_name or None,
        "disable_tqdm": True,
    }
