"""The filters in a row: which one speaks first, and that neither batches nor workers change what is said."""

import random
from dataclasses import dataclass

import pytest

from codem.corpus import cleaning, leaks
from codem.corpus.cleaning import Cleaner
from codem.corpus.duplicates import NearDuplicates
from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason, Rejection
from codem.records import Problem
from codem.world import corpora

COLLATZ = Problem(
    id="b/go/0",
    task="b/0",
    lang="go",
    description="Return the highest value that the Collatz sequence starting at n ever reaches on its way to one.",
    signature="func CollatzPeak(n int) int {\n",
    entry_point="CollatzPeak",
    prelude="",
    tests="",
    reference="\ttop := n\n\tfor n != 1 {\n\t\tif n%2 == 0 {\n\t\t\tn /= 2\n\t\t} else {\n\t\t\tn = 3*n + 1\n\t\t}\n"
    "\t\tif n > top {\n\t\t\ttop = n\n\t\t}\n\t}\n\treturn top\n}\n",
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """So that workers are used for corpora that a test can afford."""
    monkeypatch.setattr(cleaning, "CHUNK", CHUNK)


CHUNK = 20


def too_short(pair: Pair) -> Rejection | None:
    if len(pair.response) < 20:
        return Rejection(pair.id, Reason.TOO_SHORT, f"{len(pair.response)} characters")
    return None


def broken(pairs: list[Pair]) -> list[Rejection]:
    return [Rejection(p.id, Reason.DOES_NOT_COMPILE, "error: BROKEN") for p in pairs if "BROKEN" in p.response]


@dataclass(frozen=True)
class OutOfOrder:
    """A filter that cannot work."""

    def __call__(self, pair: Pair) -> Rejection | None:
        raise OSError("no grammar here")


def embedded(n: int) -> list[Pair]:
    return [Pair(i["id"], i["instruction"], i["response"], "go") for i in corpora.instructions("go", 0)[:n]]


def a_corpus(n: int, seed: int = 0) -> list[Pair]:
    """Embedded pairs with leaks, repetitions, empty and broken answers in between."""
    rng = random.Random(seed)
    made = []
    for k, pair in enumerate(embedded(n)):
        made.append(pair)
        sort = rng.random()
        if sort < 0.1:
            made.append(Pair(f"again/{k}", pair.instruction, pair.response, "go"))
        elif sort < 0.2:
            made.append(Pair(f"broken/{k}", f"{pair.instruction} {k}", f"{pair.response} BROKEN {k} {seed}", "go"))
        elif sort < 0.25:
            made.append(Pair(f"short/{k}", f"{pair.instruction} {k}", "nothing", "go"))
        elif sort < 0.3:
            made.append(Pair(f"leak/{k}", f"{COLLATZ.description} {k}", "x" * rng.randrange(40), "go"))
    return made


def cleaner(workers: int = 1, every: bool = False) -> Cleaner:
    return Cleaner(too_short, broken, NearDuplicates(), leaks.index([COLLATZ]), workers, every)


def test_each_pair_gets_the_first_thing_that_is_wrong_with_it():
    good = Pair("good", "Say hello to everybody who is here.", "func hello() { fmt.Println(all) }")
    leaked_and_short = Pair("leak", COLLATZ.description, "no")
    short_and_like = Pair("short", good.instruction, "func")
    unbuilt = Pair("unbuilt", "Draw a circle with a red line around it.", "func circle() { BROKEN circle of red }")
    unbuilt_again = Pair("unbuilt again", unbuilt.instruction, unbuilt.response)
    like = Pair("like", good.instruction.lower(), good.response)
    with cleaner() as made:
        told = made.add([good, leaked_and_short, short_and_like, unbuilt, unbuilt_again, like])
    assert [r and r.reason for r in told] == [
        None,
        Reason.CONTAMINATED,
        Reason.TOO_SHORT,
        Reason.DOES_NOT_COMPILE,
        Reason.DOES_NOT_COMPILE,  # what is left out is no first of near-duplicates
        Reason.NEAR_DUPLICATE,
    ]
    assert (told[1].other, told[5].other) == ("b/go/0", "good")
    assert (made.rows, made.kept, sum(made.counts.values())) == (6, 1, 5)


def test_with_every_all_is_told():
    pair = Pair("a", COLLATZ.description, "no BROKEN")
    again = Pair("b", COLLATZ.description, "no BROKEN")
    with cleaner(every=True) as made:
        told = made.examine([pair, again])
    reasons = [Reason.CONTAMINATED, Reason.TOO_SHORT, Reason.DOES_NOT_COMPILE]
    assert [[r.reason for r in of] for of in told] == [reasons, [*reasons, Reason.NEAR_DUPLICATE]]
    assert (made.rows, made.kept) == (2, 0)
    assert made.counts == {**dict.fromkeys(reasons, 2), Reason.NEAR_DUPLICATE: 1}


@pytest.mark.parametrize("every", [False, True])
def test_batches_and_workers_change_nothing(every):
    pairs = a_corpus(150)
    with cleaner(every=every) as one:
        whole = one.examine(pairs)
    for size in (1, 7, 64):
        with cleaner(every=every) as made:
            told = [r for start in range(0, len(pairs), size) for r in made.examine(pairs[start : start + size])]
        assert told == whole
        assert (made.rows, made.kept, made.counts) == (one.rows, one.kept, one.counts)
    assert {Reason.CONTAMINATED, Reason.TOO_SHORT, Reason.DOES_NOT_COMPILE, Reason.NEAR_DUPLICATE} == set(one.counts)


def test_filters_that_are_not_given_are_not_asked():
    pairs = a_corpus(20)
    with Cleaner() as made:
        assert made.add(pairs) == [None] * len(pairs)
        assert made.add([]) == []
    with Cleaner(compiles=broken) as made:
        made.add(pairs)
    assert set(made.counts) <= {Reason.DOES_NOT_COMPILE}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_filter_that_cannot_work_blames_no_pair(workers):
    pairs = a_corpus(2 * CHUNK)
    with Cleaner(OutOfOrder(), duplicates=NearDuplicates(), workers=workers) as made:
        with pytest.raises(OSError, match="no grammar here"):
            made.add(pairs)
        assert (made.rows, made.kept, made.counts) == (0, 0, {})


def test_a_compiler_that_cannot_work_blames_no_pair():
    def without_compiler(pairs):
        raise OSError("no compiler here")

    made = Cleaner(compiles=without_compiler, duplicates=NearDuplicates())
    pairs = embedded(3)
    with pytest.raises(OSError, match="no compiler here"):
        made.add(pairs)
    made = Cleaner(compiles=broken, duplicates=NearDuplicates())
    assert made.add(pairs) == [None] * 3


def test_workers_change_nothing_and_a_closed_cleaner_goes_on():
    pairs = a_corpus(150)
    with cleaner() as made:
        alone = made.add(pairs)
    with cleaner(workers=2) as made:
        assert made.add(pairs[:60]) + made.add(pairs[60:63]) + made.add(pairs[63:]) == alone
    again = made.add([Pair("x", pairs[0].instruction, pairs[0].response)])
    assert again[0].other == pairs[0].id and made.rows == len(pairs) + 1
