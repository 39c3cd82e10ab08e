"""A tokenizer that merges a newline with the indentation after it, as StarCoder's does, and models for it."""

from __future__ import annotations

from typing import Any

from codem.decoding import Prompt
from codem.engine import Request
from codem.engines.transformers import Config, Transformers
from codem.records import Sample
from codem.settings import Decode

TEXT = "def f(x):\n    return x\n"
PROMPT = "def f(x):\n"


class After:
    """A stopper: the answer is complete when it has one of these."""

    def __init__(self, *stop: str):
        self.stop = stop

    def ended(self, text: str) -> bool:
        return any(s in text for s in self.stop)


def tokenizer() -> Any:
    """Byte-level BPE; its longest token is `):` with the newline and the indentation."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=9,
    )
    made.train_from_iterator(["):\n    return", "def f(", "x", "\n    "] * 50, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", pad_token="<eos>")


def random_model(tokens: int, eos: int, positions: int = 128, kind: str = "gpt_bigcode") -> Any:
    """Nothing learned: it writes noise, and hardly ever ends."""
    import torch
    from transformers import AutoModelForCausalLM, GPTBigCodeConfig, Starcoder2Config

    torch.manual_seed(0)
    common = {"vocab_size": tokens, "eos_token_id": eos, "bos_token_id": eos, "initializer_range": 0.2}
    if kind == "gpt_bigcode":
        config: Any = GPTBigCodeConfig(
            n_positions=positions, n_embd=32, n_layer=2, n_head=2,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **common,
        )  # fmt: skip
    else:
        config = Starcoder2Config(
            max_position_embeddings=positions, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, sliding_window=16, **common,
        )  # fmt: skip
    return AutoModelForCausalLM.from_config(config).eval()


def learned_model(made: Any, text: str = TEXT) -> Any:
    """It has learned one text by heart, as this tokenizer cuts it."""
    import torch

    model = random_model(len(made), made.eos_token_id, positions=64)
    batch = torch.tensor([[*made(text)["input_ids"], made.eos_token_id]])
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert loss.item() < 0.05
    return model.eval()


def engine(model: Any, made: Any, batch_tokens: int = 100_000, **decode: Any) -> Transformers:
    wanted = Decode(**{"name": "test", "max_tokens": 20, **decode})
    return Transformers(model, made, wanted, Config("fp32", batch_tokens))


def requests(texts: list[str], samples: int = 1, stop: tuple[str, ...] = ()) -> list[Request]:
    return [Request(f"p{i}", s, text, After(*stop)) for i, text in enumerate(texts) for s in range(samples)]


def answers(made: Transformers, wanted: list[Request], have: Any = ()) -> dict[tuple[str, int], Sample]:
    return {(s.problem, s.sample): s for some in made.complete(wanted, have) for s in some}


def blunt(made: Transformers) -> Transformers:
    """The same engine without token healing."""

    def prompt(text: str) -> Prompt:
        return Prompt(text, tuple(made.vocabulary.tokenizer(text)["input_ids"]), "")

    made.vocabulary.prompt = prompt  # type: ignore[method-assign]
    return made
