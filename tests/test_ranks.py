"""Several processes learn what one would, from examples of their own; what ends one of them ends them all, in order."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from environment import clean_environment
from test_fit import job, metrics, weights
from two_processes import ASKED, EPOCHS

from codem import interruption, ranks, tokens
from codem.errors import StageError
from codem.local_ranks import run_here

HERE = Path(__file__).parent
STAGES = (1, 2, 3)


@pytest.fixture(scope="module")
def alone(micro_base, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    ranks.train(job(micro_base, out, epochs=EPOCHS))
    return out


@pytest.fixture(scope="module")
def together(micro_base, tmp_path_factory) -> Path:
    """A folder for each ZeRO stage, trained by two processes."""
    out = tmp_path_factory.mktemp("together")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += [str(HERE / "two_processes.py"), str(micro_base), str(out), *map(str, STAGES)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def curve(out: Path, key: str) -> list[float]:
    return [line[key] for line in metrics(out)]


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_learn_what_one_does(alone, together, stage):
    from safetensors.torch import load_file

    out = together / str(stage)
    assert curve(out, "loss") == pytest.approx(curve(alone, "loss"), abs=1e-5)
    assert curve(out, "tokens") == curve(alone, "tokens")
    assert curve(out, "lr") == curve(alone, "lr")
    one, two = (load_file(folder / "model" / "model.safetensors") for folder in (alone, out))
    assert one.keys() == two.keys()
    # Softmax does not change with the keys' bias: its gradient is rounding alone, which Adam makes steps of.
    names = [name for name in one if not name.endswith("c_attn.bias")]
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in names)


@pytest.mark.parametrize("stage", STAGES)
def test_each_process_sees_examples_of_its_own(micro_base, together, tmp_path, stage):
    """Together all of them, as often as there are epochs."""
    seen = [json.loads((together / str(stage) / f"seen{rank}.json").read_text()) for rank in (0, 1)]
    examples = [joined(e.tokens) for e in tokens.read(job(micro_base, tmp_path).tokens)]
    times = dict.fromkeys(examples, 0)
    for first, second in zip(*seen, strict=True):
        mine, others = ({e for e in examples if e in joined(row)} for row in (first, second))
        assert mine
        assert others
        assert not mine & others
        for example in mine | others:
            times[example] += 1
    assert set(times.values()) == {EPOCHS}


def joined(ids) -> str:
    return "".join(f" {i}," for i in ids)


@pytest.mark.parametrize("stage", STAGES)
def test_the_saved_model_gives_the_logits_of_the_training_processes(together, stage):
    from transformers import AutoModelForCausalLM

    out = together / str(stage)
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor(ASKED), use_cache=False).logits
    for rank in (0, 1):
        assert torch.allclose(torch.load(out / f"logits{rank}.pt"), logits, atol=1e-5)


def test_killed_then_terminated_then_finished_equals_uninterrupted(micro_base, tmp_path, together):
    """Three runs make one training: the loss curve and every bit of the weights."""

    def run(report, processes=2):
        return run_here(job(micro_base, tmp_path, report, epochs=EPOCHS), processes)

    def kill_one(step, total, note):
        if step >= 3 and (alive := processes_of(tmp_path)):
            os.kill(alive[-1], signal.SIGKILL)

    with pytest.raises(StageError, match="was killed by SIGKILL"):
        run(kill_one)
    assert not processes_of(tmp_path)

    def terminate_this_one(step, total, note):
        if step >= 12 and not interruption.asked():
            signal.raise_signal(signal.SIGTERM)

    with interruption.handled(), pytest.raises(StageError, match=r"stopped by SIGTERM at step \d+ of 40"):
        run(terminate_this_one)
    assert not processes_of(tmp_path)
    assert not (tmp_path / "model").exists()
    with pytest.raises(StageError, match="was written by 2 processes, and 1 would go on"):
        ranks.train(job(micro_base, tmp_path, epochs=EPOCHS))
    steps = []
    result = run(lambda step, total, note: steps.append(step))
    assert result["engine"]["processes"] == 2
    assert steps == list(range(steps[0], 41))
    assert steps[0] > 12
    assert metrics(tmp_path) == metrics(together / "2")
    assert weights(tmp_path) == weights(together / "2")


def processes_of(folder: Path) -> list[int]:
    """Those that train for this folder; torchrun starts them with -u."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if "\0-u\0-m\0codem.local_ranks\0" in command and str(folder) in command:
            found.append(int(process.name))
    return sorted(found)


@pytest.mark.parametrize(
    ("here", "wanted", "accumulation", "useful"), [(8, 8, 4, 8), (0, 8, 4, 1), (6, 8, 4, 4), (4, 1, 4, 1), (3, 8, 3, 3)]
)
def test_as_many_processes_as_share_a_step_evenly(here, wanted, accumulation, useful):
    assert ranks._useful(here, wanted, accumulation) == useful
