"""How a batch is cut does not matter: the same examples give the same gradient, packed or padded, in any pieces.

All on a CPU in fp32, through DeepSpeed. Sums are made in another order, so equality is up to rounding: 1e-5 of a
gradient's size in one step. Adam divides a gradient by its own size, which makes rounding of the smallest ones visible
in the weights: after several steps they agree to 1e-3 of the way that they have come.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from test_fit import job, metrics, weights

pytest.importorskip("torch")

SHAPES = [(8, 1), (2, 4), (1, 8)]
ONE_STEP = {"max_steps": 1, "lr": 1e-3, "warmup_steps": 0}


def fitted(base: Path, out: Path, prepare: Any = None, finish: Any = None, **changes: Any) -> dict[str, Any]:
    from codem.fit import fit, unchanged

    return fit(job(base, out, **{"checkpoint_steps": 100, **changes}), prepare or unchanged, finish or unchanged)


def shaped(shape: tuple[int, int], **changes: Any) -> dict[str, Any]:
    return {"batch_per_gpu": shape[0], "grad_accumulation": shape[1], **changes}


def gradient(base: Path, out: Path, **changes: Any) -> Any:
    """Of the first step, over all its passes, as one vector."""
    import torch

    sums: dict[str, Any] = {}

    def add(name: str, given: Any) -> None:
        sums[name] = sums.get(name, 0) + given.detach().clone()

    def watched(model: Any) -> Any:
        for name, parameter in model.named_parameters():
            parameter.register_hook(partial(add, name))
        return model

    fitted(base, out, watched, **ONE_STEP | changes)
    return torch.cat([sums[name].flatten() for name in sorted(sums)])


@pytest.fixture(scope="module")
def reference_gradient(micro_base, tmp_path_factory) -> Any:
    return gradient(micro_base, tmp_path_factory.mktemp("reference"), **shaped((8, 1), packing=False))


@pytest.mark.parametrize("shape, packing", [*((shape, True) for shape in SHAPES), *((s, False) for s in SHAPES[1:])])
def test_the_same_batch_in_other_pieces_gives_the_same_gradient(
    micro_base, tmp_path, reference_gradient, shape, packing
) -> None:
    got = gradient(micro_base, tmp_path, **shaped(shape, packing=packing))
    assert float((got - reference_gradient).norm() / reference_gradient.norm()) < 1e-5


def test_fewer_processes_than_the_batch_is_meant_for_give_the_same_gradient(
    micro_base, tmp_path, reference_gradient
) -> None:
    got = gradient(micro_base, tmp_path, batch_per_gpu=1, grad_accumulation=2, gpus=4, packing=False)
    assert float((got - reference_gradient).norm() / reference_gradient.norm()) < 1e-5


def test_a_whole_run_is_the_same_packed_and_padded_and_in_any_pieces(micro_base, tmp_path) -> None:
    from safetensors.torch import load_file

    start = load_file(micro_base / "model.safetensors")
    ends, curves = [], []
    for number, (shape, packing) in enumerate([((8, 1), False), ((2, 4), False), ((8, 1), True), ((1, 8), True)]):
        out = tmp_path / str(number)
        result = fitted(micro_base, out, **shaped(shape, packing=packing, lr=1e-3))
        assert result["steps"] == 10
        ends.append(load_file(out / "model" / "model.safetensors"))
        curves.append([line["loss"] for line in metrics(out)])
    for end, curve in zip(ends[1:], curves[1:], strict=True):
        assert curve == pytest.approx(curves[0], rel=1e-4)
        way = sum(float((ends[0][name] - start[name]).square().sum()) for name in start)
        apart = sum(float((ends[0][name] - end[name]).square().sum()) for name in start)
        assert (apart / way) ** 0.5 < 1e-3


def test_checkpointing_of_activations_changes_nothing(micro_base, tmp_path, reference_gradient) -> None:
    got = gradient(micro_base, tmp_path, gradient_checkpointing=True, packing=True)
    assert float((got - reference_gradient).norm() / reference_gradient.norm()) < 1e-5


@pytest.mark.parametrize(("stage", "precision"), [(2, "fp32"), (2, "fp16"), (3, "fp32"), (3, "fp16")])
def test_the_saved_model_has_the_logits_of_the_training_process(micro_base, tmp_path, stage, precision) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from codem.fit import fit, unchanged

    tokens = torch.tensor([[5, 6, 7, 8, 9, 10, 11]])
    seen = []

    def logits(model: Any) -> Any:
        from codem.half_on_cpu import half_on_cpu

        model.eval()
        with half_on_cpu(precision), torch.no_grad():
            return model(input_ids=tokens, use_cache=False).logits

    def look(model: Any) -> Any:
        model.set_attn_implementation("sdpa")
        seen.append(logits(model))
        return model

    one = dataclasses.replace(
        job(micro_base, tmp_path, precision=precision, max_steps=3),
        deepspeed={"zero_optimization": {"stage": stage}},
    )
    fit(one, unchanged, look)
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "model", attn_implementation="sdpa")
    assert torch.equal(seen[0], logits(saved))
    assert saved.config.use_cache


def test_no_dropout_is_left_from_the_base_models_configuration(micro_base, tmp_path) -> None:
    """Published StarCoder files say 0.1, which would make every run its own."""
    import json
    import shutil

    base = tmp_path / "base"
    shutil.copytree(micro_base, base)
    config = json.loads((base / "config.json").read_text())
    config |= {"resid_pdrop": 0.5, "embd_pdrop": 0.5, "attn_pdrop": 0.5}
    (base / "config.json").write_text(json.dumps(config))
    first, second = tmp_path / "first", tmp_path / "second"
    fitted(base, first, max_steps=2)
    fitted(micro_base, second, max_steps=2)
    assert weights(first) == weights(second)
    fitted(base, third := tmp_path / "third", max_steps=2, dropout=0.3)
    assert weights(third) != weights(first)
