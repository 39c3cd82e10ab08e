"""Bad input ends a training with one clear error, on record as failed, before it costs anything."""

import json
import shutil
import subprocess
import sys

import pytest
from environment import clean_environment

from codem import bases, config, train
from codem.errors import CodemError, ConfigErrors, StageError
from codem.run import read_record

PAIRS = [
    {"instruction": f"Write a Python function that adds {n}.", "output": f"def add(x):\n    return x + {n}"}
    for n in range(12)
]
QUICK = ("method.precision=fp32", "method.max_steps=2", "method.warmup_steps=1", "method.gpus=1")


@pytest.fixture
def base(micro_base, tmp_path):
    """A copy of a good base model, to be broken."""
    return shutil.copytree(micro_base, tmp_path / "base")


def corpus(folder, rows=PAIRS):
    folder.mkdir(exist_ok=True)
    (folder / "python.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def arguments(base, tmp_path, *more, rows=PAIRS):
    return [
        f"base={base}", "lang=python", f"corpus.source={corpus(tmp_path / 'corpus', rows)}",
        f"runs={tmp_path / 'runs'}", f"cache_dir={tmp_path / 'cache'}", *QUICK, *more,
    ]  # fmt: skip


def cell(*given, **rows):
    (one,) = config.cells(arguments(*given, **rows))
    return one


def failure(one) -> str:
    """What training says, which must also be on record, with nothing trained."""
    with pytest.raises(CodemError) as caught:
        train.train(one)
    run = train.run_of(one)
    record = read_record(run.record)
    assert record["status"] == "failed"
    assert str(caught.value).splitlines()[0] in record["error"]
    assert not run.model.exists() and not run.metrics.exists()
    return str(caught.value)


def edited(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_empty_corpus(base, tmp_path):
    assert "the corpus is empty" in failure(cell(base, tmp_path, rows=[]))


def test_a_corpus_whose_every_example_is_too_long(base, tmp_path):
    said = failure(cell(base, tmp_path, "method.max_tokens=10"))
    assert "12 examples, and none fits into 10 tokens; raise method.max_tokens" in said


def test_rows_of_something_else(base, tmp_path):
    assert "expected JSON objects with `instruction`" in failure(cell(base, tmp_path, rows=[{"text": "x"}] * 5))


def test_text_that_is_no_text(base, tmp_path):
    said = failure(cell(base, tmp_path, rows=[*PAIRS, {"instruction": "x", "output": "\ud800"}]))
    assert "python.jsonl:13" in said and "is no text" in said


def test_a_base_folder_without_weights(base, tmp_path):
    (base / "model.safetensors").unlink()
    with pytest.raises(ConfigErrors, match="has no weights"):
        cell(base, tmp_path)


def test_weights_of_which_a_part_is_missing(base, tmp_path):
    (base / "model.safetensors").rename(base / "model-00001-of-00002.safetensors")
    index = {"metadata": {}, "weight_map": {"transformer.wte.weight": "model-00002-of-00002.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "check that the folder is complete" in failure(cell(base, tmp_path))


def test_weights_that_are_torn(base, tmp_path):
    whole = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").write_bytes(whole[:-100])
    assert "expected the weights of its gpt_bigcode model" in failure(cell(base, tmp_path))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Without a check these would be trained from noise: the library makes up what it does not find.
        ({"model_type": "starcoder2", "num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2}, "missing"),
        ({"n_layer": 2}, "12 are missing"),
        ({"n_embd": 32, "n_inner": None}, "weights of other sizes"),
        ({"model_type": "no_such_model"}, "no_such_model"),
    ],
    ids=["family", "layers", "width", "unknown"],
)
def test_weights_of_another_architecture(base, tmp_path, changes, expected):
    edited(base / "config.json", **changes)
    said = failure(cell(base, tmp_path))
    assert expected in said and str(base) in said


def test_a_config_that_is_no_json(base, tmp_path):
    (base / "config.json").write_text("{not json")
    assert "expected the config.json of a causal language model" in failure(cell(base, tmp_path))


def test_a_model_that_brings_code_along_is_not_run(base, tmp_path):
    edited(base / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.Config"})
    (base / "mine.py").write_text("raise SystemExit('ran')")
    assert "expected the config.json" in failure(cell(base, tmp_path))


def test_a_tokenizer_that_cannot_be_read(base, tmp_path):
    (base / "tokenizer.json").write_text("{}")
    assert "its tokenizer cannot be read" in failure(cell(base, tmp_path))


def test_a_tokenizer_without_an_end(base, tmp_path):
    edited(base / "tokenizer_config.json", eos_token=None)
    assert "no end-of-text token" in failure(cell(base, tmp_path))


@pytest.mark.parametrize("packing", ["true", "false"])
def test_a_tokenizer_without_padding_works(base, tmp_path, packing):
    """Padding is never learned and never seen, so any token will do."""
    edited(base / "tokenizer_config.json", pad_token=None)
    one = cell(base, tmp_path, f"method.packing={packing}")
    train.train(one)
    assert train.has_model(one)
    assert read_record(train.run_of(one).record)["preflight"]["examples"] == 12


def test_a_tokenizer_larger_than_the_model(base, tmp_path):
    tokenizer = bases.tokenizer(str(base), None)
    tokenizer.add_tokens(["zqxj"])
    tokenizer.save_pretrained(base)
    assert "tokens up to number 768, its model an embedding of 768" in failure(cell(base, tmp_path))


def test_a_tokenizer_that_makes_nothing_of_a_response(base, tmp_path):
    words = json.loads((base / "tokenizer.json").read_text())
    words["normalizer"] = {"type": "Replace", "pattern": {"Regex": "def[^~]*"}, "content": ""}
    (base / "tokenizer.json").write_text(json.dumps(words))
    said = failure(cell(base, tmp_path))
    assert "12 of 12 examples have nothing to learn" in said and "python.jsonl/" in said


def test_what_was_finished_stays_and_a_mended_run_goes_on(base, tmp_path):
    good = cell(base, tmp_path, "seed=1")
    train.train(good)
    weights = (train.run_of(good).model / "model.safetensors").read_bytes()
    bad = cell(base, tmp_path)
    text = (base / "tokenizer_config.json").read_text()
    edited(base / "tokenizer_config.json", eos_token=None)
    bases._locate.cache_clear()
    with pytest.raises(StageError):
        train.train(bad)
    assert (train.run_of(good).model / "model.safetensors").read_bytes() == weights
    (base / "tokenizer_config.json").write_text(text)
    bases._locate.cache_clear()
    shutil.rmtree(train.run_of(bad).folder)  # the broken base was another one
    train.train(bad)
    assert train.has_model(bad)


def test_the_command_says_it_once_and_its_exit_code_is_one(base, tmp_path):
    edited(base / "config.json", n_layer=2)
    done = subprocess.run(
        [sys.executable, "-m", "codem.train", *arguments(base, tmp_path, "eval_lang=[python]")],
        env=clean_environment(), capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("would start as noise") == 1
    assert "Traceback" not in done.stderr
    assert "LOAD REPORT" not in done.stderr


@pytest.mark.parametrize("lacks", ["missing", "mismatched"])
def test_a_loaded_model_with_holes_is_refused(lacks):
    with pytest.raises(StageError, match=f"2 are {lacks}, such as a"):
        bases.loaded_whole("here", {f"{lacks}_keys": {"b", "a"}})
    bases.loaded_whole("here", {"missing_keys": set(), "mismatched_keys": set(), "unexpected_keys": {"extra"}})
