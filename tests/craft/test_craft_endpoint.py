"""A real endpoint: `transformers serve` with a tiny model. What it answers is rubbish; the protocol must work."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import served_model
from crafting import craft, rows
from served_model import ServedModel

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def served(roomy_base, tmp_path_factory) -> Iterator[ServedModel]:
    if why := served_model.missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("served")
    server = ServedModel(served_model.servable(roomy_base, folder), folder)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_model_that_says_nothing_useful_ends_in_a_clear_message(served, tmp_path, stream):
    seeds = tmp_path / "seeds.jsonl"
    asked = ("Write a Python function that adds two numbers.", "Sort a list in Python.")
    lines = [{"instruction": i, "input": "", "output": "def f(a, b):\n    return a + b\n"} for i in asked]
    seeds.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    arguments = [f"teacher.model={served.model}", "teacher.key_env=null", "teacher.timeout_s=120", "n=2", "lang=go"]
    more = [f"teacher.stream={stream}", "teacher.max_tokens=24", "teacher.concurrency=1", "against=[]"]
    code, said = craft(tmp_path, served.url, seeds, *arguments, *more).wait()
    assert code == 1, said
    folder = tmp_path / "corpora" / "crafted" / "go"
    answers = rows(folder / "answers.jsonl")
    assert len(answers) >= 12  # each seed, evolved by each operation
    for answer in answers:
        assert answer["text"] and answer["finish_reason"] in ("length", "stop")
        assert answer["tokens_in"] > 20 and 0 < answer["tokens_out"] <= 24
        assert not answer["is_estimated"] and answer["response"]
    rejected = rows(folder / "rejected.jsonl")
    assert len(rejected) == 12 and all(row["reason"] and row["evidence"] for row in rejected)
    assert "0 of 2" in said or "no pair" in said or "0/2" in said, said
    assert json.loads((folder / "record.json").read_text())["status"] != "done"
