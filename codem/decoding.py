"""What tokens spell: prompts that may end inside a token, and the text of an answer as its tokens come.

A prompt ends where a person would stop typing, not where a tokenizer would: after the newline of a function header,
say, while the model has only ever seen that newline merged with the indentation that follows. Such a prompt has to be
continued from one token earlier, with the first new tokens held to spell what was taken away ("token healing").
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_TOKENS_BACK = 4
"""How far back a merge across the end of the prompt is looked for."""
BROKEN = "\N{REPLACEMENT CHARACTER}"
"""What a tokenizer shows for a part of a character."""
MOST_TOKENS_OF_A_CHARACTER = 4


@dataclass(frozen=True)
class Prompt:
    text: str
    tokens: tuple[int, ...]
    """What the model is given."""
    tail: str
    """The end of `text` that is not in `tokens`, and that generation must spell first; often empty."""


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
        self._toward: dict[str, list[int]] = {}

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
        """Tokens that can come next when `text` has still to be spelled: they begin with it, or it begins with them
        and what then remains can be spelled too."""
        if text not in self._toward:
            found = self.extending(text)
            for end in range(1, len(text)):
                at = bisect.bisect_left(self.sorted, (text[:end], -1))
                if at < len(self.sorted) and self.sorted[at][0] == text[:end] and self.toward(text[end:]):
                    while at < len(self.sorted) and self.sorted[at][0] == text[:end]:
                        found.append(self.sorted[at][1])
                        at += 1
            self._toward[text] = found
        return self._toward[text]

    def prompt(self, text: str) -> Prompt:
        """The prompt's tokens, less those at its end that a longer token could have swallowed."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        back = 0
        for count in range(1, min(MOST_TOKENS_BACK, len(ids) - 1) + 1):
            tail = text[offsets[-count][0] :]
            if any(len(self.text[i]) > len(tail) for i in self.extending(tail)):
                back = count
        tail = text[offsets[-back][0] :] if back else ""
        return Prompt(text, tuple(ids[: len(ids) - back]), tail)


class Growing:
    """The text of one answer while its tokens come; each token is spelled once, however long the answer gets."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self.tokens: list[int] = []
        self.text = ""
        """Whole characters only: the first part of one that is spread over tokens waits for the rest."""
        self._waiting: list[int] = []

    def add(self, token: int) -> None:
        self.tokens.append(token)
        piece = self.vocabulary.text[token] if token < len(self.vocabulary.text) else ""
        if self._waiting or not piece or BROKEN in piece:
            self._waiting.append(token)
            piece = self.vocabulary.spelled(self._waiting)
            if piece.endswith(BROKEN) and len(self._waiting) < MOST_TOKENS_OF_A_CHARACTER:
                return
            self._waiting = []
        self.text += piece

    def whole(self) -> str:
        """All of it, as the tokenizer spells it in one go."""
        return self.vocabulary.spelled(self.tokens)
