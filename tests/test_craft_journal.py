"""What was answered is on disk before it is used, and is never asked for again."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys

import pytest
from fake_teacher import FakeTeacher, answer, craft, seeds_file

from codem.craft import lines, running
from codem.craft.budget import Cost
from codem.craft.journal import Answer, Journal
from codem.craft.teacher import Request
from codem.errors import StageError

ONE = Answer(
    "item", "response", "seed", "constraint", 1, "digest", "text\u2028\ud800", "stop", "", "m", "m-1", "http://x/v1",
    "id", 10, 20, False, None, 0.5, 1, "now", 1,
)  # fmt: skip


@pytest.fixture
def seeds(tmp_path):
    return seeds_file(tmp_path, 20)


def settings(tmp_path, seeds, *more):
    return craft(f"seeds={seeds}", f"out={tmp_path / 'out'}", "craft.compile=false", "lang=python", "n=15", *more)


def opened(tmp_path):
    return Journal(tmp_path / "answers.jsonl", tmp_path / "requests.jsonl", craft("lang=go").teacher)


def test_an_answer_comes_back_as_it_was(tmp_path):
    async def scene():
        journal = opened(tmp_path)
        others = [dataclasses.replace(ONE, item=str(n), sent=n + 2) for n in range(50)]
        await asyncio.gather(*(journal.add(a) for a in [ONE, *others]))
        await journal.close()

    asyncio.run(scene())
    again = opened(tmp_path)
    assert len(again) == 51 and not again.damaged
    assert again.find("item", "response", "digest") == ONE
    assert again.find("item", "response", "another prompt") is None
    assert again.spent == Cost(51 * 10, 51 * 20, 0.0)


def test_it_is_on_disk_when_add_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))

    async def scene():
        journal = opened(tmp_path)
        await journal.add(ONE)
        assert synced == [(tmp_path / "answers.jsonl").stat().st_size] and synced[0] > 0

    asyncio.run(scene())


def test_a_torn_last_line_is_cut_off_and_a_damaged_one_is_named(tmp_path):
    path = tmp_path / "answers.jsonl"
    good = [lines.line(dataclasses.asdict(dataclasses.replace(ONE, item=str(n)))) for n in range(4)]
    lacking = json.dumps({**json.loads(good[2]), "text": None}).encode() + b"\n"
    path.write_bytes(good[0] + b'{"item": \x00\n' + lacking + good[3] + b'{"item": "tor')
    journal = opened(tmp_path)
    assert path.read_bytes().endswith(good[3])
    assert journal.damaged == [f"{path}:2", f"{path}:3"]
    assert len(journal) == 2


def test_a_full_disk_stops_the_run_and_leaves_whole_lines(tmp_path, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    async def scene():
        journal = opened(tmp_path)
        await journal.add(ONE)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StageError, match="No space left"):
            await journal.add(dataclasses.replace(ONE, item="2"))
        await journal.close()

    asyncio.run(scene())
    assert (tmp_path / "answers.jsonl").read_bytes() == lines.line(dataclasses.asdict(ONE))


def test_requests_under_way_when_a_process_died_are_counted_as_spent(tmp_path):
    async def scene():
        journal = opened(tmp_path)
        for _ in range(3):
            number = journal.sent(Request("i", "response", "p"), Cost(100, 50))
        journal.failed(number, "429", charged=False)
        journal.failed(number - 1, "timeout", charged=True)

    asyncio.run(scene())
    again = opened(tmp_path)
    assert again.spent == Cost(200, 100, 0.0)
    assert again.causes == {"429": 1, "timeout": 1}
    assert again.sent(Request("i", "response", "p"), Cost()) == 4


def test_damage_costs_one_answer_and_its_decision(tmp_path, seeds, capsys):
    one = settings(tmp_path, seeds)
    assert running.run([one], FakeTeacher()) == 0
    before = one.place.corpus.read_bytes()
    rows = one.place.answers.read_text().splitlines(keepends=True)
    lost = json.loads(rows[7])
    rows[7] = "#" * 20 + "\n"
    one.place.answers.write_text("".join(rows) + '{"torn')
    one.place.corpus.unlink()
    teacher = FakeTeacher()
    assert running.run([one], teacher) == 0
    assert f"{one.place.answers}:8" in capsys.readouterr().out
    assert dict(teacher.asked) == {(lost["item"], lost["step"]): 1}
    assert one.place.corpus.read_bytes() == before


def test_another_answer_undoes_the_decisions_that_followed(tmp_path, seeds):
    """A new instruction needs a new response; what was decided about the old pair is not said of the new one."""
    one = settings(tmp_path, seeds)
    assert running.run([one], FakeTeacher()) == 0
    first = json.loads(one.place.decisions.read_text().splitlines()[0])["item"]
    rows = [json.loads(line) for line in one.place.answers.read_text().splitlines()]
    kept = [r for r in rows if (r["item"], r["step"]) != (first, "instruction")]
    one.place.answers.write_text("".join(json.dumps(r) + "\n" for r in kept))
    one.place.corpus.unlink()

    def other(request):
        made = answer(request)
        if request.item != first:
            return made
        if request.step == "instruction":
            return dataclasses.replace(made, text="Write a function that is quite another one.")
        return dataclasses.replace(made, text="```python\ndef quite(another):\n    return another * 3 + 1\n```")

    teacher = FakeTeacher(reply=other)
    assert running.run([one], teacher) == 0
    assert dict(teacher.asked) == {(first, "instruction"): 1, (first, "response"): 1}
    made = json.loads(one.place.corpus.read_text().splitlines()[0])
    assert made["id"] == first and "quite" in made["response"]
    decided = [json.loads(line)["item"] for line in one.place.decisions.read_text().splitlines()]
    assert len(decided) == len(set(decided))


def test_a_damaged_decision_is_made_again(tmp_path, seeds):
    one = settings(tmp_path, seeds)
    assert running.run([one], FakeTeacher()) == 0
    before, decided = one.place.corpus.read_bytes(), one.place.decisions.read_bytes()
    rows = decided.splitlines(keepends=True)
    one.place.decisions.write_bytes(b"".join([*rows[:3], b"{}\n", *rows[4:6], b'{"it']))
    one.place.corpus.unlink()
    assert running.run([one], FakeTeacher()) == 0
    assert (one.place.corpus.read_bytes(), one.place.decisions.read_bytes()) == (before, decided)


HOLD = """
import sys, time
from pathlib import Path
from codem import run
with run.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_process_at_a_time(tmp_path, seeds, capsys):
    one, teacher = settings(tmp_path, seeds), FakeTeacher()
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(one.place.folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        assert running.run([one], teacher) == 1
        assert "is working here" in capsys.readouterr().err and not teacher.asked
    finally:
        other.kill()
        other.wait()
    assert running.run([one], teacher) == 0
