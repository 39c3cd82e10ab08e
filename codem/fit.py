"""The training loop that methods share: transformers' Trainer on a DeepSpeed engine, also on a CPU.

It resumes from the newest whole checkpoint, refuses to train with examples that see each other, and saves the model
whole. What a run looks like from outside while it runs is codem/watch.py.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codem import attention, attention_check, base_model, bases, interruption, tokens, trainer_arguments
from codem.checkpoints import full_disk_said, resume_point, save_whole
from codem.deepspeed_setup import distributed_environment, is_first_rank
from codem.deepspeed_setup import prepare as prepare_engine
from codem.errors import StageError
from codem.half_on_cpu import described, half_on_cpu
from codem.job import Job
from codem.packing import Example, Plan, plan
from codem.passes import Passes, can_keep_learned_only, trainer_class
from codem.prompts import TEMPLATE_FILE, template_sha256
from codem.quiet import quiet
from codem.tracking import tracked
from codem.watch import forget_after, watcher

Change = Callable[[Any], Any]
"""A model -> the model to go on with."""


def unchanged(model: Any) -> Any:
    return model


def fit(job: Job, prepare: Change = unchanged, finish: Change = unchanged) -> dict[str, Any]:
    """Train, and return what the record keeps.

    prepare: what a method does to the loaded model, before there is an engine.
    finish: what it does to the trained model before it is saved. Under ZeRO-3 its parameters are in parts then.
    Raises StageError when nothing can be learned.
    """
    with (
        distributed_environment() as processes,
        quiet(),
        half_on_cpu(job.config.precision),
        tracked(job),
        _nothing_left(),
    ):
        return _trained(job, prepare, finish, processes)


def _trained(job: Job, prepare: Change, finish: Change, processes: int) -> dict[str, Any]:
    import torch
    from transformers import PrinterCallback, TrainingArguments

    prepare_engine(job.config.precision)
    tokenizer = bases.tokenizer(job.base, job.revision)
    config = base_model.configuration(job)
    examples = tokens.read(job.tokens)
    made = plan(examples.lengths, examples.learned, job.config, _row_tokens(job, config), processes, job.seed)
    # Before the model: ZeRO-3 partitions weights while they are loaded, and learns of it here.
    has_gpu = torch.cuda.is_available()
    args = TrainingArguments(**trainer_arguments.arguments(job, made.accumulation, has_gpu))
    if args.world_size != processes:
        raise StageError(f"expected {processes} training processes, found {args.world_size}; start them with torchrun")
    torch.manual_seed(job.seed)
    name = attention.register() if job.config.packing else "sdpa"
    model = base_model.load(job, config, name)
    learned_only = can_keep_learned_only(model)
    model = prepare(model)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    callbacks = [watch := watcher(job, made), interruption.callback()]
    if job.config.packing:
        callbacks.append(check := attention_check.callback(_some_examples(made, examples), pad))
    trainer = trainer_class()(
        model=model,
        args=args,
        train_dataset=Passes(made, examples, job.config.packing, learned_only, pad),
        data_collator=lambda batches: batches[0],
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # it prints every log line
    watch.trainer = trainer  # the engine exists only once training has begun
    if job.config.packing:
        check.trainer = trainer
    last = resume_point(job.checkpoint, processes)
    if is_first_rank():
        forget_after(job.metrics, int(last.name.removeprefix("checkpoint-")) if last else 0)
    try:
        with full_disk_said(job.checkpoint):
            with interruption.looked_for():
                trainer.train(resume_from_checkpoint=str(last) if last else None)
            facts = {**_facts(trainer, made, job, name), **watch.result()}
            _save(job, finish(trainer.model), tokenizer)
    finally:
        if hasattr(trainer.model_wrapped, "destroy"):
            trainer.model_wrapped.destroy()  # its hooks would keep the model and the optimiser in memory
    return facts


@contextmanager
def _nothing_left() -> Iterator[None]:
    """Afterwards this process may load a model as if it had never trained."""
    import torch
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    try:
        yield
    finally:
        unset_hf_deepspeed_config()  # after ZeRO-3, the next model too would be loaded in parts
        gc.collect()  # trainer, callbacks and engine hold each other
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _row_tokens(job: Job, config: Any) -> int:
    context = getattr(config, "max_position_embeddings", None)
    return min(job.config.max_tokens, context or job.config.max_tokens)


def _some_examples(made: Plan, examples: Sequence[Example]) -> list[Example]:
    """The shortest ones of the first step; the same in every process."""
    first = sorted((i for members in made.step(0) for i in members), key=lambda i: (len(examples[i].tokens), i))
    return [examples[i] for i in first[: attention_check.EXAMPLES]]


def _save(job: Job, model: Any, tokenizer: Any) -> None:
    model.config.use_cache = True  # generation needs it

    def write(folder: Path) -> None:
        state = _whole_state(model)
        if is_first_rank():
            model.save_pretrained(folder, state_dict=state)
            tokenizer.save_pretrained(folder)
            (folder / TEMPLATE_FILE).write_text(json.dumps({"sha256": template_sha256()}) + "\n", "utf-8")

    save_whole(job.model, write)


def _whole_state(model: Any) -> dict[str, Any] | None:
    """The weights by name, gathered where ZeRO-3 holds them in parts; None where they are whole already.

    All processes call it; the first one gets them. One parameter at a time, so that no GPU needs room for all.
    """
    state = model.state_dict(keep_vars=True)
    if not any(hasattr(tensor, "ds_id") for tensor in state.values()):
        return None
    from deepspeed.runtime.zero import GatheredParameters

    whole: dict[int, Any] = {}  # by identity: tied weights stay one tensor
    for tensor in state.values():
        with GatheredParameters([tensor] if hasattr(tensor, "ds_id") else []):
            if is_first_rank() and id(tensor) not in whole:
                whole[id(tensor)] = tensor.detach().cpu().clone()
    return {name: whole[id(tensor)] for name, tensor in state.items()} if is_first_rank() else {}


def _passes(made: Plan, steps: int) -> int:
    """Of one process, in these steps: those that were not skipped."""
    count = steps * made.accumulation
    return sum(not made.is_skipped(k * made.processes) for k in range(count))


def _facts(trainer: Any, made: Plan, job: Job, attention_name: str) -> dict[str, Any]:
    from deepspeed import DeepSpeedEngine

    engine = trainer.model_wrapped
    if not isinstance(engine, DeepSpeedEngine):
        raise StageError(f"expected training to go through DeepSpeed, found {type(engine).__name__}")
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    steps = trainer.state.global_step
    return {
        "steps": steps,
        "tokens": made.tokens[steps],
        "learned_tokens": made.learned[steps],
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "examples": made.examples,
        "examples_too_long": len(made.too_long),
        "max_tokens": made.row_tokens,
        "passes_per_step": round(_passes(made, steps) / steps, 2),
        "packing": job.config.packing,
        "attention": attention_name,
        "dropout": job.config.dropout,
        "precision": described(job.config.precision),
        "device": engine.device.type,
        "engine": {
            "fp16": engine.fp16_enabled(),
            "bf16": engine.bfloat16_enabled(),
            "zero_stage": engine.zero_optimization_stage(),
            "processes": made.processes,
        },
    }
