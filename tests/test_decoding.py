"""Prompts that end inside a token, batches of unequal prompts, and how a completion ends."""

import pytest

from codem.decoding import Prompt, Vocabulary, complete
from codem.errors import StageError

TEXT = "def f(x):\n    return x\n"
PROMPT = "def f(x):\n"


@pytest.fixture(scope="module")
def merging_tokenizer():
    """Byte-level BPE like StarCoder's: it merges a newline with the indentation after it, here even `):` with both."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=9,
    )
    made.train_from_iterator(["):\n    return", "def f(", "x", "\n    "] * 50, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", pad_token="<eos>")


@pytest.fixture(scope="module")
def vocabulary(merging_tokenizer):
    return Vocabulary(merging_tokenizer)


@pytest.fixture(scope="module")
def model(merging_tokenizer):
    """A model that has learned one text by heart, as this tokenizer cuts it."""
    import torch
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    torch.manual_seed(0)
    ids = [*merging_tokenizer(TEXT)["input_ids"], merging_tokenizer.eos_token_id]
    config = GPTBigCodeConfig(
        vocab_size=len(merging_tokenizer), n_positions=64, n_embd=32, n_layer=1, n_head=2,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        eos_token_id=merging_tokenizer.eos_token_id, bos_token_id=merging_tokenizer.eos_token_id,
    )  # fmt: skip
    learner = GPTBigCodeForCausalLM(config)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-2)
    batch = torch.tensor([ids])
    for _ in range(60):
        loss = learner(input_ids=batch, labels=batch).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert loss.item() < 0.05
    return learner.eval()


def test_the_prompt_ends_inside_a_token_of_this_tokenizer(merging_tokenizer):
    """Otherwise the tests below would prove nothing."""
    whole, prompt = merging_tokenizer(TEXT)["input_ids"], merging_tokenizer(PROMPT)["input_ids"]
    assert whole[: len(prompt)] != prompt


def test_a_prompt_that_ends_inside_a_token_is_continued(model, vocabulary):
    prompt = vocabulary.prompt(PROMPT)
    assert prompt.tail
    assert vocabulary.spelled(prompt.tokens) + prompt.tail == PROMPT
    (completion,) = complete(model, vocabulary, [prompt], 20, [])
    assert (completion.text, completion.finish) == ("    return x\n", "eos")


def test_without_healing_the_same_model_fails(model, vocabulary, merging_tokenizer):
    blunt = Prompt(PROMPT, tuple(merging_tokenizer(PROMPT)["input_ids"]), "")
    (completion,) = complete(model, vocabulary, [blunt], 20, [])
    assert completion.text != "    return x\n"


def test_a_prompt_that_ends_on_a_boundary_is_left_alone(vocabulary):
    text = "zzz9"
    assert vocabulary.prompt(text).tail == ""


def test_the_tail_may_be_spelled_by_several_tokens(model, vocabulary, merging_tokenizer):
    """The constraint holds until all of it is there, however the model spells it."""
    ids = merging_tokenizer("def f(")["input_ids"]
    (completion,) = complete(model, vocabulary, [Prompt("def f(q?)", tuple(ids), "q?)")], 12, [])
    assert isinstance(completion.text, str)  # reaching here means that the tail was spelled: else StageError


def test_a_batch_gives_what_single_prompts_give(model, vocabulary):
    prompts = [vocabulary.prompt(t) for t in (PROMPT, "x\n", "zzz9 def f(", "def f(x):\n    return")]
    alone = [complete(model, vocabulary, [p], 20, [])[0] for p in prompts]
    assert complete(model, vocabulary, prompts, 20, []) == alone


def test_finish_says_how_it_ended(model, vocabulary):
    prompt = vocabulary.prompt(PROMPT)
    assert complete(model, vocabulary, [prompt], 2, [])[0].finish == "length"
    stopped = complete(model, vocabulary, [prompt], 20, ["return"])[0]
    assert stopped.finish == "stop"
    assert "return" in stopped.text


def test_a_prompt_longer_than_the_context_is_an_error(model, vocabulary):
    with pytest.raises(StageError, match="leaves no room in the model's context of 64 tokens"):
        complete(model, vocabulary, [vocabulary.prompt("9 8 " * 40)], 20, [])


def test_the_context_caps_the_new_tokens(model, vocabulary):
    (completion,) = complete(model, vocabulary, [vocabulary.prompt("9 8 " * 14)], 500, [])
    assert completion.finish in ("length", "eos")
