"""Benchmark problems in crafted corpora: left out while crafting, and found in a corpus into which they were put."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from crafting import Command, craft, rows

from codem import plugins
from codem.benchmark_data import Source
from codem.records import Problem

pytestmark = pytest.mark.e2e

TASKS = (3, 17, 46, 76, 113)


def problems(lang: str, data_dir: Path) -> dict[int, Problem]:
    bench = plugins.load("benchmarks", "humaneval-x")
    found = bench.problems(lang, bench.Config(), Source(data_dir, data_dir))
    return {int(p.task.rsplit("/", 1)[1]): p for p in found}


def renamed(problem: Problem) -> tuple[str, str]:
    """The function and its first argument under other names, the text slightly other."""
    code = problem.signature + problem.reference
    code = re.sub(rf"\b{problem.entry_point}\b", "solveIt", code)
    argument = re.search(r"\((\w+)", code)
    code = re.sub(rf"\b{argument[1]}\b", "givenValue", code) if argument else code
    return "You are given a task. " + problem.description + " Write it in Go.", code


def planted(data_dir: Path) -> list[dict[str, str]]:
    """Two verbatim, two renamed, one in another language's words than the benchmark file in Go has."""
    go, python = problems("go", data_dir), problems("python", data_dir)
    made = []
    for number in TASKS:
        instruction, code = go[number].description, go[number].signature + go[number].reference
        if number in TASKS[2:4]:
            instruction, code = renamed(go[number])
        if number == TASKS[4]:
            instruction = python[number].description
        made.append({"lang": "go", "instruction": instruction, "response": code})
    return made


def test_a_teacher_that_recites_the_benchmark_is_not_listened_to(tmp_path, seeds, service, data_dir):
    plants = tmp_path / "plants.jsonl"
    plants.write_text("".join(json.dumps(row) + "\n" for row in planted(data_dir)), encoding="utf-8")
    teacher = service("--plants", str(plants))
    against = ("against=[humaneval-x]", f"data_dir={data_dir}", "craft.compile=false")
    code, said = craft(tmp_path, teacher.url, seeds, "lang=go", "n=100", *against).wait()
    assert code == 0, said
    folder = tmp_path / "corpora" / "crafted"
    recited = {row["instruction"].strip() for row in planted(data_dir)}
    kept = rows(folder / "go.jsonl")
    assert len(kept) == 100 and not recited & {row["instruction"].strip() for row in kept}
    leaks = [row for row in rows(folder / "go" / "rejected.jsonl") if row["reason"] == "contaminated"]
    assert len({row["other"].split("/")[-1] for row in leaks}) >= 2
    assert {int(row["other"].split("/")[-1]) for row in leaks} <= set(TASKS)
    assert all(row["instruction"].strip() in recited and row["evidence"] for row in leaks)


def test_five_planted_problems_are_listed_and_no_others(tmp_path, seeds, service, data_dir):
    teacher = service()
    code, said = craft(tmp_path, teacher.url, seeds, "lang=go", "n=60", "against=[]", "craft.compile=false").wait()
    assert code == 0, said
    corpus = tmp_path / "corpora" / "crafted" / "go.jsonl"
    lines = corpus.read_text("utf-8").splitlines()
    python = problems("python", data_dir)
    five = planted(data_dir)
    translated = {"instruction": python[12].description, "response": python[12].signature + python[12].reference}
    five[0] = {**translated, "lang": "go"}  # its solution in Python, in a corpus of Go
    where = {}
    for n, row in enumerate(five):
        pair = {"id": f"planted{n}", "instruction": row["instruction"], "response": f"```\n{row['response']}```"}
        lines.insert(7 + 9 * n, json.dumps(pair))
        where[8 + 9 * n] = (12, *TASKS[1:])[n]
    altered = tmp_path / "altered.jsonl"
    altered.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["check", str(altered), "--against", "humaneval-x", "--data-dir", str(data_dir), "--json"]
    code, said = Command(tmp_path, "codem.corpus", *arguments).wait()
    assert code == 0, said
    found = json.loads(said[said.index("{") :])
    assert found["rows"] == 65
    listed: dict[int, list[dict]] = {}
    for leak in found["contaminated"]:
        assert 0 < leak["score"] <= 1 and leak["evidence"]
        listed.setdefault(int(str(leak["row"]).split(":")[-1]), []).append(leak)
    assert sorted(listed) == sorted(where)
    best = {row: max(leaks, key=lambda leak: leak["score"])["problem"] for row, leaks in listed.items()}
    assert {row: int(problem.split("/")[-1]) for row, problem in best.items()} == where
