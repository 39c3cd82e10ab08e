"""Near-duplicates: against the exact Jaccard index, worked out with plain sets."""

import functools
import itertools
import random
import re

import pytest

from codem.corpus import duplicates
from codem.corpus.duplicates import NearDuplicates
from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason
from codem.world import corpora


@functools.cache
def shingles(pair):
    sets = set()
    for text in (pair.instruction, pair.response):
        words = re.findall(r"\w+", text.lower())
        sets |= {tuple(words[k : k + 3]) for k in range(max(1, len(words) - 2))}
    return sets


def jaccard(one, two):
    a, b = shingles(one), shingles(two)
    return len(a & b) / len(a | b)


def corpus(n, seed=0):
    """Pairs of about 120 words, a third of them made from an earlier one with some words replaced."""
    rng = random.Random(seed)
    words = [f"w{k}" for k in range(2000)]
    made = []
    for _ in range(n):
        if made and rng.random() < 0.33:
            text = list(rng.choice(made))
            for _change in range(rng.choice((0, 1, 3, 6, 10, 20))):
                text[rng.randrange(len(text))] = rng.choice(words)
        else:
            text = rng.choices(words, k=rng.randint(90, 150))
        made.append(text)
    return [Pair(str(k), " ".join(t[:30]), " ".join(t[30:])) for k, t in enumerate(made)]


def expected(pairs, threshold):
    """By comparing each with all that stayed before it."""
    stayed, found = [], []
    for pair in pairs:
        likest = max(((jaccard(pair, s), s) for s in stayed), key=lambda x: x[0], default=(0, None))
        if likest[0] >= threshold:
            found.append((pair.id, likest[1].id, pytest.approx(likest[0])))
        else:
            stayed.append(pair)
    return found


@pytest.mark.parametrize("threshold", [0.6, 0.75, 0.9])
def test_what_is_found_is_what_comparing_all_with_all_finds(threshold):
    pairs = corpus(300)
    found = [(r.pair, r.other, r.score) for r in duplicates.find(pairs, threshold)]
    truth = expected(pairs, threshold)
    assert len(truth) > 20
    missed = [t for t in truth if t not in found]
    assert len(missed) <= 0.02 * len(truth)
    assert all(score >= threshold for _, _, score in found)


def test_the_first_stays_and_the_others_name_it():
    text = "Write a function that turns a list of words into one line with commas between them and an and at the end"
    one = Pair("one", text, "func line(words []string) string { return join(words) }", "go")
    two = Pair("two", text.upper() + "!!", "func line(words []string) string {\n\n\treturn join(words)\n}", "go")
    other = Pair("other", "Sort the rows of a table by date.", "def rows(table): return sorted(table)", "python")
    found = duplicates.find([one, other, two])
    assert [(r.pair, r.other, r.reason, r.score) for r in found] == [("two", "one", Reason.NEAR_DUPLICATE, 1.0)]
    assert "100%" in found[0].evidence and "TURNS A LIST OF WORDS" in found[0].evidence
    assert [r.other for r in duplicates.find([two, other, one])] == ["two"]


def test_across_languages():
    """The same C++ and C answer in two files is one; the same exercise answered in two languages is two."""
    text = "Add up the digits of a number and return the sum of all of them as an int."
    in_c = Pair("c", text, "int digits(int n) { int s = 0; while (n > 0) { s += n % 10; n /= 10; } return s; }", "c")
    in_cpp = Pair("cpp", text, in_c.response, "cpp")
    in_python = Pair("py", text, "def digits(n):\n    return sum(int(c) for c in str(abs(n)))\n", "python")
    assert [r.pair for r in duplicates.find([in_c, in_python, in_cpp])] == ["cpp"]


def test_a_pair_that_is_like_a_duplicate_alone_stays():
    """b is like a, c is like b but not like a: a and c stay."""
    words = [f"w{k}" for k in range(200)]
    a = Pair("a", "x", " ".join(words))
    b = Pair("b", "x", " ".join(words[15:] + [f"v{k}" for k in range(15)]))
    c = Pair("c", "x", " ".join(words[30:] + [f"v{k}" for k in range(30)]))
    assert jaccard(a, b) > 0.8 and jaccard(b, c) > 0.8 and jaccard(a, c) < 0.75
    assert [(r.pair, r.other) for r in duplicates.find([a, b, c])] == [("b", "a")]


def test_the_likest_is_named_not_the_first_that_is_found():
    words = [f"w{k}" for k in range(100)]
    far = Pair("far", "x", " ".join([*words[:88], *(f"u{k}" for k in range(20))]))
    near = Pair("near", "x", " ".join(words))
    new = Pair("new", "x", " ".join([*words[:99], "last"]))
    assert jaccard(far, near) < 0.75 <= jaccard(near, new)
    seen = NearDuplicates()
    assert seen.first_like(far) is None and seen.first_like(near) is None
    assert seen.first_like(new) == ("near", pytest.approx(jaccard(near, new)))


@pytest.mark.parametrize(
    "texts", [("", ""), ("a", ""), ("a b", "c"), ("!!!", "???"), ("日本語 の 文", "コード"), ("\ud800", "x")]
)
def test_tiny_and_odd_texts(texts):
    seen = NearDuplicates()
    assert seen.first_like(Pair("1", *texts)) is None
    assert seen.first_like(Pair("2", *texts)) == ("1", 1.0)
    assert seen.first_like(Pair("3", "something quite different", "x = 1")) is None


def test_numbers_and_names_are_words():
    """Templates that differ in all that matters are not duplicates because their frames agree."""
    a, b = (
        Pair(
            str(n),
            f"Return the {n}th row of table{n} where id{n} is {n}.",
            f"select row{n} from table{n} where id{n}={n}",
        )
        for n in (1, 2)
    )
    assert duplicates.find([a, b]) == []


def test_a_repeated_answer_is_found_in_every_order():
    pairs = [Pair(i["id"], i["instruction"], i["response"], "go") for i in corpora.instructions("go", 0)[:150]]
    for seed in range(3):
        doubled = pairs + [Pair(f"{p.id}/again", p.instruction, p.response) for p in pairs]
        random.Random(seed).shuffle(doubled)
        assert len(duplicates.find(doubled)) >= len(pairs)
        kept = {p.id for p in doubled} - {r.pair for r in duplicates.find(doubled)}
        assert len({k.removesuffix("/again") for k in kept}) == len(kept)


@pytest.mark.parametrize("threshold", [0, -1, 1.1])
def test_an_impossible_threshold(threshold):
    with pytest.raises(ValueError, match="more than 0 and at most 1"):
        NearDuplicates(threshold)


def test_bands_find_what_is_at_the_threshold():
    for threshold in (0.3, 0.5, 0.7, 0.75, 0.8, 0.9, 0.99, 1.0):
        count, rows = duplicates.bands(threshold)
        assert count >= 2 and count * rows <= duplicates.PERMUTATIONS
        assert 1 - (1 - threshold**rows) ** count >= duplicates.FOUND


def test_sketches_do_not_depend_on_the_process():
    """The values of one pair as they were on the machine that wrote this test."""
    made = duplicates.sketch(Pair("x", "one two three four", "five six seven"))
    assert made.shingles.tolist() == KNOWN_SHINGLES
    assert made.minhash[:3].tolist() == KNOWN_MINHASH
    pairs = corpus(5)
    assert all(
        (duplicates.sketch(a).minhash == duplicates.sketch(b).minhash).mean() == pytest.approx(jaccard(a, b), abs=0.15)
        for a, b in itertools.combinations(pairs, 2)
    )


KNOWN_SHINGLES = [672329636, 872423148, 3925605443]
KNOWN_MINHASH = [690440127, 1664647418, 1036225439]
