"""The rows of pre-training: nothing is lost, cut or crossed, and an example gets exactly the logits it gets alone."""

from __future__ import annotations

import random

import pytest

from codem.packing import IGNORE, Example
from codem.tiny_rows import collate, pack


def some_examples(count: int, longest: int = 20, vocab: int = 50) -> list[Example]:
    rng = random.Random(0)
    examples = []
    for _ in range(count):
        size = rng.randint(1, longest)
        prompt = rng.randint(0, size)
        tokens = tuple(rng.randrange(2, vocab) for _ in range(size))
        examples.append(Example(tokens, tuple(place >= prompt for place in range(size))))
    return examples


def test_every_example_lies_whole_in_one_row() -> None:
    examples = some_examples(200)
    packed = pack(examples, 32)
    assert sorted(i for row in packed.rows for i in row.examples) == list(range(200))
    for row in packed.rows:
        assert len(row.input_ids) == len(row.labels) == len(row.position_ids) <= 32
        assert row.input_ids == [token for i in row.examples for token in examples[i].tokens]
        assert row.position_ids == [place for i in row.examples for place in range(len(examples[i].tokens))]
    assert packed.fill(32) > 0.95


def test_labels_are_the_learned_tokens_but_never_an_examples_first() -> None:
    packed = pack([Example((7, 8, 9), (False, True, True)), Example((5, 6), (True, True))], 8)
    (row,) = packed.rows
    assert row.input_ids == [7, 8, 9, 5, 6]
    assert row.labels == [IGNORE, 8, 9, IGNORE, 6]
    assert row.position_ids == [0, 1, 2, 0, 1]


def test_what_is_too_long_is_named_and_not_cut() -> None:
    packed = pack([Example((1,) * 5, (True,) * 5), Example((2,) * 9, (True,) * 9)], 8)
    assert packed.too_long == [1]
    assert [row.examples for row in packed.rows] == [[0]]


def test_the_same_input_gives_the_same_rows_in_the_order_of_the_input() -> None:
    examples = some_examples(100)
    assert pack(examples, 40) == pack(examples, 40)
    firsts = [row.examples[0] for row in pack(examples, 40).rows]
    assert firsts == sorted(firsts)


def test_nothing_in_nothing_out() -> None:
    assert pack([], 8).rows == []
    with pytest.raises(ValueError, match="row_length"):
        pack([], 0)


@pytest.mark.parametrize("model_type", ["gpt_bigcode", "starcoder2"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("training", [False, True])
def test_packed_logits_equal_unpacked_ones(model_type: str, attention: str, training: bool) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    if model_type == "gpt_bigcode":
        config = transformers.GPTBigCodeConfig(
            vocab_size=50, n_positions=64, n_embd=32, n_layer=2, n_head=2, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0
        )
    else:
        config = transformers.Starcoder2Config(
            vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, max_position_embeddings=64, embedding_dropout=0, residual_dropout=0,
            bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation=attention).train(training)
    examples = some_examples(12)
    rows = pack(examples, 48).rows
    batch = collate(rows, pad_token_id=1)
    assert len(rows) > 1 and "attention_mask" not in batch
    assert (batch["labels"] == IGNORE).any(dim=1).all()
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
    with torch.no_grad():
        packed = model(**inputs, use_cache=False).logits
        for row, logits in zip(rows, packed, strict=True):
            start = 0
            for index in row.examples:
                tokens = torch.tensor([examples[index].tokens])
                alone = model(input_ids=tokens, use_cache=False).logits[0]
                torch.testing.assert_close(logits[start : start + tokens.shape[1]], alone, atol=1e-5, rtol=1e-4)
                start += tokens.shape[1]
