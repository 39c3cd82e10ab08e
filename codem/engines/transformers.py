"""The default engine: a transformers model on a GPU or a CPU, many prompts at once.

The library's own continuous batching ends a row at a token, never at its text, and makes its logits processors from
the generation config alone; an answer that ends with its function and a prompt that ends inside a token need more. So
batches are run here (codem/batching.py), on the model's own forward pass and cache.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from codem import bases
from codem.batching import Batch, Row, next_batch
from codem.decoding import Prompt, Vocabulary
from codem.engine import Key, Request
from codem.errors import StageError
from codem.knob import knob
from codem.records import Sample
from codem.settings import Decode


@dataclass(frozen=True)
class Config:
    dtype: str = knob("auto", choices=("auto", "fp32", "fp16", "bf16"))
    """auto: fp16 on a GPU, fp32 on a CPU."""
    batch_tokens: int = knob(131072, least=1)
    """Room of a batch: its rows times the longest prompt and the longest answer. The cache of one token takes 21 kB of
    StarCoder 7B, 65 kB of StarCoder2 7B; what does not fit is halved. Part of what a result is on a GPU: padding moves
    the last bits of a logit."""


def load(folder: str, revision: str | None, decode: Decode, config: Config) -> Transformers:
    """Raises StageError when the folder's weights are not those of a whole model."""
    import torch
    from transformers import AutoModelForCausalLM

    from codem.quiet import quiet

    gpu = torch.cuda.is_available()
    name = config.dtype if config.dtype != "auto" else "fp16" if gpu else "fp32"
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[name]
    bases.examined(folder, revision)  # the library would fill what is missing with noise
    tokenizer = bases.tokenizer(folder, revision)
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(folder, revision=revision, dtype=dtype)
    return Transformers(model.to("cuda" if gpu else "cpu").eval(), tokenizer, decode, config)


class Transformers:
    """An Engine (codem/engine.py)."""

    def __init__(self, model: Any, tokenizer: Any, decode: Decode, config: Config):
        self.model, self.decode, self.config = model, decode, config
        self.vocabulary = Vocabulary(tokenizer)
        self.budget = config.batch_tokens
        """Halved whenever a batch does not fit into the GPU's memory."""
        self.written = 0
        """Tokens of all answers so far."""
        self.room: int | None = getattr(model.config, "max_position_embeddings", None)
        theirs = model.generation_config.eos_token_id
        ends = {tokenizer.eos_token_id, *(theirs if isinstance(theirs, list) else [theirs])}
        self.eos = ends - {None}

    def describe(self) -> dict[str, Any]:
        import torch
        import transformers

        gpu = self.model.device.type == "cuda"
        return {
            "name": "transformers",
            "version": transformers.__version__,
            "torch": torch.__version__,
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "device": torch.cuda.get_device_name(self.model.device) if gpu else "cpu",
            "attention": self.model.config._attn_implementation,
            "batch_tokens": self.config.batch_tokens,
            "batch_tokens_that_fitted": self.budget,
            # Measured: fp32 texts on a CPU were the same for every budget. The last bits of logits are not, so where
            # they are few to begin with (fp16, bf16), or kernels are picked by shape (a GPU), texts differ.
            "batch_invariant": not gpu and self.model.dtype == torch.float32,
        }

    def complete(self, requests: Sequence[Request], have: Collection[Key] = ()) -> Iterator[list[Sample]]:
        """A batch with a missing member is made again as a whole, so that an interrupted run ends in the answers of
        an undisturbed one."""
        waiting = self._ordered(requests)
        have = set(have)
        while waiting:
            count = next_batch([len(p.tokens) for _, p in waiting], self._new_tokens(), self.budget)
            batch, rest = waiting[:count], waiting[count:]
            if any(request.key not in have for request, _ in batch):
                for samples in self._answered(batch):
                    fresh = [s for s in samples if (s.problem, s.sample) not in have]
                    have |= {(s.problem, s.sample) for s in fresh}
                    if fresh:
                        yield fresh
            missing = [pair for pair in batch if pair[0].key not in have]  # some, when the memory was too small
            waiting = [*missing, *rest]

    def _answered(self, batch: list[tuple[Request, Prompt]]) -> Iterator[list[Sample]]:
        """Ends early, with the budget halved, when the memory is too small for the batch."""
        import torch

        new = self._new_tokens()
        rows = [Row(r, p, self.vocabulary, min(new, self._left_after(p) or new)) for r, p in batch]
        try:
            yield from Batch(self.model, self.vocabulary, self.eos, self.decode, rows).run()
            return
        except torch.OutOfMemoryError as e:
            longest = len(batch[0][1].tokens) + new
            if len(batch) == 1:
                raise StageError(
                    f"{batch[0][0].problem}: one answer of {longest} tokens does not fit into the GPU's memory ({e}); "
                    f"take a GPU with more, or a smaller decode.max_tokens"
                ) from None
            self.budget = len(batch) * longest // 2
        finally:
            self.written += sum(len(row.grown.tokens) for row in rows if row.finish)
        torch.cuda.empty_cache()
        logging.getLogger("codem").warning("out of GPU memory: batches of %d tokens from here on", self.budget)

    def _ordered(self, requests: Sequence[Request]) -> list[tuple[Request, Prompt]]:
        """The longest prompts first: what does not fit is known at once."""
        prompts = {text: self.vocabulary.prompt(text) for text in dict.fromkeys(r.prompt for r in requests)}
        pairs = [(request, prompts[request.prompt]) for request in requests]
        for request, prompt in pairs:
            left = self._left_after(prompt)
            if left is not None and left < 1:
                raise StageError(
                    f"{request.problem}: a prompt of {len(prompt.tokens)} tokens leaves no room in the model's context "
                    f"of {self.room} tokens; take a base model with a longer context"
                )
        return sorted(pairs, key=lambda pair: (-len(pair[1].tokens), pair[0].key))

    def _left_after(self, prompt: Prompt) -> int | None:
        return None if self.room is None else self.room - len(prompt.tokens)

    def _new_tokens(self) -> int:
        return self.decode.max_tokens if self.room is None else min(self.decode.max_tokens, self.room)
