"""Continue many prompts at once with a transformers model. An answer that has ended leaves its batch: it costs nothing
while the others go on.

B = rows of a batch that go on, P = different prompts among them, T = tokens so far, padding included, V = vocabulary
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from codem.decoding import Growing, Prompt, Vocabulary
from codem.engine import Request
from codem.errors import StageError
from codem.records import Sample
from codem.sampling import drawn, likeliest
from codem.settings import Decode

if TYPE_CHECKING:
    import torch

PREFILL_TOKENS = 16384
"""Prompts are read in parts of this many tokens: reading needs far more memory for a token than keeping it."""


class Row:
    """One answer under way."""

    def __init__(self, request: Request, prompt: Prompt, vocabulary: Vocabulary, limit: int):
        self.request, self.prompt, self.limit = request, prompt, limit
        self.grown = Growing(vocabulary)
        self.random = random.Random(request.draw_seed)
        self.finish = ""

    @property
    def left(self) -> str:
        """What is still to be spelled of the prompt's end."""
        return self.prompt.tail[len(self.grown.text) :]

    def take(self, token: int, eos: Collection[int]) -> bool:
        """Add a token. True when the answer has ended with it."""
        if token in eos:
            self.finish = "eos"
            return True
        self.grown.add(token)
        answer = self.grown.text[len(self.prompt.tail) :]
        if answer and self.request.stopper.ended(answer):
            self.finish = "stop"
        elif len(self.grown.tokens) >= self.limit:
            self.finish = "length"
        return bool(self.finish)

    def sample(self) -> Sample:
        whole, tail = self.grown.whole(), self.prompt.tail
        if not whole.startswith(tail) and not (self.finish == "length" and tail.startswith(whole)):
            raise StageError(
                f"{self.request.problem}: expected the model's text to begin with the prompt's end {tail!r}, "
                f"found {whole[:40]!r}; its tokenizer does not spell what it reads"
            )
        return Sample(self.request.problem, self.request.sample, whole[len(tail) :], self.finish)


class Batch:
    """Rows that advance together, one token a step."""

    def __init__(self, model: Any, vocabulary: Vocabulary, eos: Collection[int], decode: Decode, rows: Sequence[Row]):
        self.model, self.vocabulary, self.eos, self.decode = model, vocabulary, eos, decode
        self.rows = list(rows)
        self.takes_positions = "position_ids" in inspect.signature(model.forward).parameters

    def run(self) -> Iterator[list[Sample]]:
        """The answers as they end."""
        scores = self._read_prompts()
        while True:
            tokens = self._choose(scores)
            ended = [row.take(token, self.eos) for row, token in zip(self.rows, tokens, strict=True)]
            if any(ended):
                yield [row.sample() for row, it_has in zip(self.rows, ended, strict=True) if it_has]
                going = [i for i, it_has in enumerate(ended) if not it_has]
                if not going:
                    return
                self._keep(going)
                tokens = [tokens[i] for i in going]
            scores = self._step(tokens)

    def _read_prompts(self) -> torch.Tensor:
        """Several answers to one prompt read it once. Returns the scores of the first new token, (B, V)."""
        import torch

        different = list(dict.fromkeys(row.prompt for row in self.rows))
        width = max(len(prompt.tokens) for prompt in different)
        at_once = max(1, PREFILL_TOKENS // width)
        with torch.inference_mode():
            parts = [self._read(different[at : at + at_once], width) for at in range(0, len(different), at_once)]
            self.cache = parts[0][0]
            if len(parts) > 1:
                for i, layer in enumerate(self.cache.layers):
                    layer.keys = torch.cat([cache.layers[i].keys for cache, _, _ in parts])
                    layer.values = torch.cat([cache.layers[i].values for cache, _, _ in parts])
            self.mask, scores = (torch.cat([part[i] for part in parts]) for i in (1, 2))
            self.positions = self.mask.sum(-1)  # (P,): of the next token
            if len(different) < len(self.rows):
                place = {prompt: i for i, prompt in enumerate(different)}
                index = torch.tensor([place[row.prompt] for row in self.rows], device=self.mask.device)
                self._select(index)
                scores = scores[index]
            return scores

    def _read(self, prompts: Sequence[Prompt], width: int) -> tuple[Any, torch.Tensor, torch.Tensor]:
        """The cache, the mask (P, T) and the scores of the next token (P, V) of some prompts, padded on the left."""
        import torch
        from transformers import DynamicCache

        ids = torch.zeros((len(prompts), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens)
            mask[row, width - len(prompt.tokens) :] = 1
        ids, mask = ids.to(self.model.device), mask.to(self.model.device)
        cache = DynamicCache(config=self.model.config)
        return cache, mask, self._forward(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0), cache)

    def _step(self, tokens: Sequence[int]) -> torch.Tensor:
        """The scores after one more token of every row, (B, V)."""
        import torch

        with torch.inference_mode():
            ids = torch.tensor(tokens, device=self.mask.device)[:, None]
            self.mask = torch.cat([self.mask, torch.ones_like(ids)], dim=-1)
            scores = self._forward(ids, self.mask, self.positions[:, None], self.cache)
            self.positions = self.positions + 1
            return scores

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        where = {"position_ids": positions} if self.takes_positions else {}
        out = self.model(
            input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, logits_to_keep=1, **where
        )
        return out.logits[:, -1].float()

    def _choose(self, scores: torch.Tensor) -> list[int]:
        import torch

        with torch.inference_mode():
            for i, row in enumerate(self.rows):
                if row.left:  # only tokens on the way to the prompt's end may come
                    allowed = self.vocabulary.toward(row.left)
                    kept = scores[i, allowed].clone()
                    scores[i] = float("-inf")
                    scores[i, allowed] = kept
            if self.decode.temperature == 0:
                return likeliest(scores)
            shares = [row.random.random() for row in self.rows]
            return drawn(scores, shares, self.decode.temperature, self.decode.top_p)

    def _keep(self, going: list[int]) -> None:
        import torch

        with torch.inference_mode():
            self._select(torch.tensor(going, device=self.mask.device))
        self.rows = [self.rows[i] for i in going]

    def _select(self, index: torch.Tensor) -> None:
        self.cache.batch_select_indices(index)
        self.mask, self.positions = self.mask[index], self.positions[index]


def next_batch(lengths: Sequence[int], new_tokens: int, budget: int) -> int:
    """How many of the next prompts share a batch: its rows times the longest prompt and answer keep to the budget.
    At least one. lengths: tokens of the prompts, the longest first."""
    return max(1, min(len(lengths), budget // (lengths[0] + new_tokens)))
