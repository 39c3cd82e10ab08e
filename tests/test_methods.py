"""What each method changes and leaves alone, and that the saved model is the trained one."""

import contextlib
import dataclasses
import json
from pathlib import Path

import pytest
import torch
from test_fit import CONFIG, job, metrics, weights
from transformers import AutoModelForCausalLM, AutoTokenizer, GPTBigCodeConfig, Starcoder2Config

from codem import config, fit, plugins, ranks
from codem.errors import ConfigErrors, StageError
from codem.half_on_cpu import half_on_cpu
from codem.job import Job
from codem.methods import freeze, lora

LAYERS = 3
OWN = {"lora": {"rank": 4, "alpha": 8, "adapter_dropout": 0.0}, "freeze": {"share": 0.5, "layers": None}, "sft": {}}
ZERO2 = {"zero_optimization": {"stage": 2}}
ZERO3 = {"zero_optimization": {"stage": 3, "stage3_gather_16bit_weights_on_model_save": True}}


@pytest.fixture(scope="module")
def bases(micro_base, tmp_path_factory) -> dict[str, Path]:
    """Random models of three layers, of both StarCoder families; the second has a head of its own."""
    tokenizer = AutoTokenizer.from_pretrained(micro_base)
    ends = {"bos_token_id": tokenizer.eos_token_id, "eos_token_id": tokenizer.eos_token_id}
    small = {"vocab_size": len(tokenizer), **ends}
    found = {}
    for name, shape in {
        "gpt_bigcode": GPTBigCodeConfig(n_positions=256, n_embd=32, n_layer=LAYERS, n_head=4, **small),
        "starcoder2": Starcoder2Config(
            max_position_embeddings=256, hidden_size=32, intermediate_size=64, num_hidden_layers=LAYERS,
            num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False, **small,
        ),
    }.items():  # fmt: skip
        torch.manual_seed(0)
        found[name] = tmp_path_factory.mktemp("bases") / name
        AutoModelForCausalLM.from_config(shape).save_pretrained(found[name])
        tokenizer.save_pretrained(found[name])
    return found


def of_method(name: str, base: Path, out: Path, deepspeed=ZERO2, own=None, report=None, **changes) -> Job:
    one = job(base, out, **({"report": report} if report else {}))
    shared = dataclasses.asdict(dataclasses.replace(CONFIG, **{"max_steps": 6, "checkpoint_steps": 50, **changes}))
    made = plugins.load("methods", name).Config(**shared, **{**OWN[name], **(own or {})})
    return dataclasses.replace(one, config=made, method=name, deepspeed=deepspeed)


def train(one: Job) -> dict:
    return ranks.train(one)


def state(folder: Path, dtype=torch.float32) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).state_dict()


def changed(base: Path, out: Path) -> set[str]:
    before, after = state(base), state(out / "model")
    assert before.keys() == after.keys(), "a plain model, without a trace of its method"
    return {name for name in before if not torch.equal(before[name], after[name])}


def logits(model, precision: str) -> torch.Tensor:
    """(B, T, V) of two rows of tokens."""
    tokens = torch.arange(2 * 40).reshape(2, 40) * 7 % 512
    with torch.no_grad(), half_on_cpu(precision):
        return model.eval()(input_ids=tokens, use_cache=False).logits.float()


@pytest.mark.parametrize("family", ["gpt_bigcode", "starcoder2"])
@pytest.mark.parametrize("deepspeed", [ZERO2, ZERO3], ids=["zero2", "zero3"])
@pytest.mark.parametrize("method", ["sft", "lora", "freeze"])
def test_it_learns_and_the_saved_model_is_the_trained_one(bases, tmp_path, monkeypatch, method, deepspeed, family):
    """For lora, the trained one still has its adapters apart; the saved one has them merged."""
    trained = {}
    really = fit.fit

    def watched(one, prepare=fit.unchanged, finish=fit.unchanged):
        def look(model):
            trained["logits"] = logits(model, "fp32")
            return finish(model)

        return really(one, prepare, look)

    monkeypatch.setattr(fit, "fit", watched)
    one = of_method(method, bases[family], tmp_path, deepspeed, packing=False, gradient_checkpointing=True)
    result = train(one)
    assert result["engine"]["zero_stage"] == deepspeed["zero_optimization"]["stage"]
    assert result["last_loss"] < result["first_loss"] - 0.01
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    torch.testing.assert_close(logits(saved, "fp32"), trained["logits"], rtol=0, atol=2e-6)
    base = AutoModelForCausalLM.from_pretrained(bases[family], dtype=torch.float32)
    assert (logits(base, "fp32") - trained["logits"]).abs().max() > 0.01


@pytest.mark.parametrize("method", ["sft", "lora", "freeze"])
def test_in_half_precision_the_saved_weights_are_half(bases, tmp_path, method):
    result = train(of_method(method, bases["gpt_bigcode"], tmp_path, precision="fp16"))
    assert result["engine"]["fp16"]
    assert result["last_loss"] < result["first_loss"] - 0.01
    assert json.loads((tmp_path / "model" / "config.json").read_text())["dtype"] == "float16"
    kept = AutoModelForCausalLM.from_pretrained(tmp_path / "model").state_dict()
    assert {tensor.dtype for tensor in kept.values()} == {torch.float16}


@pytest.mark.parametrize("family", ["gpt_bigcode", "starcoder2"])
def test_lora_changes_the_linear_layers_and_nothing_else(bases, tmp_path, family):
    result = train(of_method("lora", bases[family], tmp_path))
    model = AutoModelForCausalLM.from_pretrained(bases[family])
    assert result["frozen_parameters"] == sum(p.numel() for p in model.parameters())
    linear = {n + ".weight" for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and n != "lm_head"}
    assert len(linear) == LAYERS * (4 if family == "gpt_bigcode" else 6)
    assert changed(bases[family], tmp_path) == linear


def test_only_adapters_are_trained_and_their_number_is_the_rank_s(bases):
    base = AutoModelForCausalLM.from_pretrained(bases["gpt_bigcode"], dtype=torch.float16)
    sizes = [(m.in_features + m.out_features) for n, m in base.named_modules() if isinstance(m, torch.nn.Linear)]
    head = base.lm_head.in_features + base.lm_head.out_features
    adapted = lora.adapted(base, of_method("lora", bases["gpt_bigcode"], bases["gpt_bigcode"].parent).config)
    learned = [p for p in adapted.parameters() if p.requires_grad]
    assert sum(p.numel() for p in learned) == 4 * (sum(sizes) - head)
    assert {p.dtype for p in learned} == {torch.float16}, "the engine keeps the fp32 copies"


@pytest.mark.parametrize(("own", "learning"), [({"share": 0.5}, 2), ({"layers": 1}, 1)])
@pytest.mark.parametrize("family", ["gpt_bigcode", "starcoder2"])
def test_freeze_leaves_the_lower_layers_bit_identical(bases, tmp_path, family, own, learning):
    train(of_method("freeze", bases[family], tmp_path, own=own))
    blocks = {"gpt_bigcode": "transformer.h.", "starcoder2": "model.layers."}[family]
    upper = tuple(f"{blocks}{n}." for n in range(LAYERS - learning, LAYERS))
    found = changed(bases[family], tmp_path)
    above = {"transformer.ln_f.weight", "transformer.ln_f.bias"}
    if family == "starcoder2":
        above = {"model.norm.weight", "model.norm.bias", "lm_head.weight"}
    assert {name for name in found if name.startswith(upper)} | above == found
    assert {name for name in state(bases[family]) if name.startswith(upper)} <= found


def test_freeze_refuses_more_layers_than_there_are(bases, tmp_path):
    with pytest.raises(StageError, match=r"method\.layers=4: the model has 3 transformer blocks; give at most as many"):
        train(of_method("freeze", bases["gpt_bigcode"], tmp_path, own={"layers": 4}))
    with pytest.raises(ConfigErrors, match=r"method\.share: expected at most 1"):
        config.cells(["method=freeze", "method.share=1.5"])


@pytest.mark.parametrize("name", ["zero2_offload", "zero3_offload"])
def test_offloading_computes_the_same(bases, tmp_path, name):
    (cell,) = config.cells([f"deepspeed={name}"])
    train(of_method("sft", bases["gpt_bigcode"], tmp_path / "here"))
    train(of_method("sft", bases["gpt_bigcode"], tmp_path / "there", cell.deepspeed.config))
    here, there = (state(tmp_path / where / "model") for where in ("here", "there"))
    for tensor in here:
        torch.testing.assert_close(there[tensor], here[tensor], rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", ["lora", "freeze"])
def test_stopped_and_resumed_equals_uninterrupted(bases, tmp_path, method):
    class Enough(Exception):
        pass

    def report(step, total, note):
        if step == 4:
            raise Enough

    often = {"checkpoint_steps": 1}
    train(of_method(method, bases["gpt_bigcode"], tmp_path / "whole", **often))
    with contextlib.suppress(Enough):
        train(of_method(method, bases["gpt_bigcode"], tmp_path / "parts", report=report, **often))
    assert not (tmp_path / "parts" / "model").exists()
    train(of_method(method, bases["gpt_bigcode"], tmp_path / "parts", **often))
    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_methods_share_their_defaults_and_have_their_own():
    cells = {m: config.cells([f"method={m}", "base=starcoder-7b"])[0].method for m in ("sft", "lora", "freeze")}
    sft, low, frozen = (dataclasses.asdict(cells[m]) for m in ("sft", "lora", "freeze"))
    assert {k for k in sft if low[k] != sft[k]} == {"lr"}
    assert {k for k in sft if frozen[k] != sft[k]} == set()
    (eight,) = config.cells(["method=lora", "method.rank=8", "base=starcoder-7b"])
    assert (eight.method.rank, low["rank"]) == (8, 32)


def test_zero0_is_refused_for_16_bit_and_not_for_32():
    with pytest.raises(ConfigErrors, match=r"deepspeed: zero0 trains fp16 models wrongly .* give deepspeed=zero1"):
        config.cells(["deepspeed=zero0", "base=starcoder-7b"])
    assert config.cells(["deepspeed=zero0", "base=starcoder-7b", "method.precision=fp32"])


def test_the_blocks_of_an_unknown_shape_are_not_guessed():
    model = AutoModelForCausalLM.from_config(GPTBigCodeConfig(n_embd=8, n_layer=2, n_head=2, vocab_size=8))
    model.config.n_layer = 5
    with pytest.raises(
        StageError, match=r"expected one list of 5 transformer blocks in GPTBigCodeForCausalLM, found 0"
    ):
        freeze._blocks(model)
