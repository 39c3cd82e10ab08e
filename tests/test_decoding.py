"""Prompts that end inside a token, and the text of an answer as its tokens come."""

import merging
import pytest
from merging import PROMPT, TEXT

from codem.decoding import Growing, Prompt, Vocabulary


@pytest.fixture(scope="module")
def tokenizer():
    return merging.tokenizer()


@pytest.fixture(scope="module")
def vocabulary(tokenizer):
    return Vocabulary(tokenizer)


@pytest.fixture(scope="module")
def model(tokenizer):
    return merging.learned_model(tokenizer)


@pytest.fixture(scope="module")
def sentencepiece():
    """As SentencePiece does it: a space before the first word, `▁` for spaces, bytes for what it does not know."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<eos>", *(f"<0x{byte:02X}>" for byte in range(256))],
        initial_alphabet=list("abcdefghijklmnopqrstuvwxyz()[]:,.+-*/=\n▁0123456789"),
        max_token_length=9,
    )
    made.train_from_iterator(["):\n    return", "def f(", "x", "\n    "] * 50, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", pad_token="<eos>")


def answer(engine, text):
    return merging.answers(engine, merging.requests([text]))["p0", 0]


def test_the_prompt_ends_inside_a_token_of_this_tokenizer(tokenizer):
    """Otherwise the tests below would prove nothing."""
    whole, prompt = tokenizer(TEXT)["input_ids"], tokenizer(PROMPT)["input_ids"]
    assert whole[: len(prompt)] != prompt


def test_a_prompt_that_ends_inside_a_token_is_continued(model, tokenizer):
    engine = merging.engine(model, tokenizer)
    prompt = engine.vocabulary.prompt(PROMPT)
    assert prompt.tail
    assert engine.vocabulary.spelled(prompt.tokens) + prompt.tail == PROMPT
    given = answer(engine, PROMPT)
    assert (given.text, given.finish) == ("    return x\n", "eos")


def test_without_healing_the_same_model_fails(model, tokenizer):
    assert answer(merging.blunt(merging.engine(model, tokenizer)), PROMPT).text != "    return x\n"


def test_healing_holds_in_a_batch_and_when_tokens_are_drawn(model, tokenizer):
    """A prompt that ends inside a token, among others that do not."""
    engine = merging.engine(model, tokenizer, temperature=0.2, samples=4)
    given = merging.answers(engine, merging.requests(["zzz9", PROMPT, "def f(x):\n    return"], samples=4))
    assert [given["p1", s].text for s in range(4)] == ["    return x\n"] * 4


def test_sentencepiece_prompts_are_continued_too(sentencepiece):
    engine = merging.engine(merging.learned_model(sentencepiece), sentencepiece)
    whole, cut = sentencepiece(TEXT)["input_ids"], sentencepiece(PROMPT)["input_ids"]
    assert whole[: len(cut)] != cut
    assert answer(engine, PROMPT).text == "    return x\n"
    assert engine.vocabulary.prompt("  x").text == "  x"
    assert engine.vocabulary.spelled(sentencepiece("a b", add_special_tokens=False)["input_ids"]) == " a b"


def test_a_prompt_that_ends_on_a_boundary_is_left_alone(vocabulary):
    assert vocabulary.prompt("zzz9").tail == ""


def test_the_tail_may_be_spelled_by_several_tokens(model, tokenizer):
    """The constraint holds until all of it is there, however the model spells it."""
    engine = merging.engine(model, tokenizer, max_tokens=12)
    ids = tuple(tokenizer("def f(")["input_ids"])
    engine.vocabulary.prompt = lambda text: Prompt(text, ids, "q?)")  # type: ignore[method-assign]
    answer(engine, "def f(q?)")  # a StageError if the text did not begin so


def test_a_way_that_leads_nowhere_is_not_taken(vocabulary):
    """`x` begins the text, but no token spells the character after it: it needs two, each a part of it."""
    assert vocabulary.extending("é") == []
    assert vocabulary.toward("xé") == []
    (x,) = vocabulary.tokenizer("x")["input_ids"]
    assert x in vocabulary.toward("x?")


@pytest.mark.parametrize("text", ["naïve = '你好'\n    x", "🙂🙂 def f(x):\n", "a � b", ""])
def test_text_that_grows_by_tokens_is_the_whole_text(vocabulary, tokenizer, text):
    growing = Growing(vocabulary)
    for token in tokenizer(text)["input_ids"]:
        before = growing.text
        growing.add(token)
        assert growing.text.startswith(before)
        assert text.startswith(growing.text)
    assert growing.text == growing.whole() == text


def test_growing_decodes_new_tokens_only(vocabulary, tokenizer, monkeypatch):
    decoded = []
    monkeypatch.setattr(vocabulary, "spelled", lambda tokens: decoded.extend(tokens) or "")
    growing = Growing(vocabulary)
    for token in tokenizer("def f(x):\n" * 50)["input_ids"]:
        growing.add(token)
    assert growing.text == "def f(x):\n" * 50
    assert len(decoded) == 0
