"""HumanEval in TypeScript: 161 problems of Multilingual HumanEval (Athiwaratkun et al., 2022); 32, 38, 50 are missing.

The CodeM paper's TypeScript column fits this set. It has no solutions: the references are PolyHumanEval's, with the
published header in place of theirs. Where that does not type-check or does not pass, the errata hold a reference.
The import of `mathjs` in five prompts is left out: no test needs it and no model sees it. The tests' empty lists get a
type, without which a strict compiler refuses them whatever the answer is. The text of 142 is missing in the published
file; here it has one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from codem.benchmark_data import HOME, DataFile, Source, each, load
from codem.benchmarks import _humaneval_text as text
from codem.knob import knob
from codem.records import Problem

VERSION = "1"
LANGUAGES = ("typescript",)
ERRATA = "humaneval"

HEADER = re.compile(r"const (\w+) = function \((.*)\) : (.*?)\s*\{")
UNTYPED_LIST = re.compile(r"^(let expected_\d+) = \[\];", re.M)
TEXTS = {
    142: "Given a list of integers, square each entry whose index is a multiple of 3, and cube each entry whose index "
    "is a multiple of 4 and not a multiple of 3.\nLeave the other entries as they are, and return their sum."
    "\n\nExamples:\nFor lst = [1,2,3] the output should be 6\nFor lst = [] the output should be 0\n"
    "For lst = [-1,-5,2,-1,-5] the output should be -126",
}
SOLUTION = re.compile(r"^export const (\w+) = \((.*)\)(?:: (.*?))? => \{\n", re.M)


@dataclass(frozen=True)
class Config:
    home: str = HOME
    """The pattern of the files' addresses, for a mirror."""
    n: int | None = knob(None, least=1)
    """Only the first n tasks, for a quick look."""


def _typescript_solutions(content: bytes) -> list[Any]:
    solutions = json.loads(content)["typescript"]
    return [{"task_id": task, "solution": solution} for task, solution in solutions.items()]


PROBLEMS = DataFile(
    "multilingual-humaneval",
    "HumanEval_typescript_v1.jsonl.gz",
    "amazon-science/mxeval",
    "e09974f990eeaf0c0e8f2b5eaff4be66effb2c86",
    "data/multilingual_humaneval/HumanEval_typescript_v1.jsonl",
    "6039fe3b75bd1670702bab22ebb21b8c29ac29fa91211d7d9e59b13ae581b7a7",
    161,
    ("task_id", "prompt", "description", "entry_point", "test"),
)
SOLUTIONS = DataFile(
    "poly-humaneval",
    "poly_humaneval_sol.json.gz",
    "polyeval/poly-humaneval",
    "c490b4c1c2f53819f4be274d8d2b24d1d8e2035b",
    "data/poly_humaneval_sol.json",
    "bf89cf60c00d02d99a6f62f442f557eb1b86cd44fcdf1b9f311f5a4dc68929ad",
    164,
    ("task_id", "solution"),
    parse=_typescript_solutions,
)


def problems(lang: str, config: Config, source: Source) -> list[Problem]:
    if lang not in LANGUAGES:
        raise ValueError(f"humaneval-typescript has no problems in {lang!r}; it has {', '.join(LANGUAGES)}")
    rows, solutions = load([PROBLEMS, SOLUTIONS], source, config.home)
    of = {row["task_id"].rpartition("/")[2]: row["solution"] for row in solutions}
    return each(rows[: config.n], lambda row: _problem(row, of[row["task_id"].rpartition("/")[2]]))


def _problem(row: dict[str, str], solution: str) -> Problem:
    n = int(row["task_id"].rpartition("/")[2])
    signature = text.header(row["prompt"])
    return Problem(
        id=f"humaneval-typescript/typescript/{n}",
        task=f"humaneval-typescript/{n}",
        lang="typescript",
        description=TEXTS.get(n) or text.prose(row["description"]),
        signature=signature + "\n",
        entry_point=row["entry_point"],
        prelude="",
        tests=UNTYPED_LIST.sub(r"\1: any[] = [];", row["test"]).strip("\n") + "\n",
        reference=_reference(solution, signature),
        style="program",
    )


def _reference(solution: str, signature: str) -> str:
    """The solution's last function under the published name, its parameters as aliases; its helpers come after it."""
    header, mine = HEADER.match(signature), list(SOLUTION.finditer(solution))[-1]
    assert header is not None, signature
    body, helpers = solution[mine.end() :].strip("\n"), solution[: mine.start()].strip("\n")
    pairs = zip(_names(mine[2]), _names(header[2]), strict=True)
    aliases = "".join(f"    let {theirs} = {ours};\n" for theirs, ours in pairs if theirs != ours)
    whole = f"{aliases}{body};\n" + (f"\n{helpers}\n" if helpers else "")
    return re.sub(rf"\b{mine[1]}\b", header[1], whole).replace("export const ", "const ")


def _names(parameters: str) -> list[str]:
    """Of `a: number, b, c: Map<string, any>`: what stands before the colons, commas within brackets not counted."""
    flat, before = parameters.replace("=>", ""), None
    while flat != before:
        before, flat = flat, re.sub(r"<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]", "", flat)
    return [part.partition(":")[0].strip() for part in flat.split(",")]
