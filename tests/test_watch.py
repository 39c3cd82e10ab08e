"""A run that could only waste time stops and says what to try; fp16's skipped steps are seen, and teach nothing."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
from test_fit import job

from codem.errors import StageError
from codem.methods import sft
from codem.watch import NO_GRADIENT_IN_A_ROW, SKIPPED_IN_A_ROW, TIMES, Health


def in_half(base: Path, out: Path, fp16: dict | None = None, **changes):
    """A job in fp16, with DeepSpeed's `fp16` settings."""
    one = job(base, out, precision="fp16", **changes)
    return dataclasses.replace(one, deepspeed={"zero_optimization": {"stage": 2}, "fp16": fp16 or {}})


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_skipped_steps_are_seen_and_do_not_move_the_schedule(micro_base, tmp_path):
    """A loss scale far too high: steps overflow until it has fallen. Warm-up begins with the first real step."""
    config = {"initial_scale_power": 21, "hysteresis": 1}
    result = sft.train(in_half(micro_base, tmp_path / "skips", config, warmup_steps=3))
    sft.train(in_half(micro_base, tmp_path / "calm", warmup_steps=3))
    skips, calm = lines(tmp_path / "skips"), lines(tmp_path / "calm")
    skipped = result["skipped_steps"]
    assert 0 < skipped < len(skips) - 3
    assert [line["skipped_steps"] for line in skips[: skipped + 1]] == [*range(1, skipped + 1), skipped]
    assert skips[skipped]["loss_scale"] == 2 ** (21 - skipped)
    assert all(line["lr"] == 0 and line["grad_norm"] is None for line in skips[:skipped])
    real = [line["lr"] for line in skips[skipped:]]
    assert real == [line["lr"] for line in calm[: len(real)]]
    assert real[:4] == pytest.approx([0, 1e-2 / 3, 2e-2 / 3, 1e-2])
    assert result["warning"] is None


def test_every_step_has_its_numbers(micro_base, tmp_path):
    result = sft.train(in_half(micro_base, tmp_path, max_steps=4))
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4]
    for line in lines(tmp_path):
        assert line["loss_scale"] == 2**16
        assert line["grad_norm"] > 0
        assert 0 < line["learned_tokens"] < line["tokens"]
        assert all(line[name] > 0 for name in TIMES if name != "peak_gpu_mb")
    assert lines(tmp_path)[-1]["learned_tokens"] == result["learned_tokens"]


def test_a_loss_scale_at_its_minimum_stops_the_run(micro_base, tmp_path):
    config = {"initial_scale_power": 30, "min_loss_scale": 2**29}
    with pytest.raises(StageError, match=r"step 2: .* fallen to its minimum, 5.36871e\+08; .* method\.precision=bf16"):
        sft.train(in_half(micro_base, tmp_path, config))
    assert not (tmp_path / "model").exists()
    assert len(lines(tmp_path)) == 2, "the step that stopped it is in the file"


@pytest.mark.parametrize(
    ("changes", "fp16", "why"),
    [
        ({"max_steps": 2}, {"initial_scale_power": 30}, "fp16 overflow skipped every step"),
        ({"max_steps": 1}, {}, r"all warm-up with a learning rate of 0; give method\.warmup_steps=0"),
        ({"max_steps": 4, "lr": 1e-12}, {}, r"smaller than fp16 can hold; try a higher method\.lr"),
    ],
)
def test_a_run_that_moved_no_weight_is_no_model(micro_base, tmp_path, changes, fp16, why):
    with pytest.raises(StageError, match=rf"after {changes['max_steps']} steps? no weight has changed: .*{why}"):
        sft.train(in_half(micro_base, tmp_path, fp16, **changes))
    assert not (tmp_path / "model").exists()


def line(step: int, **changes) -> dict:
    return {"step": step, "loss": 2.0, "grad_norm": 1.0, "loss_scale": 1024.0, "skipped_steps": 0, **changes}


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_at_once(loss):
    with pytest.raises(StageError, match=r"step 7: the loss is (nan|inf); try a lower method\.lr, or .*bf16"):
        Health("fp16").look_at(line(7, loss=loss), 1.0)


def test_a_gradient_of_zero_stops_only_when_it_stays():
    health = Health("bf16")
    for step in range(1, NO_GRADIENT_IN_A_ROW):
        health.look_at(line(step, grad_norm=0.0), None)
    health.look_at(line(NO_GRADIENT_IN_A_ROW), None)
    for step in range(10, 10 + NO_GRADIENT_IN_A_ROW - 1):
        health.look_at(line(step, grad_norm=0.0), None)
    with pytest.raises(StageError, match=r"exactly 0 for 3 steps"):
        health.look_at(line(20, grad_norm=0.0), None)


def test_a_fixed_loss_scale_that_always_overflows_stops():
    health = Health("fp16")
    for step in range(1, SKIPPED_IN_A_ROW):
        health.look_at(line(step, skipped_steps=step, grad_norm=None), None)
    with pytest.raises(StageError, match=r"20 steps in a row were skipped"):
        health.look_at(line(20, skipped_steps=20, grad_norm=None), None)


def test_a_loss_that_did_not_fall_is_a_warning():
    health = Health("fp32")
    for step in range(1, 21):
        health.look_at(line(step, loss=2.0 + step % 2), None)
    assert "the loss did not fall" in str(health.warning())
    falling = Health("fp32")
    for step in range(1, 21):
        falling.look_at(line(step, loss=2.0 - step / 100), None)
    assert falling.warning() is None
