"""Packed examples: each gets the logits, the loss and the gradient that it gets alone; and a leak would be seen."""

from __future__ import annotations

import random
from typing import Any

import pytest

from codem.errors import StageError
from codem.packing import Example, collate_packed, collate_padded

torch = pytest.importorskip("torch")

from codem import attention, attention_check  # noqa: E402

FAMILIES = ("gpt_bigcode", "gpt_bigcode, all heads", "starcoder2", "starcoder2, window of 8")


def model(family: str, implementation: str = attention.PACKED) -> Any:
    import transformers

    attention.register()
    torch.manual_seed(0)
    if family.startswith("gpt_bigcode"):
        config = transformers.GPTBigCodeConfig(
            vocab_size=50, n_positions=64, n_embd=32, n_layer=2, n_head=4, multi_query="all heads" not in family,
            resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, initializer_range=0.3,
        )  # fmt: skip
    else:
        config = transformers.Starcoder2Config(
            vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64, embedding_dropout=0, residual_dropout=0,
            bos_token_id=0, eos_token_id=0, sliding_window=8 if "window" in family else None, initializer_range=0.3,
        )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config, attn_implementation=implementation)


def some_examples(count: int = 6, longest: int = 20, vocabulary: int = 50) -> list[Example]:
    rng = random.Random(1)
    examples = []
    for _ in range(count):
        size = rng.randint(2, longest)
        prompt = rng.randint(0, size - 1)
        tokens = tuple(rng.randrange(2, vocabulary) for _ in range(size))
        examples.append(Example(tokens, tuple(place >= prompt for place in range(size))))
    return examples


def packed_logits(one: Any, examples: list[Example]) -> Any:
    batch = collate_packed(examples, 1)
    return one(**{k: v for k, v in batch.items() if k != "labels"}, use_cache=False).logits[0]


def parts(rows: Any, examples: list[Example]) -> list[Any]:
    return list(rows.split([len(example.tokens) for example in examples]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("reference", ["eager", "sdpa"])
def test_packed_logits_equal_those_of_each_example_alone(family: str, reference: str) -> None:
    examples = some_examples()
    ours, theirs = model(family), model(family, reference)
    with torch.no_grad():
        for logits, example in zip(parts(packed_logits(ours, examples), examples), examples, strict=True):
            alone = theirs(input_ids=torch.tensor([example.tokens]), use_cache=False).logits[0]
            torch.testing.assert_close(logits, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("learned_only", [False, True])
def test_loss_and_gradient_are_the_token_weighted_ones_of_the_examples_alone(
    family: str, checkpointing: bool, learned_only: bool
) -> None:
    examples = some_examples()
    ours, theirs = model(family).train(), model(family, "sdpa").train()
    if checkpointing:
        ours.activation_checkpointing_enable({"use_reentrant": False})
    learned = sum(sum(example.learned[1:]) for example in examples)
    packed = ours(**collate_packed(examples, 1, learned_only), use_cache=False, num_items_in_batch=learned).loss
    packed.backward()
    alone = sum(
        theirs(**collate_padded([example], 1), use_cache=False, num_items_in_batch=learned).loss for example in examples
    )
    alone.backward()
    torch.testing.assert_close(packed, alone, atol=1e-6, rtol=1e-5)
    for (name, mine), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("family", FAMILIES)
def test_changing_one_example_changes_no_other_examples_logits(family: str) -> None:
    examples = some_examples()
    changed = [Example(tuple(t % 47 + 3 for t in examples[2].tokens), examples[2].learned) if i == 2 else example
               for i, example in enumerate(examples)]  # fmt: skip
    one = model(family)
    with torch.no_grad():
        before, after = (parts(packed_logits(one, some), examples) for some in (examples, changed))
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        assert torch.equal(a, b) == (i != 2)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_check_before_training_lets_this_attention_pass(family: str, dtype: Any) -> None:
    one = model(family).to(dtype)
    attention_check.check(one, one, some_examples(), 1)
    assert one.config._attn_implementation == attention.PACKED


@pytest.mark.parametrize("family", ["gpt_bigcode", "starcoder2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_check_before_training_sees_a_leak(family: str, dtype: Any, monkeypatch) -> None:
    """Attention that ignores where examples begin, as some kernels' silent fallbacks do."""
    original = attention.packed_attention

    def leaking(module, query, key, value, mask, **kwargs):
        whole = torch.tensor([0, query.shape[2]], dtype=torch.int32)
        return original(module, query, key, value, mask, **{**kwargs, "cu_seq_lens_q": whole, "max_length_q": 99})

    monkeypatch.setattr(attention, "packed_attention", leaking)
    one = model(family).to(dtype)
    with pytest.raises(StageError, match=r"see each other.*method\.packing=false"):
        attention_check.check(one, one, some_examples(), 1)
    monkeypatch.undo()
    attention.register()


def test_the_check_before_training_sees_attention_that_looks_ahead(monkeypatch) -> None:
    def everywhere(query, key, value, **kwargs):
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, enable_gqa=True)

    def looking(module, query, key, value, mask, cu_seq_lens_q=None, **kwargs):
        sizes = cu_seq_lens_q.diff().tolist()
        pieces = zip(*(states.split(sizes, 2) for states in (query, key, value)), strict=True)
        return torch.cat([everywhere(*piece) for piece in pieces], 2).transpose(1, 2), None

    monkeypatch.setattr(attention, "packed_attention", looking)
    one = model("gpt_bigcode")
    with pytest.raises(StageError, match="packed logits are"):
        attention_check.check(one, one, some_examples(), 1)
    monkeypatch.undo()
    attention.register()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gpu_kernel_gets_what_it_documents(family: str, monkeypatch) -> None:
    """The kernel needs a GPU; here a reference with its signature stands in, so that what it is given is checked."""
    from torch.nn.attention import varlen

    def reference(query, key, value, cu_q, cu_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False):
        assert query.ndim == key.ndim == 3 and query.shape[0] == key.shape[0] == cu_q[-1]
        assert cu_q.dtype == cu_k.dtype == torch.int32 and cu_q[0] == 0
        assert max_q == max_k == cu_q.diff().max()
        assert enable_gqa == (query.shape[1] != key.shape[1])
        assert query.stride(-1) == key.stride(-1) == value.stride(-1) == 1
        left, right = window_size
        assert right == 0
        out = torch.empty_like(query)
        for start, end in zip(cu_q[:-1].tolist(), cu_q[1:].tolist(), strict=True):
            size = end - start
            places = torch.arange(size)
            behind = places[:, None] - places[None, :]
            allowed = (behind >= 0) & ((behind <= left) if left >= 0 else True)
            group = query.shape[1] // key.shape[1]
            k, v = (states[start:end].repeat_interleave(group, 1) for states in (key, value))
            scores = torch.einsum("qhd,khd->hqk", query[start:end], k) * scale
            weights = scores.masked_fill(~allowed, float("-inf")).softmax(-1)
            out[start:end] = torch.einsum("hqk,khd->qhd", weights, v)
        return out

    examples = some_examples()
    one = model(family)
    with torch.no_grad():
        expected = packed_logits(one, examples)
        monkeypatch.setattr(attention, "_kernel_can", lambda query, dropout: True)
        monkeypatch.setattr(varlen, "varlen_attn", reference)
        torch.testing.assert_close(packed_logits(one, examples), expected, atol=1e-5, rtol=1e-4)
    attention_check.check(one, one, examples, 1)


def test_a_batch_without_boundaries_is_refused() -> None:
    with pytest.raises(ValueError, match="expected cu_seq_lens_q"):
        model("gpt_bigcode")(input_ids=torch.tensor([[1, 2, 3]]), use_cache=False)


def test_a_key_value_cache_is_refused() -> None:
    from transformers import DynamicCache

    one = model("gpt_bigcode")
    cache = DynamicCache(config=one.config)
    batch = {k: v for k, v in collate_packed(some_examples(2), 1).items() if k != "labels"}
    one(**batch, past_key_values=cache)
    with pytest.raises(ValueError, match="no key-value cache"):
        one(**batch, past_key_values=cache)
