"""Greedy decoding of many prompts at once, from prompts that may end inside a token.

A prompt ends where a person would stop typing, not where a tokenizer would: after the newline of a function header,
say, while the model has only ever seen that newline merged with the indentation that follows. Such a prompt has to be
continued from one token earlier, with the first new tokens held to spell what was taken away ("token healing").

V = vocabulary, B = prompts of a batch, T = tokens so far
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codem.errors import StageError

if TYPE_CHECKING:
    import torch

MOST_TOKENS_BACK = 4
"""How far back a merge across the end of the prompt is looked for."""


@dataclass(frozen=True)
class Prompt:
    text: str
    tokens: tuple[int, ...]
    """What the model is given."""
    tail: str
    """The end of `text` that is not in `tokens`, and that generation must spell first; often empty."""


@dataclass(frozen=True)
class Completion:
    text: str
    finish: str
    """`eos`, `stop` or `length`, as in a Sample."""


class Vocabulary:
    """What each token spells, and which tokens can spell a given text."""

    def __init__(self, tokenizer: Any):
        self.tokenizer = tokenizer
        # Some tokenizers drop a leading space when they decode; behind an anchor they do not.
        self.anchor = tokenizer("x", add_special_tokens=False)["input_ids"][-1]
        self.anchor_text = tokenizer.decode([self.anchor], clean_up_tokenization_spaces=False)
        special = set(tokenizer.all_special_ids)
        texts = tokenizer.batch_decode(
            [[self.anchor, i] for i in range(len(tokenizer))], clean_up_tokenization_spaces=False
        )
        self.text = ["" if i in special else t[len(self.anchor_text) :] for i, t in enumerate(texts)]
        self.sorted = sorted((t, i) for i, t in enumerate(self.text) if t)

    def spelled(self, tokens: Sequence[int]) -> str:
        whole = self.tokenizer.decode([self.anchor, *tokens], clean_up_tokenization_spaces=False)
        return whole[len(self.anchor_text) :]

    def extending(self, text: str) -> list[int]:
        """Tokens that begin with `text`."""
        found = []
        for at in range(bisect.bisect_left(self.sorted, (text, -1)), len(self.sorted)):
            if not self.sorted[at][0].startswith(text):
                break
            found.append(self.sorted[at][1])
        return found

    def toward(self, text: str) -> list[int]:
        """Tokens that can come next when `text` has still to be spelled: they begin with it, or it begins with them."""
        found = self.extending(text)
        for end in range(1, len(text)):
            at = bisect.bisect_left(self.sorted, (text[:end], -1))
            while at < len(self.sorted) and self.sorted[at][0] == text[:end]:
                found.append(self.sorted[at][1])
                at += 1
        return found

    def prompt(self, text: str) -> Prompt:
        """The prompt's tokens, less those at its end that a longer token could have swallowed."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        back = 0
        for count in range(1, min(MOST_TOKENS_BACK, len(ids) - 1) + 1):
            tail = text[offsets[-count][0] :]
            if any(len(self.text[i]) > len(tail) for i in self.extending(tail)):
                back = count
        tail = text[offsets[-back][0] :] if back else ""
        return Prompt(text, tuple(ids[: len(ids) - back]), tail)


def complete(
    model: Any, vocabulary: Vocabulary, prompts: Sequence[Prompt], max_tokens: int, stop: Sequence[str]
) -> list[Completion]:
    """One greedy completion per prompt. Raises StageError when a prompt leaves no room in the model's context."""
    import torch
    from transformers import LogitsProcessorList

    tokenizer = vocabulary.tokenizer
    width = max(len(p.tokens) for p in prompts)
    room = getattr(model.config, "max_position_embeddings", None)
    new = min(max_tokens, room - width) if room else max_tokens
    if new < 1:
        raise StageError(f"a prompt of {width} tokens leaves no room in the model's context of {room} tokens")
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    ids = torch.full((len(prompts), width), pad)  # (B, T), padded on the left
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens)
        mask[row, width - len(prompt.tokens) :] = 1
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=new,
            do_sample=False,
            pad_token_id=pad,
            logits_processor=LogitsProcessorList([_Healing(vocabulary, [p.tail for p in prompts])]),
            **({"stop_strings": list(stop), "tokenizer": tokenizer} if stop else {}),
        )
    generated = out[:, width:].tolist()
    return [_completion(vocabulary, p, row, stop) for p, row in zip(prompts, generated, strict=True)]


def _completion(vocabulary: Vocabulary, prompt: Prompt, tokens: list[int], stop: Sequence[str]) -> Completion:
    eos = vocabulary.tokenizer.eos_token_id
    ended = eos in tokens
    if ended:
        tokens = tokens[: tokens.index(eos)]
    text = vocabulary.spelled(tokens)
    if not text.startswith(prompt.tail):
        raise StageError(f"expected the completion to begin with {prompt.tail!r}, found {text[:40]!r}")
    text = text[len(prompt.tail) :]
    stopped = any(s in text for s in stop)
    return Completion(text, "stop" if stopped else "eos" if ended else "length")


class _Healing:
    """A logits processor: while a prompt's tail is not spelled, only tokens on the way to it may come."""

    def __init__(self, vocabulary: Vocabulary, tails: list[str]):
        self.vocabulary, self.left, self.calls = vocabulary, list(tails), 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """input_ids: (B, T); scores: (B, V) of the next token."""
        if not any(self.left):
            return scores
        last = input_ids[:, -1].tolist() if self.calls else None
        self.calls += 1
        for row, left in enumerate(self.left):
            if left and last is not None:
                left = self.left[row] = left[len(self.vocabulary.text[last[row]]) :]
            if left:
                allowed = self.vocabulary.toward(left)
                kept = scores[row, allowed].clone()
                scores[row] = float("-inf")
                scores[row, allowed] = kept
        return scores
