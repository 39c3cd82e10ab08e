"""What is remembered, for whom, and what a damaged or full place does."""

import hashlib

from codem.records import Outcome
from codem.verdict_cache import Known, VerdictCache


def key(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def known(n: int, outcome: Outcome = Outcome.PASSED) -> Known:
    return Known(outcome, 0.25, 0, f"said {n} \ud800 é", key(-n), 0.125)


def test_what_one_process_found_another_knows(tmp_path):
    first = VerdictCache(tmp_path, "f")
    first.put((key(n), known(n)) for n in range(100))
    assert first.get(key(7)) == known(7)
    second = VerdictCache(tmp_path, "f")
    assert [second.get(key(n)) for n in range(101)] == [*(known(n) for n in range(100)), None]
    second.put([(key(100), known(100, Outcome.WRONG)), (key(3), known(3, Outcome.WRONG))])
    assert len(list(tmp_path.glob("f/*.jsonl"))) == 2
    third = VerdictCache(tmp_path, "f")
    assert third.get(key(100)) == known(100, Outcome.WRONG)
    assert third.get(key(3)) == known(3), "the first to know is believed"
    assert VerdictCache(tmp_path, "another judge").get(key(7)) is None


def test_two_keys_of_one_verdict(tmp_path):
    first = VerdictCache(tmp_path, "f")
    first.put([(key(1), known(1))])
    first.put_also([(key(2), key(1)), (key(3), key(99)), (key(4), key(4))])
    for cache in (first, VerdictCache(tmp_path, "f")):
        assert [cache.get(key(n)) for n in (1, 2, 3, 4)] == [known(1), known(1), None, None]


def test_a_torn_or_damaged_line_is_no_verdict(tmp_path):
    cache = VerdictCache(tmp_path, "f")
    cache.put((key(n), known(n)) for n in range(3))
    cache.close()
    (path,) = tmp_path.glob("f/*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(
        lines[0] + lines[1].replace(b"passed", b"pas") + b"rubbish\n" + b"g" * 64 + b"\t[]\n" + lines[2][:-5]
    )
    found = VerdictCache(tmp_path, "f")
    assert [found.get(key(n)) for n in range(3)] == [known(0), None, None]


def test_a_place_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "f").write_text("a file where the folder should be")
    cache = VerdictCache(tmp_path, "f")
    cache.put([(key(1), known(1))])
    assert cache.get(key(1)) is None


def test_nothing_is_remembered_without_a_place():
    cache = VerdictCache(None)
    cache.put([(key(1), known(1))])
    assert cache.get(key(1)) is None
