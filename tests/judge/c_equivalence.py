"""Does an answer in C or C++ get the same outcome among others as alone, and as by the published commands?

    python tests/judge/c_equivalence.py cpp DATA_DIR [every] [mutants]

judges the references of every n-th problem and seeded mutants of them (one operator, constant or comparison changed)
in three ways: many in one build, each in a build of its own, and, for passing or not, prelude, answer and test in one
file with the benchmark's own command and no protection at all. The tests run a small part of this.
"""

from __future__ import annotations

import random
import re
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from judge_help import facts

from codem import plugins
from codem.benchmark_data import Source
from codem.judge import classify
from codem.languages._c.shop import INCLUDE
from codem.records import Outcome, Problem
from codem.runtime import Program, program
from codem.sandbox import Fence, Sandbox, open_sandbox
from codem.work_folder import work_folder

SLIPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "+", "&&": "||"}
SLIPS |= {"||": "&&", "++": "--", "+=": "-=", "0": "1", "1": "2", "2": "3", "true": "false", "false": "true"}
SLIPS |= {"return": "", ";": "", "int": "char", ")": ""}
TOKEN = re.compile(r"\+\+|[<>=!+]=|&&|\|\||[<>+*;)-]|\b(?:\d|true|false|return|int)\b")


def mutants(reference: str, rng: random.Random, count: int) -> list[str]:
    """Texts with one token changed. Some do not compile, as some answers do not."""
    tokens = list(TOKEN.finditer(reference))
    tokens = [t for t in tokens if t[0] in SLIPS]
    chosen = rng.sample(tokens, min(count, len(tokens)))
    return [reference[: t.start()] + SLIPS[t[0]] + reference[t.end() :] for t in chosen]


def candidates(problems: Sequence[Problem], each: int, seed: int = 7) -> list[tuple[Problem, str]]:
    rng = random.Random(seed)
    return [(p, p.signature + body) for p in problems for body in [p.reference, *mutants(p.reference, rng, each)]]


def programs(items: Sequence[tuple[Problem, str]]) -> list[Program]:
    plugin = plugins.load("languages", items[0][0].lang)
    return [program(plugin.assemble(p, code), 2.0) for p, code in items]


def together(lang: str, items: Sequence[Program], sandbox: Sandbox) -> list[Outcome]:
    """Built in one call, run one after another."""
    plugin, language = plugins.load("languages", lang), facts(lang)
    tools, limits = plugin.toolchain(), language.limits
    fence = Fence(cpu_s=2, memory_mb=limits.memory_mb, address_mb=limits.address_mb, processes=limits.processes)
    found = []
    with work_folder() as folder:
        builds = plugin.build(items, folder, sandbox, language)
        with sandbox.session(readonly=tools.folders, binds=tools.binds, folder=folder) as session:
            for built in builds:
                mark = secrets.token_hex(16)
                if built.failure is None:
                    ran = session.run(built.command, fence=fence, folder=built.folder, stdin=mark.encode())
                    found.append(classify(ran, mark, plugin.MEMORY_SIGNS))
                else:
                    found.append(built.failure)
    return found


def one_by_one(lang: str, items: Sequence[Program], sandbox: Sandbox) -> list[Outcome]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: together(lang, [one], sandbox)[0], items))


def published(items: Sequence[tuple[Problem, str]], sandbox: Sandbox) -> list[bool]:
    """Whether the program of the benchmark's own recipe ends with code 0."""

    def passes(item: tuple[Problem, str]) -> bool:
        problem, code = item
        dialect = plugins.load("languages", problem.lang).DIALECT
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            source = folder / f"program.{dialect.extension}"
            source.write_text(f"{problem.prelude}\n{code}\n{problem.tests}\n")
            command = [dialect.compiler, *dialect.flags, "-w", f"-I{INCLUDE}", str(source), "-o", f"{name}/run"]
            fence = Fence(wall_s=60, cpu_s=60)
            command.append("-lm")
            made = sandbox.run(command, fence=fence, readonly=[INCLUDE], writable=[folder], cwd=folder)
            if made.exit_code != 0:
                return False
            return sandbox.run([f"{name}/run"], fence=Fence(cpu_s=2), readonly=[folder]).exit_code == 0

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(passes, items))


def benchmark_problems(lang: str, data_dir: Path) -> list[Problem]:
    benchmark = plugins.load("benchmarks", "humaneval_x" if lang == "cpp" else "humaneval_c")
    source = Source(data_dir=data_dir, cache_dir=Path(tempfile.gettempdir()))
    return benchmark.problems(lang, benchmark.Config(), source)


def main(lang: str, data_dir: Path, every: int, each: int) -> int:
    problems = benchmark_problems(lang, data_dir)[::every]
    items = candidates(problems, each)
    made, sandbox = programs(items), open_sandbox()
    size = plugins.load("languages", lang).BATCH
    many = [one for i in range(0, len(made), size) for one in together(lang, made[i : i + size], sandbox)]
    alone, plain = one_by_one(lang, made, sandbox), published(items, sandbox)
    differ = 0
    for (problem, code), a, b, c in zip(items, many, alone, plain, strict=True):
        if a is not b or (b is Outcome.PASSED) is not c:
            differ += a is not b
            print(f"--- {problem.id}: together {a}, alone {b}, published {'passes' if c else 'fails'}\n{code}")
    print(f"{lang}: {len(items)} programs, {len(problems)} of them references; together {dict(Counter(many))}")
    print(
        f"together against alone: {differ} differ; alone against published, passing: "
        f"{sum((b is Outcome.PASSED) is not c for b, c in zip(alone, plain, strict=True))} differ"
    )
    return differ


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[3:]] or [1]
    sys.exit(bool(main(sys.argv[1], Path(sys.argv[2]), numbers[0], numbers[1] if len(numbers) > 1 else 1)))
