"""Training in fp16 on a CPU without 16-bit instructions: fp16 numbers, products in fp32, and nothing else changes."""

import pytest
import torch

from codem import half_on_cpu
from codem.half_on_cpu import described
from codem.half_on_cpu import half_on_cpu as entered


@pytest.fixture
def no_native_half(monkeypatch):
    """As on a CPU without the instructions, whatever this one has."""
    monkeypatch.setattr(half_on_cpu, "is_needed", lambda precision: precision == "fp16")


def gradients(dtype: torch.dtype, attention: str = "sdpa", checkpointing: bool = False) -> tuple[float, torch.Tensor]:
    """The loss, and all gradients as one vector, of a two-layer model on two rows."""
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    config = GPTBigCodeConfig(
        vocab_size=64, n_positions=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0,
        attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = GPTBigCodeForCausalLM._from_config(config, attn_implementation=attention).to(dtype).train()
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    tokens = torch.randint(0, 64, (2, 48), generator=torch.Generator().manual_seed(1))
    loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
    (loss * 1024).backward()
    whole = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert whole.dtype == dtype
    return loss.item(), whole.float() / 1024


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_loss_and_gradients_are_those_of_fp32_but_for_rounding(no_native_half, attention, checkpointing):
    loss, wanted = gradients(torch.float32, attention)
    with entered("fp16"):
        half_loss, half = gradients(torch.float16, attention, checkpointing)
    assert half_loss == pytest.approx(loss, abs=2e-3)
    assert torch.nn.functional.cosine_similarity(half, wanted, dim=0) > 0.9999


def test_products_are_rounded_once_and_overflow_as_fp16_does(no_native_half):
    a = torch.randn(8, 300, dtype=torch.float16, generator=torch.Generator().manual_seed(0))
    b = torch.randn(300, 8, dtype=torch.float16, generator=torch.Generator().manual_seed(1))
    huge = torch.full((2, 2), 300.0, dtype=torch.float16)
    with entered("fp16"):
        product, overflown = a @ b, huge @ huge
        with torch.inference_mode():
            again = torch.nn.functional.linear(a, b.t().contiguous())
    assert torch.equal(product, (a.float() @ b.float()).half())
    assert torch.equal(again, product)
    assert torch.isinf(overflown).all(), "180,000 is more than fp16 holds: the loss scaler must see it"


def test_other_precisions_and_machines_are_left_alone(no_native_half, monkeypatch):
    a = torch.randn(4, 4, dtype=torch.bfloat16)
    with entered("fp16"):
        inside = a @ a
    assert torch.equal(inside, a @ a)
    assert described("bf16") == "bf16"
    assert described("fp16") == "fp16, matrix products in fp32"
    monkeypatch.setattr(half_on_cpu, "is_needed", lambda precision: False)
    assert described("fp16") == "fp16"
