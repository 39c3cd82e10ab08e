"""Judge the answers of one language: cut, assemble, build many at once, run each alone, say what happened.

    sandbox = open_sandbox("auto")
    judge(items, facts, workers=2, sandbox=sandbox, on_verdicts=lambda verdicts: append(path, verdicts))

Answers stream through in windows, so memory does not grow with their number. Equal programs are built and run once.
Verdicts are handed over batch by batch, always in the calling thread; a process that is killed loses only the batches
under way.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from codem import plugins
from codem.cut import cut
from codem.language_facts import LanguageFacts
from codem.records import Outcome, Problem, Sample, Verdict
from codem.runtime import STOPPED, Built, Program, Toolchain, program
from codem.sandbox import Fence, HarnessError, Result, Sandbox, Session
from codem.verdict_cache import REPEATABLE, Known, VerdictCache
from codem.work_folder import work_folder

JUDGE_VERSION = "2"
"""Goes up whenever the same text could get another verdict."""
REFERENCE_FACTOR = 10
"""A program may take so many times the processor seconds of the problem's reference, if that is more than the
language's own limit."""
WINDOW = 4096
WINDOW_TEXT = 64 << 20
"""Answers, and bytes of their texts, that are looked at together."""
TAIL = 2000

OnVerdicts = Callable[[list[Verdict]], None]


@dataclass
class _Wanted:
    """One program of a window, and the answers that are it."""

    program: Program
    key: str
    """Of the verdict: the program and its time limit."""
    cost_s: float
    samples: list[tuple[str, int]] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)
    """Keys of the answers as they came: known ones need not even be cut."""


@dataclass(frozen=True)
class _Done:
    known: Known
    again: bool
    """Whether it would happen again, whatever else the machine does."""


def judge(
    items: Iterable[tuple[Problem, Sample]],
    language: LanguageFacts,
    *,
    workers: int,
    sandbox: Sandbox,
    on_verdicts: OnVerdicts,
    cache: VerdictCache | None = None,
    reference_cpu_s: Mapping[str, float] | None = None,
    measured_cpu_s: dict[str, float] | None = None,
) -> None:
    """Raises HarnessError when judging here cannot be trusted; what was handed over before stays true.

    cache: verdicts of programs that were judged before under the same `describe()`, added to as it goes.
    reference_cpu_s: by problem, what its reference takes; limits never fall below REFERENCE_FACTOR times that.
    measured_cpu_s: filled with what the run of a problem's answer took, the last one if there are several.
    """
    cache = VerdictCache(None) if cache is None else cache
    costs = reference_cpu_s or {}
    plugin = plugins.load("languages", language.name)
    tools = _found(plugin, language)
    checker = canary(plugin, language, plugin.CANARY.right)
    digests: dict[str, bytes] = {}
    pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="judge")
    try:
        for window in _windows(items):
            new: dict[str, _Wanted] = {}
            told: list[Verdict] = []
            for problem, sample in window:
                limit = _cpu_s(problem, language, costs)
                answer = _answer_key(problem, limit, sample.text, digests)
                if (known := cache.get(answer)) is not None:
                    told.append(known.of(sample.problem, sample.sample))
                    continue
                one = program(plugin.assemble(problem, cut(problem, sample.text)), limit)
                key = hashlib.sha256(f"{one.key} {limit:g}".encode()).hexdigest()
                wanted = new.setdefault(key, _Wanted(one, key, costs.get(problem.id, 0.0)))
                wanted.samples.append((sample.problem, sample.sample))
                wanted.answers.add(answer)
            before = {key: known for key in new if (known := cache.get(key)) is not None}
            told += [v for key, known in before.items() for v in _verdicts(known, new[key])]
            cache.put_also((answer, key) for key in before for answer in new[key].answers)
            if told:
                on_verdicts(told)
            rest = sorted((w for key, w in new.items() if key not in before), key=lambda w: -w.cost_s)
            batches = _batches(rest, workers, plugin.BATCH)
            jobs = [pool.submit(_judge_batch, b, checker, plugin, tools, language, sandbox) for b in batches]
            for batch, job in zip(batches, jobs, strict=True):
                found = job.result()
                if measured_cpu_s is not None:
                    measured_cpu_s |= {p: found[w.key].known.cpu_s for w in batch for p, _ in w.samples}
                on_verdicts([v for w in batch for v in _verdicts(found[w.key].known, w)])
                cache.put((key, done.known) for key, done in found.items() if done.again)
                cache.put_also((a, w.key) for w in batch if found[w.key].again for a in w.answers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def probe(language: LanguageFacts, sandbox: Sandbox) -> dict[str, Known]:
    """What judging here says of five answers whose verdicts are known: `right`, `wrong`, `empty`, `endless` and
    `leaving` (with exit code 0, before the tests are done). Raises HarnessError."""
    plugin = plugins.load("languages", language.name)
    tools = _found(plugin, language)
    one_second = replace(language.limits, run_cpu_s=language.limits.start_cpu_s + 1)
    language = replace(language, limits=one_second)
    known = plugin.CANARY
    answers = {"right": known.right, "wrong": known.wrong, "endless": known.endless, "leaving": known.leaving}
    programs = {name: canary(plugin, language, code) for name, code in {**answers, "empty": ""}.items()}
    done = run_all({p.key: p for p in programs.values()}, plugin, tools, language, sandbox)
    return {name: done[p.key].known for name, p in programs.items()}


def describe(language: LanguageFacts, sandbox: Sandbox) -> dict[str, Any]:
    """What a verdict depends on besides the program: for the record, beside the scores."""
    plugin = plugins.load("languages", language.name)
    tools = _found(plugin, language)
    return {
        "judge": JUDGE_VERSION,
        "compiler": tools.version,
        "flags": plugin.FLAGS,
        "limits": {**asdict(language.limits), "reference_factor": REFERENCE_FACTOR},
        "sandbox": sandbox.name,
        **({} if language.check or not getattr(plugin, "CHECKS_TYPES", False) else {"check": False}),
    }


@functools.cache
def code_digest() -> str:
    """Of what turns an answer into a program and a verdict: what an older version of it said is not reused."""
    here = Path(__file__).parent
    files = [*(here / "languages").rglob("*.*"), *(here / "cutting").glob("*.py"), here / "cut.py", here / "judge.py"]
    digest = hashlib.sha256()
    for path in sorted(p for p in [*files, here / "runtime.py"] if p.is_file() and p.suffix != ".pyc"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def canary(plugin: ModuleType, language: LanguageFacts, code: str) -> Program:
    """A program whose verdict is known: the plug-in's own small problem with one of its answers."""
    known = plugin.CANARY
    problem = Problem("canary", "canary", language.name, "", known.signature, "twice", "", known.tests, "")
    return program(plugin.assemble(problem, code), language.limits.run_cpu_s)


def _found(plugin: ModuleType, language: LanguageFacts) -> Toolchain:
    tools = plugin.toolchain()
    if not tools.found:
        raise HarnessError(f"{language.name}: {tools.how_to_get()}; then run execute again")
    return tools


def _windows(items: Iterable[tuple[Problem, Sample]]) -> Iterator[list[tuple[Problem, Sample]]]:
    window: list[tuple[Problem, Sample]] = []
    size = 0
    for item in items:
        window.append(item)
        size += len(item[1].text)
        if len(window) == WINDOW or size >= WINDOW_TEXT:
            yield window
            window, size = [], 0
    if window:
        yield window


def _cpu_s(problem: Problem, language: LanguageFacts, costs: Mapping[str, float]) -> float:
    """In steps of two, so that a small difference in what the reference took here or there makes no other limit."""
    limits = language.limits
    own = problem.run_cpu_s
    limit = limits.run_cpu_s if own is None else min(limits.run_cpu_s, limits.start_cpu_s + own)
    while limit < REFERENCE_FACTOR * costs.get(problem.id, 0.0):
        limit *= 2
    return limit


def _answer_key(problem: Problem, cpu_s: float, text: str, digests: dict[str, bytes]) -> str:
    """digests: of the problems that were seen, by id."""
    if problem.id not in digests:
        digests[problem.id] = hashlib.sha256(repr(problem).encode("utf-8", "surrogatepass")).digest()
    whole = digests[problem.id] + f"{cpu_s:g} ".encode() + text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()


def _batches(wanted: Sequence[_Wanted], workers: int, most: int) -> list[list[_Wanted]]:
    """At least one batch per worker when there is enough to build. Neighbours go to different batches: they are often
    alike, and one worker should not get all the endless loops."""
    count = max(min(workers, len(wanted)), -(-len(wanted) // most))
    return [list(wanted[i::count]) for i in range(count)]


def _verdicts(known: Known, wanted: _Wanted) -> Iterator[Verdict]:
    return (known.of(problem, sample) for problem, sample in wanted.samples)


def _judge_batch(
    batch: Sequence[_Wanted],
    checker: Program,
    plugin: ModuleType,
    tools: Toolchain,
    language: LanguageFacts,
    sandbox: Sandbox,
) -> dict[str, _Done]:
    """By key. A program known to be right goes along: if that one
    does not pass, nothing of the batch is a verdict."""
    programs = {w.program.key: w.program for w in batch}
    cpu_s = {w.program.key: w.program.cpu_s for w in batch}
    if len(cpu_s) < len(batch):  # one program, wanted with two time limits
        first, *rest = batch
        return {
            **_judge_batch([first], checker, plugin, tools, language, sandbox),
            **_judge_batch(rest, checker, plugin, tools, language, sandbox),
        }
    programs[checker.key] = checker
    done = run_all(programs, plugin, tools, language, sandbox)
    checked = done[checker.key].known
    if checked.outcome is not Outcome.PASSED:
        raise HarnessError(
            f"{language.name}: expected a program known to be right to pass, found {checked.outcome}: no verdict.\n"
            f"{checked.output_tail[-600:]}\nTry `python -m codem.doctor`; then run execute again."
        )
    return {w.key: done[w.program.key] for w in batch}


def run_all(
    programs: dict[str, Program], plugin: ModuleType, tools: Toolchain, language: LanguageFacts, sandbox: Sandbox
) -> dict[str, _Done]:
    """By program: build them together, run each by itself. Raises HarnessError."""
    done: dict[str, _Done] = {}
    try:
        with work_folder() as folder:
            builds = plugin.build(list(programs.values()), folder, sandbox, language)
            with sandbox.session(readonly=tools.folders, binds=tools.binds, folder=folder) as session:
                for built in builds:
                    if built.failure is not None:
                        known = Known(built.failure, 0.0, None, _tail(built.message, "", folder), built.key)
                        again = built.failure in REPEATABLE and not built.message.startswith(STOPPED)
                    else:
                        known = _run(built, programs[built.key].cpu_s, plugin, language, session, folder)
                        # a crash by a signal may be the machine's doing
                        again = known.outcome in REPEATABLE and known.exit_code is not None
                    done[built.key] = _Done(known, again)
    except OSError as error:
        raise HarnessError(f"judge: cannot work here: {error}; free some space there or set TMPDIR") from error
    return done


def _run(
    built: Built, cpu_s: float, plugin: ModuleType, language: LanguageFacts, session: Session, folder: Path
) -> Known:
    limits = language.limits
    fence = Fence(
        wall_s=max(limits.run_wall_s, 4 * cpu_s),
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
            said = re.sub(rf"^{mark} \w+\n", "", result.stdout, flags=re.M).replace(mark, "")
            outcome = classify(result, mark, plugin.MEMORY_SIGNS)
            tail = _tail(said, result.stderr, folder)
            cpu_s = round(result.cpu_s, 4)
            return Known(outcome, round(result.seconds, 4), result.exit_code, tail, built.key, cpu_s)
    return Known(Outcome.HARNESS_ERROR, 0.0, None, _tail("", result.stderr, folder), built.key)


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
