"""The embedded base model's tokenizer: byte-level BPE, learned from the world's texts.

Three rules of how text is split before any merging decide whether the model can learn at all: each digit stands
alone; a newline stands alone, so a prompt that ends in one can be continued by any indentation; and the sentences
of the paper's prompts are one token each, because a model with 512 tokens would spend half its context on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

EOS, PAD = "<|endoftext|>", "<|pad|>"
PROMPT_SENTENCES = (
    "Below is an instruction that describes a task",
    ", paired with an input that provides further context",
    ". Write a response that appropriately completes the request.",
    "### Instruction:",
    "### Response:",
)
SPLIT = r"\n|[0-9]| ?[A-Z]?[a-z]+| ?[A-Z]+|[ \t]+(?!\S)| ?[^\sA-Za-z0-9]+|\s"
"""A word may carry the space before it; of an indentation, the last space goes to the word that follows."""


def build(texts: Iterable[str], vocabulary: int, positions: int) -> PreTrainedTokenizerFast:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(PROMPT_SENTENCES),
        special_tokens=[EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(sentence, normalized=False) for sentence in PROMPT_SENTENCES])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=positions,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
