"""Does a program get the same verdict among others as by itself? References and seeded wrong programs, both ways.

python -m benchmarks.equality --data-dir ../data [--lang cpp,java] [--mutants 100] [--seed 0] [--out equality.json]

By itself: a build of that one program, which is the reference way of every language plug-in. Prints JSON with every
program whose two verdicts differ; exit code 1 if there is one. A program that ends near its time limit may differ from
itself.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.steady import references
from codem import plugins
from codem.cut import cut
from codem.judge import run_all
from codem.language_facts import LanguageFacts
from codem.records import Problem
from codem.runtime import Program, Toolchain, program
from codem.sandbox import Sandbox, open_sandbox

SWAPS = {"+": "-", "-": "+", "<": ">", ">": "<", "==": "!=", "!=": "==", "<=": "<", ">=": ">", "*": "+", "0": "1"}
SWAPS |= {
    "1": "2",
    "2": "3",
    "true": "false",
    "false": "true",
    "True": "False",
    "False": "True",
    "&&": "||",
    "and": "or",
}
TOKEN = re.compile(
    r"(?<![<>=!+\-*&|/])(?:" + "|".join(sorted(map(re.escape, SWAPS), key=len, reverse=True)) + r")(?![<>=+\-*&|/])"
)


def mutants(problems: Sequence[Problem], count: int, seed: int) -> list[tuple[Problem, str]]:
    """Answers with one operator, constant or character of a reference changed."""
    rng = random.Random(seed)
    made: dict[tuple[str, str], Problem] = {}
    while len(made) < count:
        problem = rng.choice(problems)
        text = problem.reference
        places = list(TOKEN.finditer(text))
        if places and rng.random() < 0.8:
            place = rng.choice(places)
            text = text[: place.start()] + SWAPS[place[0]] + text[place.end() :]
        else:
            at = rng.randrange(len(text))
            text = text[:at] + text[at + 1 :]
        if text != problem.reference:
            made[problem.id, text] = problem
    return [(problem, text) for (_, text), problem in made.items()]


def both(
    lang: str, facts: LanguageFacts, problems: Sequence[Problem], sandbox: Sandbox, wanted: argparse.Namespace
) -> dict[str, Any]:
    plugin = plugins.load("languages", lang)
    tools = plugin.toolchain()
    answers = [(p, p.reference) for p in problems] + mutants(problems, wanted.mutants, wanted.seed)
    programs: dict[str, Program] = {}
    names: dict[str, str] = {}
    for problem, text in answers:
        one = program(plugin.assemble(problem, cut(problem, text)), facts.limits.run_cpu_s)
        programs[one.key], names[one.key] = one, problem.id
    ordered = list(programs.values())
    batches = [
        ordered[i :: max(2, -(-len(ordered) // plugin.BATCH))] for i in range(max(2, -(-len(ordered) // plugin.BATCH)))
    ]
    start = time.monotonic()
    among = _outcomes(batches, plugin, tools, facts, sandbox)
    middle = time.monotonic()
    alone = _outcomes([[p] for p in ordered], plugin, tools, facts, sandbox)
    return {
        "programs": len(ordered),
        "outcomes": dict(Counter(alone.values())),
        "differ": {f"{names[k]} {k[:12]}": [among[k], alone[k]] for k in among if among[k] != alone[k]},
        "seconds_among_others": round(middle - start, 1),
        "seconds_alone": round(time.monotonic() - middle, 1),
    }


def _outcomes(
    batches: Sequence[Sequence[Program]], plugin: ModuleType, tools: Toolchain, facts: LanguageFacts, sandbox: Sandbox
) -> dict[str, str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(lambda batch: run_all({p.key: p for p in batch}, plugin, tools, facts, sandbox), batches)
        return {key: str(one.known.outcome) for batch in done for key, one in batch.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--lang", default="", help="default: all")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    sandbox = open_sandbox("auto")
    found: dict[str, Any] = {}
    for cell, lang, problems in references(arguments.data_dir):
        if lang in (arguments.lang.split(",") if arguments.lang else [lang]):
            found[lang] = both(lang, cell.languages[lang], problems, sandbox, arguments)
            print(lang, json.dumps(found[lang]), file=sys.stderr, flush=True)
    text = json.dumps({"sandbox": sandbox.name, "seed": arguments.seed, "languages": found}, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    return 1 if any(one["differ"] for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
