"""TypeScript: one compile of many files, then node. With `check`, a type error in the answer is a compile error.

Only the answer's own file is checked: the tests are compiled unchecked, so what a benchmark's tests do to the compiler
is not charged to a model. The compiler reports no type error anywhere while one file of the call does not parse. So
files that do not parse are found first and left out, until the call reports on all that remain.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts, Limits
from codem.languages import javascript
from codem.records import Outcome, Problem
from codem.runtime import (
    TOOLCHAINS,
    Built,
    Canary,
    Program,
    Toolchain,
    broke,
    build_with_fallback,
    folders_for,
    run_build,
    which,
    write,
)
from codem.sandbox import HarnessError, Result, Sandbox

PACKAGE = "typescript@7.0.2"
"""The native compiler: one call for thirty small files takes a quarter of a second."""
TSC_FLAGS = (
    "--strict --target es2022 --module commonjs --lib es2022 --moduleDetection force --skipLibCheck --pretty false "
    "--noEmitOnError false"
)
FLAGS = f"tsc {TSC_FLAGS} (--noCheck where type errors do not count); {javascript.FLAGS}"
MEMORY_SIGNS = javascript.MEMORY_SIGNS

CANARY = Canary(
    signature="function twice(n: number): number {\n",
    tests="codem_check(twice(21) === 42);\n",
    right="function twice(n: number): number {\n  return 2 * n;\n}\n",
    wrong="function twice(n: number): number {\n  return n;\n}\n",
    endless="function twice(n: number): number {\n  while (n < 1e9) { n = 1; } return n;\n}\n",
    leaving="function twice(n: number): number {\n  process.exit(0); return n;\n}\n",
)
BATCH = 128

NODE_TYPES = "_script_node.d.ts"
UNCHECKED = "// @ts-nocheck\n"

CHECKS_TYPES = True
"""`facts.check` decides whether a type error is a compile error."""

REACHES_OTHERS = re.compile(
    r"declare\s+(global|module|namespace)\b|///\s*<reference|\b(?:from|import|require)\s*\(?\s*['\"`][./]|export\s+as\b"
)
"""Could change how another file of the same call is checked: such a program is compiled alone."""
ERROR = re.compile(r"(\w{16})/answer\.ts\(\d+,\d+\): error TS(\d+)")


def native() -> str | None:
    found = sorted((TOOLCHAINS / "node_modules" / "@typescript").glob("typescript-*/lib/tsc"))
    return str(found[0].resolve()) if found else None


def toolchain() -> Toolchain:
    node, compiler = javascript.node_path(), native()
    script = None if compiler else which("tsc", TOOLCHAINS / "node_modules" / ".bin", script=True)
    missing = tuple(name for name, path in (("node", node), ("tsc", compiler or script)) if not path)
    paths = {"node": node, "tsc": compiler or script}
    command = (compiler,) if compiler else (node or "node", script or "tsc")
    return Toolchain(
        found=not missing,
        paths={name: path for name, path in paths.items() if path},
        with_root="python -m codem.toolchains install",
        without_root="python -m codem.toolchains install",
        missing=missing,
        version_commands={"tsc": (*command, "--version"), "node": (node or "node", "--version")},
        folders=folders_for(path for path in paths.values() if path),
    )


def assemble(problem: Problem, code: str) -> dict[str, str]:
    return {
        "answer.ts": f"{problem.prelude}\n{code}\n",
        "tests.ts": f"{UNCHECKED}{problem.prelude}\n{problem.tests}\n",
        "types.d.ts": _node_types(),
        "main.cjs": javascript.harness(problem.entry_point),
    }


@functools.cache
def _node_types() -> str:
    return Path(__file__).with_name(NODE_TYPES).read_text(encoding="utf-8")


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    tools = toolchain()
    for item in programs:
        write(item, folder, ("answer.ts", "main.cjs"))

    def together(some: Sequence[Program]) -> dict[str, Built] | Result:
        return _compile(some, folder, tools, sandbox, facts)

    tests = _compile_tests(programs, folder, tools, sandbox, facts.limits)
    alone = [p for p in programs if REACHES_OTHERS.search(p.files["answer.ts"])]
    reaching = {p.key for p in alone}
    built = {b.key: b for b in build_with_fallback([p for p in programs if p.key not in reaching], together)}
    for item in alone:
        built.update({b.key: b for b in build_with_fallback([item], together)})
    for item in programs:
        own = built[item.key].folder
        if own is not None:
            javascript.veil(own, tests[item.files["tests.ts"]])
    return [built[p.key] for p in programs]


def _compile_tests(
    programs: Sequence[Program], folder: Path, tools: Toolchain, sandbox: Sandbox, limits: Limits
) -> dict[str, str]:
    """Source -> JavaScript; ours, so that an error is ours as well. Each once, however many answers it judges."""
    sources = list(dict.fromkeys(p.files["tests.ts"] for p in programs))
    ours = folder / "tests"
    ours.mkdir()
    ours.chmod(0o777)
    for i, source in enumerate(sources):
        (ours / f"{i}.ts").write_text(source, encoding="utf-8")
    names = [f"{i}.ts" for i in range(len(sources))]
    command = [*tools.version_commands["tsc"][:-1], *TSC_FLAGS.split(), "--noCheck", *names]
    result = run_build(command, ours, tools, sandbox, limits, count=len(names))
    made = [ours / f"{i}.js" for i in range(len(sources))]
    if result.exit_code != 0 or not all(path.exists() for path in made):
        said = (result.stdout + result.stderr)[-400:]
        raise HarnessError(f"tsc: expected the benchmark's tests to compile, found: {said}")
    compiled = dict(zip(sources, (path.read_text(encoding="utf-8") for path in made), strict=True))
    shutil.rmtree(ours)
    return compiled


def _compile(
    some: Sequence[Program], folder: Path, tools: Toolchain, sandbox: Sandbox, facts: LanguageFacts
) -> dict[str, Built] | Result:
    command = [*tools.version_commands["tsc"][:-1], *TSC_FLAGS.split(), *([] if facts.check else ["--noCheck"])]
    names = {p.key[:16]: p for p in some}
    errors: dict[str, list[str]] = {}
    checked: set[str] = set(names)
    while checked:
        (folder / "types.d.ts").write_text(some[0].files["types.d.ts"], encoding="utf-8")
        files = [f"{name}/answer.ts" for name in sorted(checked)]
        result = run_build([*command, "types.d.ts", *files], folder, tools, sandbox, facts.limits, count=len(files))
        if broke(result):
            return result
        unparsed, said = set(), False
        for line in result.stdout.splitlines():
            match = ERROR.match(line)
            if match and match[1] in names:
                said = True
                errors.setdefault(match[1], []).append(line)
                if len(match[2]) == 4 and match[2].startswith("1"):
                    unparsed.add(match[1])
        ours = [line for line in result.stdout.splitlines() if line.startswith("error TS")]
        if (ours and not REACHES_OTHERS.search(some[0].files["answer.ts"])) or result.exit_code in (126, 127):
            raise HarnessError(
                f"tsc: expected a report on {len(some)} programs, found: {ours[:3] or result.stderr[-400:]}"
            )
        if result.exit_code != 0 and not said:
            if len(some) > 1:
                return result  # the compiler crashed: find whose program it was
            errors.setdefault(next(iter(names)), []).append(result.stdout[-1000:] + result.stderr[-1000:])
            break
        if not unparsed:
            break
        checked -= unparsed
    return {p.key: _built(p, name, errors.get(name), folder, tools) for name, p in names.items()}


def _built(item: Program, name: str, errors: list[str] | None, folder: Path, tools: Toolchain) -> Built:
    if errors:
        return Built(item.key, failure=Outcome.COMPILE_ERROR, message="\n".join(dict.fromkeys(errors)))
    own = folder / name
    if not (own / "answer.js").exists():
        return Built(item.key, failure=Outcome.HARNESS_ERROR, message="tsc reported no error and wrote no answer.js")
    return javascript.start(item.key, own, tools.paths["node"])
