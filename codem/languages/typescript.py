"""TypeScript: one checked compile of many files, then Node. A type error is a compile error.

The compiler reports no type error anywhere while one file of the call does not parse. So files that do not parse
are found first and left out, until the call reports on all that remain.
"""

from __future__ import annotations

import re
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
    "--strict --target es2022 --module commonjs --lib es2022 --skipLibCheck --pretty false --noEmitOnError false"
)
FLAGS = f"tsc {TSC_FLAGS}; {javascript.FLAGS}"
MEMORY_SIGNS = javascript.MEMORY_SIGNS

CANARY = Canary(
    signature="function twice(n: number): number {\n",
    tests="codem_check(twice(21) === 42);\n",
    right="function twice(n: number): number {\n  return 2 * n;\n}\n",
    wrong="function twice(n: number): number {\n  return n;\n}\n",
    endless="function twice(n: number): number {\n  while (n < 1e9) { n = 1; } return n;\n}\n",
    leaving="function twice(n: number): number {\n  process.exit(0);\n}\n",
)
BATCH = 32

# What the programs may use of Node, so that its own large type files need not be read.
GLOBALS = """\
declare var console: { log(...data: any[]): void; error(...data: any[]): void; warn(...data: any[]): void;
  info(...data: any[]): void; debug(...data: any[]): void; assert(value: any, ...data: any[]): void };
declare var require: any;
declare var process: any;
declare var module: any;
declare function setTimeout(handler: (...args: any[]) => void, timeout?: number, ...args: any[]): any;
declare function clearTimeout(id: any): void;
declare function structuredClone<T>(value: T): T;
"""

# The mark is read here, outside the program's own file.
HARNESS = javascript.HARNESS[: javascript.HARNESS.index("  function load(")] + (
    """\
  const tests = require(path.join(__dirname, "program.js")).codem_tests;
  tests((ok) => { if (ok !== true) say("wrong"); });
  say("end");
})();
"""
)

REACHES_OTHERS = re.compile(
    r"declare\s+(global|module|namespace)\b|///\s*<reference|\bimport\b[^;\n]*['\"][./]|@ts-|export\s+as\b"
)
"""Could change how another file of the same call is checked: such a program is compiled alone."""


def _native() -> str | None:
    found = sorted((TOOLCHAINS / "node_modules" / "@typescript").glob("typescript-*/lib/tsc"))
    return str(found[0].resolve()) if found else None


def toolchain() -> Toolchain:
    node, native = javascript.node_path(), _native()
    script = None if native else which("tsc", TOOLCHAINS / "node_modules" / ".bin", script=True)
    missing = tuple(name for name, path in (("node", node), ("tsc", native or script)) if not path)
    paths = {"node": node, "tsc": native or script}
    command = (native,) if native else (node or "node", script or "tsc")
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
    tests = "export function codem_tests(codem_check: (ok: boolean) => void): void {\n" + problem.tests + "\n}\n"
    return {"program.ts": f"{problem.prelude}\n{code}\n;{tests}", "main.js": HARNESS}


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    limits = facts.limits
    tools = toolchain()
    (folder / "globals.d.ts").write_text(GLOBALS, encoding="utf-8")
    for item in programs:
        write(item, folder)

    def together(some: Sequence[Program]) -> dict[str, Built] | Result:
        return _compile(some, folder, tools, sandbox, limits)

    alone = [p for p in programs if REACHES_OTHERS.search(p.files["program.ts"])]
    others = [p for p in programs if p not in alone]
    built = {b.key: b for b in build_with_fallback(others, together)}
    for item in alone:
        built.update({b.key: b for b in build_with_fallback([item], together)})
    return [built[p.key] for p in programs]


def _compile(
    some: Sequence[Program], folder: Path, tools: Toolchain, sandbox: Sandbox, limits: Limits
) -> dict[str, Built] | Result:
    command = tools.version_commands["tsc"][:-1]
    names = {p.key[:16]: p for p in some}
    errors: dict[str, list[str]] = {}
    checked: set[str] = set(names)
    while checked:
        files = [f"{name}/program.ts" for name in sorted(checked)]
        result = run_build(
            [*command, *TSC_FLAGS.split(), "globals.d.ts", *files], folder, tools, sandbox, limits, count=len(files)
        )
        if broke(result):
            return result
        unparsed, said = set(), False
        for line in result.stdout.splitlines():
            match = re.match(r"(\w{16})/program\.ts\(\d+,\d+\): error TS(\d+)", line)
            if match and match[1] in names:
                said = True
                errors.setdefault(match[1], []).append(line)
                if len(match[2]) == 4 and match[2].startswith("1"):
                    unparsed.add(match[1])
        ours = [line for line in result.stdout.splitlines() if line.startswith("error TS")]
        if (ours and not REACHES_OTHERS.search(some[0].files["program.ts"])) or result.exit_code in (126, 127):
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
    if not (own / "program.js").exists():
        return Built(item.key, failure=Outcome.HARNESS_ERROR, message="tsc reported no error and wrote no program.js")
    command = (tools.paths["node"], *javascript.NODE_FLAGS, str(own / "main.js"))
    return Built(item.key, command, own, env=javascript.ENV)
