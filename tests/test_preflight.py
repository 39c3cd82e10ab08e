"""What a training run says of itself before it starts is true of what it then does."""

import dataclasses

import pytest

from codem import bases, config, preflight, tokens, train
from codem.corpus.pair import Pair
from codem.errors import StageError
from codem.run import read_record
from codem.world import corpora

ITEMS = [Pair(**item) for item in corpora.instructions("go", 0)[:40]]


@pytest.fixture(scope="module")
def model(micro_base):
    return bases.examined(str(micro_base), None)


@pytest.fixture(scope="module")
def tokenizer(micro_base):
    return bases.tokenizer(str(micro_base), None)


@pytest.fixture
def check(micro_base, model, tokenizer, tmp_path):
    def run(*overrides, items=ITEMS, model=model, tokenizer=tokenizer):
        (cell,) = config.cells([f"base={micro_base}", "lang=go", "method.precision=fp32", *overrides])
        file = tokens.tokenised(items, tokenizer, cell.method.learn_prompt, tmp_path)
        return preflight.check(cell, model, tokenizer, file, items)

    return run


def test_what_is_counted(check, tokenizer):
    found = check("method.epochs=2", "method.gpus=1", "method.warmup_steps=3")
    lengths = tokens_of(tokenizer)
    assert (found.examples, found.too_long, found.longest) == (40, 0, max(lengths))
    assert found.batch == 8
    assert found.steps == 10
    assert found.tokens == 2 * sum(lengths)
    assert sum(count for _, count in found.lengths) == 40
    for upto, count in found.lengths:
        assert count == sum(upto // 2 < n <= upto for n in lengths)
    assert found.warnings == ()


def tokens_of(tokenizer):
    from codem.prompts import training_prompt

    texts = [training_prompt(i.instruction) for i in ITEMS], [i.response for i in ITEMS]
    asked, answered = (tokenizer(t, add_special_tokens=False)["input_ids"] for t in texts)
    return [len(a) + len(b) + 1 for a, b in zip(asked, answered, strict=True)]


def test_the_share_that_is_learned_is_that_of_the_loss(check):
    without, with_prompt = check(), check("method.learn_prompt=true")
    assert 0 < without.learned_share < 1
    assert with_prompt.learned_share == pytest.approx(1 - 40 / with_prompt.tokens * 3, abs=0.001), "all but the first"


def test_too_long_ones_are_counted_and_shown(check, tokenizer):
    lengths = sorted(tokens_of(tokenizer))
    found = check(f"method.max_tokens={lengths[29]}")
    left_out = sum(n > lengths[29] for n in lengths)
    assert found.too_long == left_out > 0
    assert f"{left_out} longer than {lengths[29]} tokens, left out (the longest has {lengths[-1]})" in found.text()
    assert f"{left_out} too long and left out" in found.line()


def test_the_models_own_context_is_a_limit(check, model):
    found = check("method.max_tokens=4000")
    assert found.row_tokens == model.context == 256


def test_one_example_is_shown_with_its_learned_part_marked(check):
    responses = {item.response for item in ITEMS}
    sample = check().sample
    before, learned = sample.split("⟦")
    assert before.endswith("### Response:\n")
    assert learned.removesuffix("<|endoftext|>⟧") in responses
    assert check("method.learn_prompt=true").sample.startswith("⟦Below is an instruction")
    assert sample.splitlines()[-1] in check().text()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["method.warmup_steps=30", "method.max_steps=30"], "the warm-up of 30 steps is as long as the run of 30"),
        (["method.gpus=8"], "the corpus of 40 is smaller than one batch of 64"),
    ],
)
def test_settings_that_make_no_sense_together_are_warned_of(check, overrides, expected):
    found = check("method.warmup_steps=1", "method.gpus=1", *overrides)
    assert any(expected in w for w in found.warnings)
    assert expected in found.text() and expected in found.line()


@pytest.mark.parametrize(
    ("dtype", "precision", "warned"),
    [("bf16", "fp16", True), ("bf16", "bf16", False), ("fp16", "fp16", False), ("fp32", "fp16", False)],
)
def test_a_model_of_wider_range_than_the_training_is_warned_of(check, model, dtype, precision, warned):
    found = check(f"method.precision={precision}", model=dataclasses.replace(model, dtype=dtype))
    assert any("65,504" in w for w in found.warnings) == warned
    assert found.checkpoint_dtype == dtype


def test_the_checkpoints_own_dtype_is_found(micro_base, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(micro_base, dtype=torch.bfloat16).save_pretrained(tmp_path)
    assert bases.examined(str(micro_base), None).dtype == "fp32"
    assert bases.examined(str(tmp_path), None).dtype == "bf16"


def test_gpus_that_are_too_small_are_warned_of(check, monkeypatch):
    monkeypatch.setattr(preflight, "_gpus", lambda: [("NVIDIA H100", 1.0), ("NVIDIA H100", 80.0)])
    found = check("method.precision=fp16")
    assert found.gpus == ["NVIDIA H100 with 1 GiB free", "NVIDIA H100 with 80 GiB free"]
    assert any("1 GiB are free" in w for w in found.warnings)
    assert "40% of 989 TFLOP/s on 2 of NVIDIA H100" in found.assumption


def test_pieces_that_the_tokenizer_does_not_know_are_warned_of(check, micro_base):
    tokenizer = bases.tokenizer(str(micro_base), None)
    tokenizer.unk_token = tokenizer.convert_ids_to_tokens(tokenizer("\n")["input_ids"][0])
    assert any("does not know" in w for w in check(tokenizer=tokenizer).warnings)


def test_a_response_without_tokens_is_refused_by_name(check):
    items = [*ITEMS, Pair("empty one", "x", "")]
    with pytest.raises(StageError, match=r"1 of 41 examples have nothing to learn.*\(empty one\)"):
        check(items=items)


def test_training_does_what_was_announced_and_keeps_it_on_record(micro_base, tmp_path, capsys):
    (cell,) = config.cells(
        [f"base={micro_base}", "lang=python", "corpus.size=20", f"runs={tmp_path}", f"cache_dir={tmp_path / 'cache'}",
         "method.precision=fp32", "method.gpus=1", "method.epochs=1", "method.warmup_steps=1"]
    )  # fmt: skip
    train.train(cell)
    record = read_record(train.run_of(cell).record)
    assert record["preflight"]["steps"] == record["result"]["steps"] == 3
    assert record["preflight"]["tokens"] == record["result"]["tokens"]
    assert "20 examples; none too long" in capsys.readouterr().out
