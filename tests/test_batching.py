"""Many prompts at once give what each gives alone: in any batch, drawn or not, interrupted or not."""

from dataclasses import replace

import merging
import pytest
import torch
from merging import PROMPT, answers, engine, requests

from codem.batching import next_batch
from codem.errors import StageError
from codem.sampling import drawn

TEXTS = ["def f(x):\n", "x\n", "zzz9 def f(", "def f(x):\n    return", "a b c d e f g " * 3, "q"] * 3
DRAWN = {"temperature": 0.8, "top_p": 0.9, "samples": 3}


@pytest.fixture(scope="module")
def tokenizer():
    return merging.tokenizer()


@pytest.fixture(scope="module", params=["gpt_bigcode", "starcoder2"])
def model(request, tokenizer):
    return merging.random_model(len(tokenizer), tokenizer.eos_token_id, kind=request.param)


@pytest.fixture(scope="module")
def learned(tokenizer):
    return merging.learned_model(tokenizer)


def rows_of_batches(monkeypatch) -> list[int]:
    """Rows of every forward pass, as the model sees them."""
    from codem import batching

    seen: list[int] = []
    forward = batching.Batch._forward
    monkeypatch.setattr(
        batching.Batch, "_forward", lambda self, ids, *rest: (seen.append(len(ids)), forward(self, ids, *rest))[1]
    )
    return seen


@pytest.mark.parametrize("decode", [{}, DRAWN], ids=["greedy", "drawn"])
def test_an_answer_does_not_depend_on_its_batch(model, tokenizer, decode):
    wanted = requests(TEXTS, decode.get("samples", 1), stop=("x",))
    whole = answers(engine(model, tokenizer, **decode), wanted)
    assert set(whole) == {request.key for request in wanted}
    assert len({s.text for s in whole.values()}) > 3
    for batch_tokens in (1, 150, 700):
        assert answers(engine(model, tokenizer, batch_tokens, **decode), wanted) == whole


def test_it_is_what_the_library_generates(model, tokenizer):
    """Prompts that end on a boundary, one by one."""
    made = engine(model, tokenizer)
    given = answers(made, requests(TEXTS))
    for i, text in enumerate(TEXTS):
        if made.vocabulary.prompt(text).tail:
            continue
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        mask = torch.ones_like(ids)
        out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=20, do_sample=False, pad_token_id=0)
        assert given[f"p{i}", 0].text == tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)


def test_prompts_read_in_parts_are_the_same(model, tokenizer, monkeypatch):
    from codem import batching

    whole = answers(engine(model, tokenizer), requests(TEXTS))
    monkeypatch.setattr(batching, "PREFILL_TOKENS", 100)
    assert answers(engine(model, tokenizer), requests(TEXTS)) == whole


def test_an_answer_that_has_ended_costs_nothing(model, tokenizer, monkeypatch):
    """Five answers to one prompt end at their first character; another goes on to the limit, alone."""
    rows = rows_of_batches(monkeypatch)
    wanted = requests(["q"] * 5, stop=("",)) + [replace(requests(["x y"])[0], problem="long")]
    given = list(engine(model, tokenizer, max_tokens=8).complete(wanted))
    assert rows[0] == 2, "equal prompts are read once"
    assert len(rows) == 8
    assert rows[4:] == [1] * 4
    assert [sorted(s.problem for s in some) for some in given] == [["p0", "p1", "p2", "p3", "p4"], ["long"]]


def test_an_interrupted_run_ends_in_the_same_answers(model, tokenizer):
    wanted = requests(TEXTS, 3)
    made = engine(model, tokenizer, 300, **DRAWN)
    whole = answers(made, wanted)
    have = [request.key for i, request in enumerate(wanted) if i % 3]
    rest = answers(engine(model, tokenizer, 300, **DRAWN), wanted, have)
    assert rest == {key: sample for key, sample in whole.items() if key not in have}
    assert list(made.complete(wanted, list(whole))) == []


def test_draws_differ_between_samples_problems_and_seeds(model, tokenizer):
    made = engine(model, tokenizer, temperature=1.0, samples=4)
    wanted = requests([PROMPT, PROMPT], 4)
    texts = [s.text for s in answers(made, wanted).values()]
    assert len(set(texts)) == len(texts)
    other = answers(made, [replace(request, seed=1) for request in wanted])
    assert not {s.text for s in other.values()} & set(texts)


def test_draws_follow_the_probabilities():
    scores = torch.log(torch.tensor([[0.1, 0.6, 0.3]]))
    shares = [(i + 0.5) / 1000 for i in range(1000)]
    tokens = drawn(scores.expand(1000, 3), shares, 1.0, 1.0)
    assert [tokens.count(t) for t in range(3)] == [100, 600, 300]
    tokens = drawn(scores.expand(1000, 3), shares, 1.0, 0.7)  # 0.6 alone is too little, with 0.3 it is enough
    assert [tokens.count(t) for t in range(3)] == [0, 667, 333]
    assert set(drawn(scores.expand(1000, 3), shares, 1.0, 0.5)) == {1}
    assert set(drawn(scores.expand(1000, 3), shares, 0.01, 1.0)) == {1}


def test_how_an_answer_ended(learned, tokenizer):
    def one(stop=(), **decode):
        return answers(engine(learned, tokenizer, **decode), requests([PROMPT], stop=stop))["p0", 0]

    assert one().finish == "eos"
    assert one(max_tokens=2).finish == "length"
    stopped = one(stop=("  ",))
    assert stopped.finish == "stop"
    assert stopped.text == "    ret", "all of the token that ended it belongs to the text"


def test_the_stopper_is_not_asked_about_the_prompts_own_end(learned, tokenizer):
    """The newline that was taken back from the prompt is not the answer's."""
    given = answers(engine(learned, tokenizer), requests([PROMPT], stop=("):\n", "\n")))["p0", 0]
    assert given.text == "    return x\n"


def test_batches_keep_to_the_budget():
    assert next_batch([50, 40, 10], 50, 1000) == 3
    assert next_batch([50, 40, 10], 50, 200) == 2
    assert next_batch([50, 40, 10], 50, 1) == 1


def test_a_batch_that_does_not_fit_is_made_in_halves(model, tokenizer, monkeypatch):
    from codem import batching

    whole = answers(engine(model, tokenizer), requests(TEXTS))
    forward = batching.Batch._forward

    def small_memory(self, ids, mask, *rest):
        if mask.numel() > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, ids, mask, *rest)

    monkeypatch.setattr(batching.Batch, "_forward", small_memory)
    made = engine(model, tokenizer)
    assert answers(made, requests(TEXTS)) == whole
    assert made.describe()["batch_tokens_that_fitted"] <= 600
    monkeypatch.setattr(
        batching.Batch, "_forward", lambda *rest: (_ for _ in ()).throw(torch.OutOfMemoryError("no room"))
    )
    with pytest.raises(StageError, match="does not fit into the GPU's memory"):
        answers(engine(model, tokenizer), requests(TEXTS))


def test_a_prompt_longer_than_the_context_is_an_error(learned, tokenizer):
    with pytest.raises(StageError, match="leaves no room in the model's context of 64 tokens"):
        answers(engine(learned, tokenizer), requests(["9 8 " * 40]))


def test_the_context_caps_the_new_tokens_of_each_answer(learned, tokenizer):
    given = answers(engine(learned, tokenizer, max_tokens=500), requests(["9 8 " * 14, "q"]))
    alone = answers(engine(learned, tokenizer, max_tokens=500), requests(["9 8 " * 14]))
    assert given["p0", 0] == alone["p0", 0]
    assert {s.finish for s in given.values()} <= {"length", "eos"}


def test_the_record_says_what_answered(model, tokenizer):
    said = engine(model, tokenizer, 700).describe()
    assert (said["name"], said["dtype"], said["device"]) == ("transformers", "float32", "cpu")
    assert said["batch_tokens"] == 700
    assert said["batch_invariant"] is True
    assert engine(model.to(torch.bfloat16), tokenizer).describe()["batch_invariant"] is False
    model.to(torch.float32)
