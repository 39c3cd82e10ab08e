"""A corpus is tokenised once, and what is kept is what the tokenizer says, or it is made again."""

import dataclasses
import threading

import pytest

from codem import tokens
from codem.corpus.pair import Pair
from codem.errors import StageError
from codem.packing import Example
from codem.prompts import training_prompt
from codem.world import corpora


@pytest.fixture(scope="module")
def tokenizer(micro_base):
    from codem import bases

    return bases.tokenizer(str(micro_base), None)


@pytest.fixture(scope="module")
def items():
    return [Pair(**item) for item in corpora.instructions("go", 0)[:30]]


def one_by_one(items, tokenizer, learn_prompt):
    made = []
    for item in items:
        prompt = tokenizer(training_prompt(item.instruction), add_special_tokens=False)["input_ids"]
        response = [*tokenizer(item.response, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        made.append(
            Example((*prompt, *response), (learn_prompt,) * len(prompt) + (True,) * len(response)),
        )
    return made


@pytest.mark.parametrize("learn_prompt", [False, True])
def test_batches_give_what_one_at_a_time_gives(items, tokenizer, tmp_path, monkeypatch, learn_prompt):
    monkeypatch.setattr(tokens, "TEXTS_AT_ONCE", 7)
    examples = tokens.read(tokens.tokenised(items, tokenizer, learn_prompt, tmp_path))
    expected = one_by_one(items, tokenizer, learn_prompt)
    assert list(examples) == examples[:] == expected
    assert examples[-1] == expected[-1]
    assert examples.lengths.tolist() == [len(e.tokens) for e in expected]
    assert examples.learned.tolist() == [sum(e.learned) - learn_prompt for e in expected]  # never its first token
    with pytest.raises(IndexError):
        examples[len(expected)]


def test_it_is_made_once_for_a_corpus_a_tokenizer_and_what_is_learned(items, micro_base, tmp_path):
    from codem import bases

    class Counting:
        def __init__(self):
            self.inner, self.calls = bases.tokenizer(str(micro_base), None), 0

        def __call__(self, *args, **kwargs):
            self.calls += 1
            return self.inner(*args, **kwargs)

        def __getattr__(self, name):
            return getattr(self.inner, name)

    first, again = Counting(), Counting()
    path = tokens.tokenised(items, first, False, tmp_path)
    assert tokens.tokenised(items, again, False, tmp_path) == path
    assert (first.calls > 0, again.calls) == (True, 0)

    longer = Counting()
    longer.inner.add_tokens(["func"])
    end = Counting()
    end.inner.eos_token = end.inner.pad_token
    other_text = [dataclasses.replace(items[0], response=items[0].response + " "), *items[1:]]
    paths = {
        path,
        tokens.tokenised(items, first, True, tmp_path),
        tokens.tokenised(items[::-1], first, False, tmp_path),
        tokens.tokenised(other_text, first, False, tmp_path),
        tokens.tokenised(items, longer, False, tmp_path),
        tokens.tokenised(items, end, False, tmp_path),
    }
    assert len(paths) == 6


def test_another_template_is_another_file(items, tokenizer, tmp_path, monkeypatch):
    path = tokens.tokenised(items, tokenizer, False, tmp_path)
    monkeypatch.setattr(tokens, "template_sha256", lambda: "other")
    assert tokens.tokenised(items, tokenizer, False, tmp_path) != path


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b.replace(b[200:210], b"0" * 10)]
)
def test_a_damaged_file_is_made_again(items, tokenizer, tmp_path, damage):
    path = tokens.tokenised(items, tokenizer, False, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert tokens.tokenised(items, tokenizer, False, tmp_path) == path
    assert list(tokens.read(path)) == one_by_one(items, tokenizer, False)


def test_a_file_that_is_gone_is_an_error_of_ours(tmp_path):
    with pytest.raises(StageError, match="expected the corpus as tokens"):
        tokens.read(tmp_path / "none.npz")


def test_several_at_once_leave_one_whole_file(items, tokenizer, tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(tokens.tokenised(items, tokenizer, False, tmp_path)))
        for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert [p.name for p in (tmp_path / "tokens").iterdir()] == [found[0].name]
    assert list(tokens.read(found[0])) == one_by_one(items, tokenizer, False)


def test_text_that_is_no_unicode_is_named(items, tokenizer, tmp_path):
    """JSON can say half of a surrogate pair; no tokenizer takes it."""
    with pytest.raises(StageError, match=r"row 7: .* is no text"):
        tokens.tokenised([Pair("row 7", "x", "\ud800")], tokenizer, False, tmp_path)
