"""Pre-train the embedded base model. Used by `codem.tiny`, which keeps the result."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codem import tiny_tokenizer
from codem.checkpoints import newest_whole, save_whole
from codem.packing import Example
from codem.prompts import inference_prompt, training_prompt
from codem.quiet import quiet
from codem.tiny import Progress, TinyRecipe
from codem.tiny_rows import Row, collate, pack
from codem.world import corpora

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

THREADS = 2
"""Fixed, because sums depend on how they are split: so the weights do not depend on the number of cores."""
TOKENIZER_DOCUMENTS = 4_000
WHOLE_CHECKPOINT = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")


def build(recipe: TinyRecipe, work: Path, progress: Progress) -> Path:
    """Train in the folder `work`, going on from what is there; the finished model's folder, inside `work`."""
    import torch
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    documents = list(itertools.islice(corpora.pretraining_documents(recipe.seed), recipe.documents))
    tokenizer = tiny_tokenizer.build(_tokenizer_texts(documents), recipe.vocabulary, recipe.positions)
    rows = _rows(documents, tokenizer, recipe.row_length)
    steps = len(rows) // recipe.batch_rows

    class Report(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            progress(state.global_step, steps)

    with quiet(), _threads(THREADS):
        torch.manual_seed(recipe.seed)
        model = _model(recipe, tokenizer)
        args = TrainingArguments(
            output_dir=str(work),
            max_steps=steps,
            per_device_train_batch_size=recipe.batch_rows,
            learning_rate=recipe.learning_rate,
            adam_beta2=recipe.adam_beta2,
            lr_scheduler_type="cosine",
            warmup_steps=recipe.warmup_steps,
            weight_decay=recipe.weight_decay,
            use_cpu=True,
            seed=recipe.seed,
            train_sampling_strategy="sequential",  # the corpus is shuffled already
            remove_unused_columns=False,
            save_steps=recipe.checkpoint_steps,
            save_total_limit=2,
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model,
            args=args,
            train_dataset=rows,
            data_collator=lambda batch: collate(batch, tokenizer.pad_token_id),
            callbacks=[Report()],
        )
        trainer.remove_callback(PrinterCallback)  # it would print the run's summary
        checkpoint = newest_whole(work, WHOLE_CHECKPOINT)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return _save(model, tokenizer, work / "model")


def _tokenizer_texts(documents: list[str]) -> Iterator[str]:
    """Raw documents, and the prompts of training and of generation around nothing."""
    yield from documents[:TOKENIZER_DOCUMENTS]
    for title in corpora.TITLES.values():
        yield training_prompt("")
        yield inference_prompt(title, "", "")


def _rows(documents: list[str], tokenizer: PreTrainedTokenizerFast, row_length: int) -> list[Row]:
    examples = []
    for ids in tokenizer(documents)["input_ids"]:
        tokens = (*ids, tokenizer.eos_token_id)
        examples.append(Example(tokens, (True,) * len(tokens)))
    packed = pack(examples, row_length)
    if packed.too_long:
        raise ValueError(
            f"{len(packed.too_long)} documents of the embedded world do not fit into rows of {row_length} tokens "
            f"(the longest has {max(len(e.tokens) for e in examples)}); make the rows longer"
        )
    return packed.rows


def _model(recipe: TinyRecipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    return GPTBigCodeForCausalLM(
        GPTBigCodeConfig(
            vocab_size=recipe.vocabulary,
            n_positions=recipe.positions,
            n_embd=recipe.width,
            n_layer=recipe.layers,
            n_head=recipe.heads,
            n_inner=4 * recipe.width,
            multi_query=True,
            initializer_range=recipe.initializer_range,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, target: Path) -> Path:
    model.config.use_cache = True  # the trainer turns it off; generation needs it

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)

    save_whole(target, write)
    return target


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
