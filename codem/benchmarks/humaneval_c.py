"""HumanEval in C: 164 problems, from functions and tests in C and HumanEval's own descriptions.

The published rows (made for a decompiler, with `func0` as the name of every function) have no prompts: the text is
HumanEval's docstring with its Python examples, and the header is that of the published function, with HumanEval's name.
How a list is passed, or a result given back, is said by the parameters alone, as it would be in a C header file. The
common headers are included in every program: a model that continues a function cannot include anything any more.

All 164 tasks of HumanEval are there. (The CodeM paper scored 162 in a C version that it did not publish; which two are
missing is not known.) Six cannot be judged as published, and the errata say what is done about them: the test of 69
never calls the function, those of 38, 50, 58 and 129 are passed by functions that do next to nothing, and 162, whose
test wants another checksum than its text, is left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from codem.benchmark_data import HOME, DataFile, Source, each, load
from codem.benchmarks import _humaneval_text as text
from codem.knob import knob
from codem.records import Problem

VERSION = "1"
LANGUAGES = ("c",)
ERRATA = "humaneval"

COMMON = ("ctype.h", "limits.h", "math.h", "stdbool.h", "stdio.h", "stdlib.h", "string.h")
HEADER = re.compile(r"^[A-Za-z_][^\n;]*\bfunc0\s*\([^;{]*\)\s*\{", re.M)
RENAMED = {"strlen": "strlen_c"}
"""HumanEval's names that the C library has already."""
BOTH_WAYS = (
    "In C one function does both, in place: it encodes the string where `encode` is not 0, else it decodes. Encoding "
)
NOTES = {
    22: "In C the list is a string with commas between the values.",
    38: BOTH_WAYS + 'cycles groups of three characters ("abc" becomes "bca"); a shorter last group stays as it is.',
    50: BOTH_WAYS + "shifts every character by 5 in the alphabet.",
}
"""What the C header changes and the description of another language cannot say."""


@dataclass(frozen=True)
class Config:
    home: str = HOME
    """The pattern of the files' addresses, for a mirror."""
    n: int | None = knob(None, least=1)
    """Only the first n tasks, for a quick look."""


def _without_assembly(published: bytes) -> bytes:
    """The published file has each function four times, with the assembly of four optimisation levels."""
    rows = [
        {"task_id": f"HumanEval/{row['task_id']}", "c_func": row["c_func"], "c_test": row["c_test"]}
        for row in json.loads(published)
        if row["type"] == "O0"
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


FUNCTIONS = DataFile(
    "humaneval-c",
    "humaneval_c_functions.jsonl",
    "albertan017/LLM4Decompile",
    "2169186d5b03fbc5535d9ba3698f4d1ec076e36b",
    "legacy-test/decompile-eval.json",
    "338ae5fd88694a88714ccdcf977749a6e015559ecc0f747cf6794cbcfe8c7733",
    164,
    ("task_id", "c_func", "c_test"),
    convert=_without_assembly,
)
DESCRIPTIONS = DataFile(
    "humaneval",
    "HumanEval.jsonl.gz",
    "openai/human-eval",
    "6d43fb980f9fee3c892a914eda09951f772ad10d",
    "data/HumanEval.jsonl.gz",
    "1d49078ba3e2b196b9344535bef34a43021f038fad9561d6ee7c53450609a6a2",
    164,
    ("task_id", "prompt", "entry_point"),
)


def problems(lang: str, config: Config, source: Source) -> list[Problem]:
    if lang not in LANGUAGES:
        raise ValueError(f"humaneval-c has no problems in {lang!r}; it has {', '.join(LANGUAGES)}")
    functions, descriptions = load([FUNCTIONS, DESCRIPTIONS], source, config.home)
    texts = {row["task_id"]: row for row in descriptions}
    return each(functions[: config.n], lambda row: _problem(row, texts[row["task_id"]]))


def _problem(row: dict[str, str], humaneval: dict[str, str]) -> Problem:
    n = int(row["task_id"].rpartition("/")[2])
    name = humaneval["entry_point"]
    name = RENAMED.get(name, name)
    function = HEADER.search(row["c_func"])
    assert function is not None, row["task_id"]
    more = "".join(f"#include <{name}>\n" for name in COMMON if f"<{name}>" not in row["c_func"])
    before, body = row["c_func"][: function.start()], row["c_func"][function.end() :]
    return Problem(
        id=f"humaneval-c/c/{n}",
        task=f"humaneval-c/{n}",
        lang="c",
        description=_docstring(humaneval["prompt"]) + (f"\n{NOTES[n]}" if n in NOTES else ""),
        signature=_named(name, function[0].strip()) + "\n",
        entry_point=name,
        prelude=text.COMMENT.sub("", before).strip("\n") + f"\n{more}",
        tests=_named(name, row["c_test"]),
        reference=_named(name, body.lstrip("\n")).rstrip() + "\n",
        style="program",
    )


def _docstring(prompt: str) -> str:
    """What stands between the last triple quotes; helpers before the function have theirs, too."""
    inside = prompt.rstrip()[:-3]
    return text.prose(inside[inside.rindex(prompt.rstrip()[-3:]) + 3 :])


def _named(name: str, code: str) -> str:
    return re.sub(r"\bfunc0\b", name, code)
