"""Does the code of a pair compile? Told by the judge's build step in the sandbox; nothing is run.

    failures(pairs, facts, open_sandbox("auto"), workers=2)    # the pairs whose code does not compile

The code is taken as it is. What is not here does not compile: a third-party package of Go, Java, C or C++. TypeScript
is the exception, whose compiler reads types alone: a package that is not here has type any. Python and JavaScript are
compiled by their interpreters; JSX by nothing that is here, so it counts as compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import ModuleType

from codem import plugins
from codem.corpus import script_syntax
from codem.corpus.code import Block
from codem.corpus.filters import code_of
from codem.corpus.pair import Pair
from codem.corpus.parsing import has_jsx
from codem.corpus.rejection import Reason, Rejection
from codem.corpus.units import unit
from codem.language_facts import LanguageFacts
from codem.records import Outcome
from codem.runtime import STOPPED, Built, Program, program
from codem.sandbox import HarnessError, Sandbox
from codem.work_folder import work_folder

CPP_STANDARD = "-std=gnu++17"
"""The published benchmark's C++11 would turn away what people write today."""
_AT = [
    re.compile(r"^[^\s:]*?[\w-]+\.\w+:(?P<line>\d+):(?:(?P<column>\d+):)? (?:fatal )?(?:error: )?(?P<what>.+)$", re.M),
    re.compile(r"^[^\s:]*answer\.ts\((?P<line>\d+),(?P<column>\d+)\): error (?P<what>.+)$", re.M),
    re.compile(r"^(?P<what>error.*)\n\s*--> [^:\n]*:(?P<line>\d+):(?P<column>\d+)", re.M),
    re.compile(r"^[\w-]+\.js:(?P<line>\d+)\n(?:.*\n){1,4}?(?P<column>)(?P<what>\w*Error: .+)$", re.M),
]


@dataclass(frozen=True)
class _Text:
    """One text to compile, and where it is in the response."""

    code: str
    line: int


def failures(pairs: Sequence[Pair], facts: LanguageFacts, sandbox: Sandbox, workers: int) -> list[Rejection]:
    """In the order of the pairs. Of several blocks the longest has to compile, or all of them as one text: the others
    show how it is used, or the steps towards it. A pair without code of the language is not looked at, nor is any of a
    language that nothing compiles.

    Raises HarnessError when a program known to be right does not compile: then nothing is said of any pair.
    """
    if facts.name not in plugins.names("languages"):
        return []
    plugin = plugins.load("languages", facts.name)
    if not (tools := plugin.toolchain()).found:
        raise HarnessError(f"{facts.name}: {tools.how_to_get()}")
    blocks = {pair.id: own for pair in pairs if (own := _blocks(pair, facts))}
    first = {id: max(own, key=lambda text: len(text.code)) for id, own in blocks.items()}
    said = _compiled(list(first.values()), plugin, facts, sandbox, workers)
    failed = {id: said[text.code] for id, text in first.items() if said[text.code]}
    joined = {id: "\n\n".join(text.code for text in blocks[id]) for id in failed if len(blocks[id]) > 1}
    again = _compiled([_Text(code, 1) for code in joined.values()], plugin, facts, sandbox, workers)
    return [
        Rejection(pair.id, Reason.DOES_NOT_COMPILE, _evidence(failed[pair.id], first[pair.id], plugin, facts))
        for pair in pairs
        if pair.id in failed and (pair.id not in joined or again[joined[pair.id]])
    ]


def _blocks(pair: Pair, facts: LanguageFacts) -> list[_Text]:
    found = code_of(pair, facts)
    if isinstance(found, Rejection):
        return []
    mine: list[Block] = [block for block, _ in found]
    if any(has_jsx(facts.name, block.text) for block in mine):
        return []
    return [_Text(block.text, block.line) for block in mine]


def _compiled(
    texts: Sequence[_Text], plugin: ModuleType, facts: LanguageFacts, sandbox: Sandbox, workers: int
) -> dict[str, str]:
    """Code -> what the compiler has against it; empty: nothing. Equal ones are compiled once."""
    codes = list(dict.fromkeys(text.code for text in texts))
    size = max(1, min(plugin.BATCH, -(-len(codes) // max(1, workers))))
    batches = [codes[i : i + size] for i in range(0, len(codes), size)]
    batch: Callable[[Sequence[str], ModuleType, LanguageFacts, Sandbox], list[str]]
    batch = _interpreted if facts.name in script_syntax.SUFFIX else _built
    said: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="compiles") as pool:
        jobs = [pool.submit(batch, [*some, plugin.CANARY.right], plugin, facts, sandbox) for some in batches]
        try:
            for some, job in zip(batches, jobs, strict=True):
                *told, known = job.result()
                if known:
                    raise HarnessError(
                        f"{facts.name}: expected a program known to be right to compile, found: {known[-600:]}\n"
                        "Try `python -m codem.doctor`."
                    )
                said.update(zip(some, told, strict=True))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return said


def _built(codes: Sequence[str], plugin: ModuleType, facts: LanguageFacts, sandbox: Sandbox) -> list[str]:
    made = [program(unit(plugin, facts, code), facts.limits.run_cpu_s) for code in codes]
    programs: dict[str, Program] = {one.key: one for one in made}
    try:
        with work_folder() as folder:
            built = {b.key: b for b in _builder(plugin, facts)(list(programs.values()), folder, sandbox, facts)}
            said = {key: _message(b).replace(f"{folder}/", "") for key, b in built.items()}
    except OSError as error:
        raise HarnessError(f"cannot compile here: {error}; free some space there or set TMPDIR") from error
    return [said[one.key] for one in made]


def _builder(plugin: ModuleType, facts: LanguageFacts) -> Callable[..., list[Built]]:
    if facts.name != "cpp":
        return plugin.build
    from codem.languages._c.build import build_in

    dialect = replace(plugin.DIALECT, flags=(CPP_STANDARD,))
    return lambda programs, folder, sandbox, facts: build_in(dialect, programs, folder, sandbox, facts.limits)


def _message(built: Built) -> str:
    if built.failure is Outcome.HARNESS_ERROR:
        raise HarnessError(f"the build step failed: {built.message[-600:]}")
    return built.message.strip() or "it does not compile" if built.failure is not None else ""


def _interpreted(codes: Sequence[str], plugin: ModuleType, facts: LanguageFacts, sandbox: Sandbox) -> list[str]:
    try:
        with work_folder() as folder:
            return script_syntax.faults(facts.name, codes, folder, plugin.toolchain(), sandbox, facts.limits)
    except OSError as error:
        raise HarnessError(f"cannot compile here: {error}; free some space there or set TMPDIR") from error


def _evidence(said: str, text: _Text, plugin: ModuleType, facts: LanguageFacts) -> str:
    """The first error with its line in the response; without names of temporary files: equal runs say equal things."""
    if said.startswith(STOPPED):
        return said.split("\n")[0]
    matches = [match for pattern in _AT if (match := pattern.search(said))]
    if not matches:
        if undefined := re.search(r"undefined reference to .+", said):
            return undefined[0]
        return re.sub(r"\S*/tmp/\S+", "", said.strip().split("\n")[0])[:200]
    first = min(matches, key=lambda match: match.start())
    row = int(first["line"]) - _lines_before(text.code, plugin, facts)
    lines = text.code.split("\n")
    shown = f": {lines[row - 1].strip()[:100]}" if 0 < row <= len(lines) else ""
    return f"line {row + text.line - 1}: {first['what'].strip()[:200]}{shown}"


def _lines_before(code: str, plugin: ModuleType, facts: LanguageFacts) -> int:
    """How many lines the file has that is compiled, before those of the response."""
    if facts.name in script_syntax.SUFFIX:
        return 0
    files = unit(plugin, facts, code).values()
    return next((source.count("\n", 0, source.find(code)) for source in files if code in source), 0)
