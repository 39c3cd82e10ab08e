"""The training loop that methods share: transformers' Trainer on a DeepSpeed engine, also on a CPU.

It resumes from the newest whole checkpoint, writes metrics.jsonl, refuses to learn nothing, and saves the model whole.
B = rows of a batch, T = tokens of a packed row
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.checkpoints import newest_whole, save_whole
from codem.deepspeed_setup import distributed_environment, engine_config, is_first_rank, prepare
from codem.errors import StageError
from codem.packing import Example, Packed, collate, pack
from codem.prompts import TEMPLATE_FILE, template_sha256, training_prompt
from codem.quiet import quiet

WHOLE_CHECKPOINT = ("trainer_state.json", "latest", "global_step*/*", "rng_state*.pth")


@dataclass(frozen=True)
class Job:
    """Everything a method needs to make a model, and where to put it."""

    base: str
    """A folder or a hub id that transformers can load."""
    revision: str | None
    items: Sequence[dict[str, str]]
    """`instruction` and `response` of each, in a fixed order."""
    config: Any
    deepspeed: dict[str, Any]
    seed: int
    checkpoint: Path
    model: Path
    metrics: Path
    report: Callable[[int, int, str], None]
    """Called with the step, the number of steps, and a note."""


def fit(job: Job) -> dict[str, Any]:
    """Train, and return what the record keeps: steps, tokens, final loss, skipped steps, what was left out.

    Raises StageError when nothing can be learned.
    """
    with distributed_environment() as world_size, quiet():
        import torch
        from transformers import (
            AutoConfig,
            AutoModelForCausalLM,
            AutoTokenizer,
            PrinterCallback,
            Trainer,
            TrainingArguments,
        )

        prepare(job.config.precision)
        tokenizer = AutoTokenizer.from_pretrained(job.base, revision=job.revision)
        context = getattr(AutoConfig.from_pretrained(job.base, revision=job.revision), "max_position_embeddings", None)
        row_tokens = min(job.config.max_tokens, context or job.config.max_tokens)
        packed = _rows(job, tokenizer, row_tokens)
        # Before the model: ZeRO-3 partitions weights while they are loaded, and learns of it here.
        args = TrainingArguments(**_arguments(job, torch.cuda.is_available()))
        if args.world_size != world_size:
            raise StageError(
                f"expected {world_size} training processes, found {args.world_size}; start them with torchrun"
            )
        torch.manual_seed(job.seed)
        dtype = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[job.config.precision]
        model = AutoModelForCausalLM.from_pretrained(job.base, revision=job.revision, dtype=dtype)
        model.config.use_cache = False  # with a cache, packed examples would see each other
        trainer = Trainer(
            model=model,
            args=args,
            train_dataset=packed.rows,
            data_collator=lambda rows: collate(rows, tokenizer.pad_token_id or 0),
            processing_class=tokenizer,
            callbacks=[reporter := _reporter(job)],
        )
        reporter.trainer = trainer  # the engine exists only once training has begun
        trainer.remove_callback(PrinterCallback)
        last = newest_whole(job.checkpoint, WHOLE_CHECKPOINT)
        _forget_metrics_after(job.metrics, int(last.name.removeprefix("checkpoint-")) if last else 0)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        return _saved(job, trainer, tokenizer, packed, row_tokens)


def _arguments(job: Job, has_gpu: bool) -> dict[str, Any]:
    """Every option that matters, stated: the defaults of the library have moved before."""
    c = job.config
    return {
        "output_dir": str(job.checkpoint),
        "num_train_epochs": c.epochs,
        "max_steps": c.max_steps or -1,
        "per_device_train_batch_size": c.batch_per_gpu,
        "gradient_accumulation_steps": c.grad_accumulation,
        "learning_rate": c.lr,
        "lr_scheduler_type": c.schedule,
        "warmup_steps": c.warmup_steps,
        "weight_decay": c.weight_decay,
        "max_grad_norm": c.max_grad_norm,
        "optim": "adamw_torch",
        "fp16": c.precision == "fp16",
        "bf16": c.precision == "bf16",
        "deepspeed": engine_config(job.deepspeed),
        "use_cpu": not has_gpu,
        "seed": job.seed,
        "data_seed": job.seed,
        "remove_unused_columns": False,
        "logging_steps": 1,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "include_num_input_tokens_seen": "non_padding",
        "save_steps": c.checkpoint_steps,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
    }


def _rows(job: Job, tokenizer: Any, row_tokens: int) -> Packed:
    """The items as packed rows. Raises StageError when an item teaches nothing or nothing is left."""
    if tokenizer.eos_token_id is None:
        raise StageError(f"{job.base}: its tokenizer has no end-of-text token; expected eos_token in its configuration")
    examples = [_example(item, tokenizer, job.config.learn_prompt) for item in job.items]
    packed = pack(examples, row_tokens)
    if not packed.rows:
        raise StageError(
            f"the corpus has {len(examples)} examples, and none fits into {row_tokens} tokens; "
            f"raise method.max_tokens, or take a base model with a longer context"
        )
    return packed


def _example(item: dict[str, str], tokenizer: Any, learn_prompt: bool) -> Example:
    """Prompt and response are tokenised apart, so the boundary between them is one between tokens; generation
    makes up for it (codem/decoding.py)."""
    prompt = tokenizer(training_prompt(item["instruction"]), add_special_tokens=False)["input_ids"]
    response = tokenizer(item["response"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return Example((*prompt, *response), (learn_prompt,) * len(prompt) + (True,) * len(response))


def _reporter(job: Job) -> Any:
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):
        """metrics.jsonl and the progress line; stops a run that has gone wrong."""

        trainer: Any = None
        started = time.monotonic()
        first_tokens = 0

        def on_train_begin(self, args, state, control, **kwargs):
            self.started, self.first_tokens = time.monotonic(), state.num_input_tokens_seen

        def on_step_end(self, args, state, control, **kwargs):
            job.report(state.global_step, state.max_steps, "")

        def on_log(self, args, state, control, logs=None, **kwargs):
            if not is_first_rank() or "loss" not in (logs or {}):
                return
            engine = self.trainer.model_wrapped
            line = {
                "step": state.global_step,
                "tokens": int(state.num_input_tokens_seen),
                "loss": logs["loss"],
                "lr": logs.get("learning_rate"),
                "grad_norm": logs.get("grad_norm"),
                "loss_scale": _loss_scale(engine),
                "skipped_steps": getattr(engine, "skipped_steps", None),
                "tokens_per_s": round(
                    (state.num_input_tokens_seen - self.first_tokens) / max(time.monotonic() - self.started, 1e-9), 1
                ),
            }
            with open(job.metrics, "a", encoding="utf-8") as f:
                f.write(json.dumps(line) + "\n")
            if not math.isfinite(logs["loss"]):
                raise StageError(
                    f"step {state.global_step}: the loss is {logs['loss']}; try a lower method.lr, "
                    f"or method.precision=bf16 where the hardware has it"
                )

    return Reporter()


def _loss_scale(engine: Any) -> float | None:
    scaler = getattr(getattr(engine, "optimizer", None), "loss_scale", None)
    return float(scaler) if isinstance(scaler, (int, float)) else None


def _forget_metrics_after(path: Path, step: int) -> None:
    """A killed run logged steps that it will now make again."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError):
            continue  # torn by the kill
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text("".join(kept), "utf-8")
    os.replace(temporary, path)


def _saved(job: Job, trainer: Any, tokenizer: Any, packed: Packed, row_tokens: int) -> dict[str, Any]:
    from deepspeed import DeepSpeedEngine

    engine = trainer.model_wrapped
    if not isinstance(engine, DeepSpeedEngine):
        raise StageError(f"expected training to go through DeepSpeed, found {type(engine).__name__}")
    trainer.model.config.use_cache = True  # generation needs it

    def write(folder: Path) -> None:
        trainer.save_model(str(folder))
        tokenizer.save_pretrained(folder)
        (folder / TEMPLATE_FILE).write_text(json.dumps({"sha256": template_sha256()}) + "\n", "utf-8")

    if is_first_rank() or engine.zero_optimization_stage() == 3:
        save_whole(job.model, write)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "steps": trainer.state.global_step,
        "tokens": int(trainer.state.num_input_tokens_seen),
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "examples": sum(len(row.examples) for row in packed.rows),
        "examples_too_long": len(packed.too_long),
        "rows": len(packed.rows),
        "row_tokens": row_tokens,
        "row_fill": round(packed.fill(row_tokens), 4),
        "engine": {
            "fp16": engine.fp16_enabled(),
            "bf16": engine.bfloat16_enabled(),
            "zero_stage": engine.zero_optimization_stage(),
            "skipped_steps": engine.skipped_steps,
        },
    }
