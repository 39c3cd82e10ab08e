"""The embedded base model: its tokenizer's rules, and a build that survives kill -9 and company."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from codem.benchmarks import mini
from codem.prompts import inference_prompt, training_prompt
from codem.tiny import TinyRecipe, ensure, fingerprint, folder
from codem.world import corpora
from codem.world.syntax import TITLES

MICRO = TinyRecipe(documents=400, layers=1, width=16, heads=2, batch_rows=8, checkpoint_steps=5)
BUILD = """
import sys
from pathlib import Path
from codem.tiny import TinyRecipe, ensure
ensure(Path(sys.argv[1]), TinyRecipe(**{recipe}))
"""


@pytest.fixture(scope="module")
def tokenizer():
    pytest.importorskip("transformers")
    from codem import tiny_tokenizer, tiny_training

    documents = list(itertools.islice(corpora.pretraining_documents(0), 1_000))
    return tiny_tokenizer.build(tiny_training._tokenizer_texts(documents), 512, 256)


def test_importing_needs_no_torch() -> None:
    check = "import sys, codem.tiny, codem.packing; print('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", check], text=True).strip() == "False"


def test_tokenizer_keeps_its_rules(tokenizer) -> None:
    assert len(tokenizer) == 512
    assert tokenizer.eos_token_id != tokenizer.pad_token_id
    newline = tokenizer("\n")["input_ids"]
    for problem in mini.problems("python", mini.Config()):
        prompt = inference_prompt("Python", problem.description, problem.signature)
        whole = tokenizer(prompt + problem.reference)["input_ids"]
        apart = tokenizer(prompt)["input_ids"] + tokenizer(problem.reference)["input_ids"]
        assert whole == apart, "a prompt's end must be a token's end"
        assert apart[: len(tokenizer(prompt)["input_ids"])][-1:] == newline
        assert tokenizer.decode(whole) == prompt + problem.reference
    merged = [t for t in tokenizer.get_vocab() if sum(c.isdigit() for c in t) and len(t) > 1]
    assert not merged, f"digits must stand alone, found {merged}"
    assert tokenizer("1234")["input_ids"] == [tokenizer(digit)["input_ids"][0] for digit in "1234"]
    odd = "naïve 你好 \x00\r\n\t x"
    assert tokenizer.decode(tokenizer(odd)["input_ids"]) == odd


def test_everything_fits_into_a_row(tokenizer) -> None:
    for lang in corpora.CORPUS_LANGUAGES:
        for item in corpora.instructions(lang, 0):
            text = training_prompt(item["instruction"]) + item["response"]
            assert len(tokenizer(text)["input_ids"]) < TinyRecipe().row_length
    for lang in mini.LANGUAGES:
        for problem in mini.problems(lang, mini.Config()):
            prompt = inference_prompt(TITLES[lang], problem.description, problem.signature)
            assert len(tokenizer(prompt + problem.reference)["input_ids"]) < TinyRecipe().row_length


def test_the_fingerprint_knows_the_recipe() -> None:
    assert fingerprint(MICRO) == fingerprint(replace(MICRO))
    assert len({fingerprint(r) for r in (MICRO, replace(MICRO, seed=1), replace(MICRO, width=32))}) == 3


def weights(path: Path) -> str:
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


def start(cache: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", BUILD.format(recipe=asdict(MICRO)), str(cache)])


def test_a_killed_build_goes_on_to_the_same_weights_and_two_builders_do_no_harm(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    seen: list[tuple[int, int]] = []
    straight = ensure(tmp_path / "straight", MICRO, lambda step, total: seen.append((step, total)))
    assert seen[-1][0] == seen[-1][1] == len(seen) > 2 * MICRO.checkpoint_steps

    killed = tmp_path / "killed"
    process = start(killed)
    work = folder(killed, MICRO).with_name(folder(killed, MICRO).name + ".building")
    deadline = time.monotonic() + 120
    while not (work / "checkpoint-5" / "trainer_state.json").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not folder(killed, MICRO).exists(), "a build in flight must not look finished"
    torn = work / "checkpoint-99"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")

    both = [start(killed), start(killed)]
    assert [process.wait(240) for process in both] == [0, 0]
    assert weights(folder(killed, MICRO)) == weights(straight)
    assert sorted(os.listdir(killed)) == [straight.name, straight.name + ".lock"]

    again: list[int] = []
    assert ensure(tmp_path / "straight", MICRO, lambda step, total: again.append(step)) == straight
    assert again == []
    model = transformers.AutoModelForCausalLM.from_pretrained(straight)
    assert model.config.use_cache and transformers.AutoTokenizer.from_pretrained(straight).pad_token == "<|pad|>"


def test_the_default_model_is_small() -> None:
    torch = pytest.importorskip("torch")
    from codem import tiny_tokenizer, tiny_training

    with torch.device("meta"):
        model = tiny_training._model(TinyRecipe(), tiny_tokenizer.build(["a b"], 512, 256))
    assert sum(p.numel() for p in model.parameters()) < 1_000_000
