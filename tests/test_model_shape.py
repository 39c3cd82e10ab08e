"""What is said of a model without loading it is what the library would find."""

import pytest

from codem import config, model_shape
from codem.config import CONF
from codem.methods import freeze, lora

STATED = sorted(p.stem for p in (CONF / "base").glob("starcoder*.yaml"))


def cell(*overrides):
    (one,) = config.cells(list(overrides))
    return one


def library_model(shape, device="meta"):
    """The same model as the library makes it; without content on the device `meta`."""
    import torch
    from transformers import AutoModelForCausalLM, GPTBigCodeConfig, LlamaConfig, Starcoder2Config

    if shape.family == "gpt_bigcode":
        made = GPTBigCodeConfig(
            n_layer=shape.layers, n_embd=shape.width, n_head=shape.heads, n_inner=shape.ffn,
            vocab_size=shape.vocabulary, n_positions=shape.positions, multi_query=shape.kv_heads == 1,
            bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
    else:
        kind = {"starcoder2": Starcoder2Config, "llama": LlamaConfig}[shape.family]
        made = kind(
            num_hidden_layers=shape.layers, hidden_size=shape.width, num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads, intermediate_size=shape.ffn, vocab_size=shape.vocabulary,
            max_position_embeddings=shape.positions, tie_word_embeddings=shape.tied, bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
    with torch.device(device):
        return made, AutoModelForCausalLM.from_config(made)


OTHERS = [
    model_shape.Shape("gpt_bigcode", 2, 64, 4, 4, 100, 500, 128),
    model_shape.Shape("starcoder2", 2, 64, 4, 2, 100, 500, 128, tied=False),
    model_shape.Shape("llama", 2, 64, 4, 2, 100, 500, 128, tied=False),
]


@pytest.mark.parametrize("shape", [*STATED, *OTHERS], ids=str)
def test_parameters_are_those_that_the_library_counts(shape):
    if isinstance(shape, str):
        shape = cell(f"base={shape}").base.shape
    made, model = library_model(shape)
    assert sum(p.numel() for p in model.parameters()) == shape.parameters
    assert model_shape.of_config(made.to_dict()) == shape, "its config.json says the same"


def test_published_sizes():
    """As the hub counts the checkpoints' tensors."""
    sizes = {name: cell(f"base={name}").base.shape.parameters for name in ("starcoder-15b", "starcoder2-3b")}
    assert sizes == {"starcoder-15b": 15_517_456_384, "starcoder2-3b": 3_030_371_328}


def test_what_learns_is_what_the_methods_let_learn():
    shape = OTHERS[1]
    _, model = library_model(shape)
    freezing = cell("method=freeze", "method.layers=1", "method.gradient_checkpointing=false").method
    freeze.frozen_below(model, freezing)
    learns = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert model_shape.learning(shape, freezing) == (learns, 1)

    adapting = cell("method=lora", "method.rank=3", "method.gradient_checkpointing=false").method
    adapted = lora.adapted(library_model(shape)[1], adapting)
    learns = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert model_shape.learning(shape, adapting) == (learns, 2)


def test_work_per_token_is_the_librarys_own_count():
    """torch counts the operations of a forward and a backward pass; ours leaves out half of causal attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape, tokens = OTHERS[1], 16
    _, model = library_model(shape, "cpu")
    model.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counted:
        ids = torch.zeros((1, tokens), dtype=torch.long)
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    causal = 6 * shape.layers * shape.width * tokens * tokens
    ours = model_shape.flops_per_token(shape, cell("method.gradient_checkpointing=false").method, tokens) * tokens
    assert ours + causal == pytest.approx(counted.get_total_flops(), rel=1e-6)


def test_zero_divides_what_its_stage_says():
    shape = cell("base=starcoder-7b").base.shape
    method = cell("base=starcoder-7b").method
    n = shape.parameters

    def on(stage, processes, **more):
        return model_shape.memory(shape, method, {"zero_optimization": {"stage": stage, **more}}, processes)

    assert (on(0, 8).weights, on(0, 8).gradients, on(0, 8).optimiser) == (2 * n, 2 * n, 12 * n)
    assert (on(1, 8).gradients, on(1, 8).optimiser) == (2 * n, 12 * n / 8)
    assert (on(2, 8).weights, on(2, 8).gradients) == (2 * n, 2 * n / 8)
    assert on(3, 8).weights == 2 * n / 8
    offloaded = on(2, 1, offload_optimizer={"device": "cpu"})
    assert (offloaded.optimiser, offloaded.host) == (0, 16 * n)
    assert on(2, 1).peak > on(2, 8).peak > on(3, 8).peak


def test_checkpointing_and_lora_need_less():
    shape = cell("base=starcoder-7b").base.shape
    zero2 = cell().deepspeed.config
    peak = {
        name: model_shape.memory(shape, cell("base=starcoder-7b", *overrides).method, zero2, 1).peak
        for name, overrides in {
            "full": [], "kept": ["method.gradient_checkpointing=false"], "lora": ["method=lora"],
            "upper": ["method=freeze"],
        }.items()
    }  # fmt: skip
    assert peak["lora"] < peak["upper"] < peak["full"] <= peak["kept"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_type": "bert"}'])
def test_a_folder_that_says_nothing_has_no_shape(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert model_shape.of_folder(tmp_path) is None


def test_the_embedded_bases_folder_says_its_shape(micro_base):
    shape = model_shape.of_folder(micro_base)
    assert (shape.family, shape.layers, shape.width, shape.kv_heads) == ("gpt_bigcode", 1, 16, 1)
