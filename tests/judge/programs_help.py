"""Programs as they come out of cutting, judged in one build or each in a build of its own, without a canary beside."""

from __future__ import annotations

import random
import re
import secrets

import pytest
from judge_help import facts

from codem import plugins
from codem.judge import classify
from codem.records import Outcome, Problem
from codem.runtime import Built, program
from codem.sandbox import Fence, Sandbox
from codem.work_folder import work_folder

SWAPS = [
    ("<=", "<"),
    (">=", ">"),
    ("==", "!="),
    ("+", "-"),
    ("0", "1"),
    ("1", "2"),
    ("&&", "||"),
    ("return ", "return !"),
]
BREAKS = [(";", ""), ("(", "(("), ("int ", "itn "), ("return", "retrun"), (".", ".x"), ("}", "")]


def judged_programs(
    sandbox: Sandbox, pairs: list[tuple[Problem, str]], *, together: bool = True
) -> list[tuple[Outcome, str]]:
    """The outcome of each (problem, code), and what was said."""
    lang = pairs[0][0].lang
    plugin, language = plugins.load("languages", lang), facts(lang)
    tools = plugin.toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())
    limits = language.limits
    fence = Fence(
        cpu_s=limits.run_cpu_s, memory_mb=limits.memory_mb, address_mb=limits.address_mb, processes=limits.processes
    )
    programs = [program(plugin.assemble(problem, code), limits.run_cpu_s) for problem, code in pairs]
    found: dict[str, tuple[Outcome, str]] = {}
    unique = list({p.key: p for p in programs}.values())
    for batch in [unique] if together else [[p] for p in unique]:
        with work_folder() as folder:
            builds: list[Built] = plugin.build(batch, folder, sandbox, language)
            with sandbox.session(folder=folder, readonly=tools.folders, binds=tools.binds) as session:
                for built in builds:
                    if built.failure is not None:
                        found[built.key] = (built.failure, built.message)
                        continue
                    assert built.folder is not None
                    mark = secrets.token_hex(16)
                    result = session.run(
                        built.command, fence=fence, folder=built.folder, env=built.env, stdin=mark.encode()
                    )
                    outcome = classify(result, mark, plugin.MEMORY_SIGNS)
                    found[built.key] = (outcome, result.stdout + result.stderr)
    return [found[p.key] for p in programs]


def mutants(problems: list[Problem], count: int, seed: int) -> list[tuple[Problem, str]]:
    """References with one small change: most are wrong, some do not compile, some never end, some are still right."""
    rng, made = random.Random(seed), []
    while len(made) < count:
        problem = rng.choice(problems)
        old, new = rng.choice(BREAKS if rng.random() < 0.3 else SWAPS)
        spots = [match.start() for match in re.finditer(re.escape(old), problem.reference)]
        if spots:
            at = rng.choice(spots)
            text = problem.reference[:at] + new + problem.reference[at + len(old) :]
            made.append((problem, problem.signature + text))
    return made
