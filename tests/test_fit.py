"""Training really goes through DeepSpeed, resumes exactly where it was killed, and refuses to learn nothing."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from environment import clean_environment

from codem import bases
from codem.corpus.pair import Pair
from codem.errors import StageError
from codem.job import Job
from codem.methods import sft
from codem.tokens import tokenised
from codem.watch import TIMES
from codem.world import corpora

CONFIG = sft.Config(
    lr=1e-2, schedule="cosine", warmup_steps=2, batch_per_gpu=4, grad_accumulation=2, gpus=1, precision="fp32",
    epochs=2, max_steps=None, max_tokens=192, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, weight_decay=0.0,
    max_grad_norm=1.0, dropout=0.0, learn_prompt=False, packing=True, gradient_checkpointing=False,
    checkpoint_steps=1,
)  # fmt: skip


def job(base: Path, out: Path, report=lambda step, total, note: None, **changes) -> Job:
    out.mkdir(parents=True, exist_ok=True)
    items = [Pair(**item) for item in corpora.instructions("go", 0)[:40]]
    return Job(
        base=str(base), revision=None, tokens=tokenised(items, bases.tokenizer(str(base), None), False, out / "cache"),
        config=dataclasses.replace(CONFIG, **changes), method="sft", deepspeed={"zero_optimization": {"stage": 2}},
        seed=0, checkpoint=out / "checkpoint", model=out / "model", metrics=out / "metrics.jsonl", report=report,
    )  # fmt: skip


def metrics(out: Path) -> list[dict]:
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def weights(out: Path) -> bytes:
    return (out / "model" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(micro_base, tmp_path_factory):
    out = tmp_path_factory.mktemp("fit")
    return out, sft.train(job(micro_base, out))


def test_it_learns_through_deepspeed(uninterrupted):
    out, result = uninterrupted
    assert result["engine"]["zero_stage"] == 2
    assert result["last_loss"] < result["first_loss"]
    lines = metrics(out)
    assert [line["step"] for line in lines] == list(range(1, result["steps"] + 1))
    assert {"step", "tokens", "learned_tokens", "loss", "lr", "grad_norm", "loss_scale"} <= set(lines[0])
    assert lines[-1]["tokens"] == result["tokens"]
    assert lines[-1]["learned_tokens"] == result["learned_tokens"]


def test_the_model_knows_its_template_and_can_be_loaded(uninterrupted):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from codem.prompts import template_sha256

    folder = uninterrupted[0] / "model"
    assert json.loads((folder / "prompt_template.json").read_text())["sha256"] == template_sha256()
    assert AutoModelForCausalLM.from_pretrained(folder).config.use_cache
    assert AutoTokenizer.from_pretrained(folder).eos_token_id is not None


@pytest.mark.parametrize("step", [1, 7])
def test_killed_and_resumed_equals_uninterrupted(micro_base, tmp_path, uninterrupted, step):
    """SIGKILL in the middle; the loss curve and every bit of the weights are those of the undisturbed run."""
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[4]); from pathlib import Path\n"
        "import test_fit; from codem.methods import sft\n"
        "def report(step, total, note):\n"
        "    if step == int(sys.argv[3]) + 1: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sft.train(test_fit.job(Path(sys.argv[1]), Path(sys.argv[2]), report))\n"
    )
    command = [sys.executable, "-c", code, str(micro_base), str(tmp_path), str(step), str(Path(__file__).parent)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert not (tmp_path / "model").exists()
    sft.train(job(micro_base, tmp_path))
    assert metrics(tmp_path) == metrics(uninterrupted[0])
    assert weights(tmp_path) == weights(uninterrupted[0])


def test_a_torn_checkpoint_falls_back_to_the_one_before(micro_base, tmp_path, uninterrupted):
    class Enough(Exception):
        pass

    def report(step, total, note):
        if step == 6:
            raise Enough

    with pytest.raises(Enough):
        sft.train(job(micro_base, tmp_path, report))
    newest = max((tmp_path / "checkpoint").glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    (newest / "rng_state.pth").unlink()
    sft.train(job(micro_base, tmp_path))
    assert weights(tmp_path) == weights(uninterrupted[0])


def test_fp16_goes_through_the_engine_with_its_loss_scale(micro_base, tmp_path):
    result = sft.train(job(micro_base, tmp_path, precision="fp16", epochs=1))
    assert result["engine"]["fp16"]
    assert metrics(tmp_path)[0]["loss_scale"] > 1


@pytest.mark.parametrize("stage", [0, 1, 3])
def test_every_zero_stage_trains_and_saves(micro_base, tmp_path, stage):
    extra = {"stage3_gather_16bit_weights_on_model_save": True} if stage == 3 else {}
    one = dataclasses.replace(
        job(micro_base, tmp_path, epochs=1), deepspeed={"zero_optimization": {"stage": stage, **extra}}
    )
    result = sft.train(one)
    assert result["engine"]["zero_stage"] == stage
    assert len(weights(tmp_path)) > 10_000


def test_a_corpus_of_which_nothing_fits_is_refused(micro_base, tmp_path):
    with pytest.raises(StageError, match=r"none fits into 8 tokens; raise method\.max_tokens"):
        sft.train(job(micro_base, tmp_path, max_tokens=8))


def test_what_is_too_long_is_counted_not_cut(micro_base, tmp_path):
    result = sft.train(job(micro_base, tmp_path, max_tokens=100, epochs=1))
    assert result["examples_too_long"] > 0
    assert result["examples"] + result["examples_too_long"] == 40


def test_a_loss_that_is_not_a_number_stops_the_run(micro_base, tmp_path):
    with pytest.raises(StageError, match=r"try a lower method\.lr"):
        sft.train(job(micro_base, tmp_path, lr=1e30, max_grad_norm=1e30, epochs=8))


def test_nothing_is_left_behind_for_the_next_trainer(uninterrupted):
    left = {
        name for name in os.environ if name in ("RANK", "WORLD_SIZE", "LOCAL_RANK") or name.startswith("ACCELERATE_")
    }
    assert not left
