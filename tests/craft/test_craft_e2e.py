"""Corpora crafted from a teacher with bad days by commands that are killed: nothing is lost, nothing asked twice."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from crafting import KEY, Command, Log, Service, craft, rows, wait_for
from once import once

from codem.corpus.rejection import Reason

pytestmark = pytest.mark.e2e

ASKED = "asked.jsonl"
WANTED = ("-m", "lang=go,html", "n=200", "against=[]")
CONCURRENCY = 16
KILLS = (120, 620)
"""Answers after which the command is killed: in the first corpus and in the second."""
EXPECTED = {
    "refusal": {Reason.REFUSAL},
    "refusal_field": {Reason.REFUSAL},
    "null": {Reason.EMPTY},
    "empty": {Reason.EMPTY},
    "length": {Reason.CUT_OFF},
    "no_code": {Reason.NO_CODE},
    "other_language": {Reason.OTHER_LANGUAGE},
    "broken": {Reason.DOES_NOT_COMPILE},
}
"""What the service did wrong for good -> why such an item is left out."""


@dataclass
class Crafted:
    folder: Path
    output: str

    @property
    def service(self) -> Log:
        return Log(self.folder / ASKED)

    @property
    def corpora(self) -> Path:
        return self.folder / "corpora" / "crafted"

    def corpus(self, lang: str) -> bytes:
        return (self.corpora / f"{lang}.jsonl").read_bytes()

    def journal(self, lang: str) -> list[dict[str, Any]]:
        return rows(self.corpora / lang / "answers.jsonl")


@pytest.fixture(scope="session")
def undisturbed(shared, seeds) -> Crafted:
    """Made at one go, by a service that has no bad day, three requests at a time. Tests only look at it."""

    def make(folder: Path) -> str:
        service = Service(folder / ASKED, [])
        try:
            code, said = craft(folder, service.url, seeds, "teacher.concurrency=3", *WANTED).wait()
        finally:
            service.stop()
        assert code == 0, said[-4000:]
        return said

    folder = shared / "crafted-undisturbed"
    return Crafted(folder, once(folder, make))


def journaled(folder: Path) -> set[str]:
    """The service's keys of the answers that are on disk; a torn last line is none."""
    found = set()
    for path in folder.glob("corpora/crafted/*/answers.jsonl"):
        whole = path.read_bytes().rpartition(b"\n")[0]
        found |= {json.loads(line)["response"].removeprefix("chatcmpl-") for line in whole.splitlines()}
    return found - {""}


@pytest.fixture(scope="session")
def killed(shared, seeds) -> tuple[Crafted, list[tuple[float, set[str]]]]:
    """Killed twice, with a service that has bad days; and of each kill, when it was and what was in the journal."""
    arguments = [f"teacher.concurrency={CONCURRENCY}", "teacher.timeout_s=2.5", *WANTED]

    def make(folder: Path) -> tuple[str, list[tuple[float, list[str]]]]:
        service = Service(folder / ASKED, ["--faults", "all"])
        kills, said = [], ""
        try:
            for after in KILLS:
                command = craft(folder, service.url, seeds, *arguments)
                wait_for(lambda n=after: len(service.answered()) >= n, 200, f"{after} answers")
                assert command.process.poll() is None, command.said()[-3000:]
                command.kill()
                kills.append((time.time(), sorted(journaled(folder))))
                said += command.said()
            code, last = craft(folder, service.url, seeds, *arguments).wait()
            assert code == 0, last[-4000:]
        finally:
            service.stop()
        return said + last, kills

    folder = shared / "crafted-killed"
    said, kills = once(folder, make)
    return Crafted(folder, said), [(at, set(known)) for at, known in kills]


@pytest.mark.parametrize("lang", ["go", "html"])
def test_killed_twice_on_bad_days_gives_the_same_corpus_byte_for_byte(killed, undisturbed, lang):
    disturbed, _ = killed
    assert disturbed.corpus(lang) == undisturbed.corpus(lang)
    pairs = [json.loads(line) for line in undisturbed.corpus(lang).splitlines()]
    assert len({pair["id"] for pair in pairs}) == len({pair["instruction"] for pair in pairs}) == 200
    assert all("```" + lang in pair["response"] for pair in pairs)


def test_no_answer_that_was_on_disk_is_asked_for_again(killed):
    disturbed, kills = killed
    for (at, known), least in zip(kills, KILLS, strict=True):
        assert len(known) > least / 2
        assert not known & {row["key"] for row in disturbed.service.asked() if row["began"] > at}
    answered = Counter(row["key"] for row in disturbed.service.answered())
    timeouts = sum(row["outcome"] in ("stalled", "drip") for row in disturbed.service.asked())
    gave_up = sum(row.get("cause") == "timeout" for lang in ("go", "html") for row in requests(disturbed, lang))
    again = sum(count - 1 for count in answered.values())
    assert again <= len(KILLS) * CONCURRENCY + max(0, gave_up - timeouts)  # in flight, or lost by a slow machine
    for lang in ("go", "html"):
        asked = Counter((row["item"], row["step"]) for row in disturbed.journal(lang))
        assert set(asked.values()) == {1}


def requests(crafted: Crafted, lang: str) -> list[dict[str, Any]]:
    return rows(crafted.corpora / lang / "requests.jsonl")


def test_every_bad_day_was_met_and_no_more_was_under_way_than_allowed(killed, undisturbed):
    asked = killed[0].service.asked()
    outcomes = Counter(row["outcome"] for row in asked)
    assert {"429_seconds", "429_date", "429_bare", "500", "502_html", "503"} <= set(outcomes)
    assert {"truncated", "cut", "stalled", "drip", "no_choices"} <= set(outcomes)
    assert max(row["under_way"] for row in undisturbed.service.asked()) <= 3
    assert len(undisturbed.service.asked()) == len({row["key"] for row in undisturbed.service.asked()})


@pytest.mark.parametrize("lang", ["go", "html"])
def test_each_bad_answer_is_left_out_for_its_reason(undisturbed, lang):
    """By the service's own account of what it gave."""
    did = {row["key"]: row.get("content", "") for row in undisturbed.service.asked()}
    of_item = {row["item"]: did.get(row["response"].removeprefix("chatcmpl-"), "") for row in undisturbed.journal(lang)}
    left_out = {row["id"]: row["reason"] for row in rows(undisturbed.corpora / lang / "rejected.jsonl")}
    kept = {row["id"] for row in map(json.loads, undisturbed.corpus(lang).splitlines())}
    expected = {k: v for k, v in EXPECTED.items() if k != "broken" or lang == "go"}
    seen = Counter()
    for item, content in of_item.items():
        if content in expected and item in left_out | dict.fromkeys(kept, "kept"):
            assert left_out.get(item) in expected[content], (item, content, left_out.get(item))
            seen[content] += 1
    assert len(seen) >= 6, seen
    found = Counter(left_out.values())
    policy = sum(row.get("content") == "policy_400" and row["lang"] == lang for row in undisturbed.service.asked())
    assert found[Reason.REFUSED_BY_ENDPOINT] <= policy
    record = json.loads((undisturbed.corpora / lang / "record.json").read_text())
    stated = json.dumps(record)
    for reason, count in found.items():
        assert re.search(rf'"{reason}": {count}\b', stated), (reason, count)


def test_the_key_is_written_nowhere(killed, undisturbed):
    """Although the service repeats it in its errors."""
    for crafted in (killed[0], undisturbed):
        assert KEY not in crafted.output
        for path in crafted.folder.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_the_same_command_again_asks_for_nothing(undisturbed, tmp_path, seeds, service):
    shutil.copytree(undisturbed.folder / "corpora", tmp_path / "corpora")
    before = {p: p.read_bytes() for p in (tmp_path / "corpora").rglob("*") if p.is_file()}
    again = service()
    code, said = craft(tmp_path, again.url, seeds, *WANTED).wait()
    assert code == 0, said
    assert again.asked() == []
    assert {p: p.read_bytes() for p in (tmp_path / "corpora").rglob("*") if p.is_file()} == before


def test_more_items_later_are_added_and_nothing_is_asked_again(undisturbed, tmp_path, seeds, service):
    shutil.copytree(undisturbed.folder / "corpora", tmp_path / "corpora")
    known = journaled(undisturbed.folder)
    again = service()
    code, said = craft(tmp_path, again.url, seeds, "lang=html", "n=220", "against=[]").wait()
    assert code == 0, said
    grown = (tmp_path / "corpora" / "crafted" / "html.jsonl").read_bytes()
    assert grown.startswith(undisturbed.corpus("html")) and grown.count(b"\n") == 220
    assert again.asked() and not known & {row["key"] for row in again.asked()}


@pytest.mark.parametrize("faults", ["none", "all"])
def test_a_budget_of_tokens_is_never_passed(tmp_path, seeds, service, faults):
    """By the service's own count, requests included that it answered in vain."""
    teacher = service("--faults", faults)
    limit = 60_000
    small = ("teacher.max_tokens=1500", f"craft.max_tokens={limit}")
    code, said = craft(tmp_path, teacher.url, seeds, "lang=html", "n=200", "against=[]", *small).wait()
    assert code == 1, said
    assert "budget" in said and f"{limit:,}" in said
    spent = sum(row.get("total_tokens", 0) for row in teacher.asked())
    assert limit / 4 < spent <= limit
    now = time.time()
    code, said = craft(tmp_path, teacher.url, seeds, "lang=html", "n=200", "against=[]", *small).wait()
    assert code == 1, said
    assert not [row for row in teacher.asked() if row["began"] > now]


def test_an_endpoint_that_is_down_for_good_ends_the_run_which_goes_on_later(tmp_path, seeds, service):
    down = service("--faults", "500", "--always")
    few = ("lang=html", "n=20", "against=[]", "teacher.retries=2")
    code, said = craft(tmp_path, down.url, seeds, *few).wait()
    assert code == 1 and "500" in said, said
    assert not (tmp_path / "corpora/crafted/html.jsonl").exists()
    up = service()
    code, said = craft(tmp_path, up.url, seeds, *few).wait()
    assert code == 0, said
    assert len(rows(tmp_path / "corpora/crafted/html.jsonl")) == 20


def test_a_wrong_key_is_said_at_once(tmp_path, seeds, service, monkeypatch):
    teacher = service()
    monkeypatch.setenv("OTHER_KEY", "sk-other-0123456789")
    arguments = ("lang=html", "n=20", "against=[]", "teacher.key_env=OTHER_KEY")
    code, said = craft(tmp_path, teacher.url, seeds, *arguments).wait()
    assert code == 1 and "401" in said and "OTHER_KEY" in said, said
    assert "sk-other" not in said
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not [p for p in files if b"sk-other" in p.read_bytes()]


def test_a_stream_gives_the_same_corpus(tmp_path, seeds, service, undisturbed):
    teacher = service("--faults", "all")
    few = ("lang=go", "n=30", "against=[]", "teacher.stream=true", "craft.compile=false")
    code, said = craft(tmp_path, teacher.url, seeds, *few).wait()
    assert code == 0, said
    streamed = rows(tmp_path / "corpora/crafted/go.jsonl")
    plain = [json.loads(line) for line in undisturbed.corpus("go").splitlines()]
    texts = {pair["id"]: (pair["instruction"], pair["response"]) for pair in plain}
    same = [pair for pair in streamed if pair["id"] in texts]
    assert len(same) > 20
    assert all(texts[pair["id"]] == (pair["instruction"], pair["response"]) for pair in same)


def test_a_model_is_trained_on_a_crafted_corpus_as_on_any_other(undisturbed, tmp_path, roomy_base):
    arguments = [f"corpus.source={undisturbed.corpora}", "lang=go", f"base={roomy_base}", "eval_lang=[python]"]
    quick = ["method.max_steps=4", "bench.n=2", "method.gpus=1", "method.precision=fp32", "deepspeed=zero0"]
    code, said = Command(tmp_path, "codem.train", *arguments, *quick).wait()
    assert code == 0, said[-4000:]
    [record] = [json.loads(p.read_text()) for p in tmp_path.glob("runs/*/sft/go/seed0/record.json")]
    assert record["status"] == "done"
