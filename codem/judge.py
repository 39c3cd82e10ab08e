"""Judge the answers of one language: cut, assemble, build many at once, run each alone, say what happened.

    sandbox = open_sandbox("auto")
    judge(items, facts, workers=2, sandbox=sandbox, on_verdicts=lambda verdicts: append(path, verdicts))

Equal programs are built and run once. Verdicts are handed over batch by batch, in the order of the first item that
needs each program, always in the calling thread; a process that is killed loses only the batches under way.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from codem import plugins
from codem.cut import cut
from codem.language_facts import LanguageFacts
from codem.records import Outcome, Problem, Sample, Verdict
from codem.runtime import Built, Program, Toolchain, program
from codem.sandbox import Fence, HarnessError, Result, Sandbox, Session

JUDGE_VERSION = "1"
"""Goes up whenever the same text could get another verdict."""
TAIL = 2000

REPEATABLE = (Outcome.PASSED, Outcome.WRONG, Outcome.COMPILE_ERROR)
"""What the same program will always be told: it does not depend on how busy the machine was."""

OnVerdicts = Callable[[list[Verdict]], None]


def judge(
    items: Sequence[tuple[Problem, Sample]],
    language: LanguageFacts,
    *,
    workers: int,
    sandbox: Sandbox,
    on_verdicts: OnVerdicts,
    known: dict[str, Verdict] | None = None,
) -> None:
    """Raises HarnessError when judging here cannot be trusted; what was handed over before stays true.

    known: verdicts of programs that were judged before under the same description, by program hash; those programs
    are not run again, and what is found here is added. Sister models often write the same program.
    """
    known = {} if known is None else known
    plugin = plugins.load("languages", language.name)
    tools = _found(plugin, language)
    programs: dict[str, Program] = {}
    wanted: dict[str, list[Sample]] = {}
    for problem, sample in items:
        one = program(plugin.assemble(problem, cut(problem, sample.text)), _cpu_s(problem, language))
        programs[one.key] = one
        wanted.setdefault(one.key, []).append(sample)

    canary = program(plugin.assemble(_canary(plugin, language), plugin.CANARY.right), language.limits.run_cpu_s)

    def work(some: list[Program]) -> list[Verdict]:
        batch = [canary, *(p for p in some if p.key != canary.key)]
        done = {built.key: (built, ran) for built, ran in _build_and_run(batch, plugin, tools, language, sandbox)}
        outcome, _, tail = done[canary.key][1]
        if outcome is not Outcome.PASSED:
            raise HarnessError(
                f"{language.name}: expected a program known to be right to pass, found {outcome}: no verdict.\n"
                f"{tail[-600:]}\nTry `python -m codem.toolchains`; then run execute again."
            )
        return [verdict for p in some for verdict in _verdicts(*done[p.key])]

    def _verdicts(built: Built, result: tuple[Outcome, Result | None, str]) -> Iterator[Verdict]:
        outcome, ran, tail = result
        for sample in wanted[built.key]:
            made = Verdict(
                problem=sample.problem,
                sample=sample.sample,
                outcome=outcome,
                seconds=round(ran.seconds, 4) if ran else 0.0,
                exit_code=ran.exit_code if ran else None,
                output_tail=tail,
                program_sha256=built.key,
            )
            if outcome in REPEATABLE:
                known[made.program_sha256] = made
            yield made

    before = {key: known[key] for key in programs if key in known}
    if before:
        again = [(before[key], sample) for key in before for sample in wanted[key]]
        on_verdicts([replace(v, problem=sample.problem, sample=sample.sample) for v, sample in again])
    new = [one for key, one in programs.items() if key not in before]
    pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="judge")
    try:
        for future in [pool.submit(work, batch) for batch in _batches(new, workers, plugin.BATCH)]:
            on_verdicts(future.result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def describe(language: LanguageFacts, sandbox: Sandbox) -> dict[str, Any]:
    """What a verdict depends on besides the program: for the record, beside the scores."""
    plugin = plugins.load("languages", language.name)
    tools = _found(plugin, language)
    return {
        "judge": JUDGE_VERSION,
        "compiler": tools.version,
        "flags": plugin.FLAGS,
        "limits": asdict(language.limits),
        "sandbox": sandbox.name,
    }


def _found(plugin: ModuleType, language: LanguageFacts) -> Toolchain:
    tools = plugin.toolchain()
    if not tools.found:
        raise HarnessError(f"{language.name}: {tools.how_to_get()}; then run execute again")
    return tools


def _canary(plugin: ModuleType, language: LanguageFacts) -> Problem:
    return Problem("canary", "canary", language.name, "", plugin.CANARY.signature, "twice", "", plugin.CANARY.tests, "")


def _cpu_s(problem: Problem, language: LanguageFacts) -> float:
    limits = language.limits
    return (
        limits.run_cpu_s if problem.run_cpu_s is None else min(limits.run_cpu_s, limits.start_cpu_s + problem.run_cpu_s)
    )


def _batches(programs: list[Program], workers: int, most: int) -> list[list[Program]]:
    """At least one batch per worker when there is enough to build. Neighbours go to different batches: they are often
    alike, and one worker should not get all the endless loops."""
    count = max(min(workers, len(programs)), -(-len(programs) // most))
    return [programs[i::count] for i in range(count)]


Ran = tuple[Outcome, Result | None, str]


def _build_and_run(
    programs: list[Program], plugin: ModuleType, tools: Toolchain, language: LanguageFacts, sandbox: Sandbox
) -> list[tuple[Built, Ran]]:
    folder = Path(tempfile.mkdtemp(prefix="codem-judge-"))
    try:
        done: list[tuple[Built, Ran]] = []
        cpu_s = {p.key: p.cpu_s for p in programs}
        builds = plugin.build(programs, folder, sandbox, language)
        with sandbox.session(readonly=tools.folders, binds=tools.binds, folder=folder) as session:
            for built in builds:
                if built.failure is not None:
                    done.append((built, (built.failure, None, _tail(built.message, "", folder))))
                else:
                    done.append((built, _run(built, cpu_s[built.key], plugin, language, session, folder)))
        return done
    except OSError as error:
        raise HarnessError(f"judge: cannot work in {folder}: {error}; free some space there or set TMPDIR") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(
    built: Built,
    cpu_s: float,
    plugin: ModuleType,
    language: LanguageFacts,
    session: Session,
    folder: Path,
) -> Ran:
    limits = language.limits
    fence = Fence(
        wall_s=limits.run_wall_s,
        cpu_s=cpu_s,
        memory_mb=limits.memory_mb,
        address_mb=limits.address_mb,
        output_kb=limits.output_kb,
        processes=limits.processes,
    )
    assert built.folder is not None
    for _ in range(2):
        mark = secrets.token_hex(16)
        result = session.run(
            built.command, fence=fence, folder=built.folder, env=built.env, stdin=mark.encode(), fork=built.fork
        )
        if result.started:
            said = result.stdout.replace(f"{mark} ", "").replace(mark, "")
            return classify(result, mark, plugin.MEMORY_SIGNS), result, _tail(said, result.stderr, folder)
    return Outcome.HARNESS_ERROR, None, _tail("", result.stderr, folder)


def classify(result: Result, mark: str, memory_signs: Sequence[str] = ()) -> Outcome:
    """A pass needs the harness's own last line, with the word that was made for this one execution."""
    status = ""
    for line in reversed(result.stdout.split("\n")):
        if line.startswith(mark + " "):
            status = line[len(mark) + 1 :]
            break
    if status == "end" and result.exit_code == 0:
        return Outcome.PASSED
    if result.output_exceeded:
        return Outcome.OUTPUT_LIMIT
    if status == "wrong":
        return Outcome.WRONG
    if status == "syntax":
        return Outcome.COMPILE_ERROR
    if result.timed_out:
        return Outcome.TIMEOUT
    if result.memory_suspect or any(sign in result.stderr or sign in result.stdout for sign in memory_signs):
        return Outcome.MEMORY
    return Outcome.RUNTIME_ERROR


def _tail(stdout: str, stderr: str, folder: Path) -> str:
    """For a human; without the names of temporary folders, so that equal runs leave equal lines."""
    said = "\n".join(part.strip("\n") for part in (stdout, stderr) if part.strip())
    return said.replace(f"{folder}/", "")[-TAIL:].replace("\x00", "")
