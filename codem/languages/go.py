"""Go: one `go build` over many packages, each a program of its own.

The module says `go 1.19` whatever the compiler: later lines change the meaning of loop variables.
Imports that the program does not use are left out, because they may come from the benchmark or from a part of the
text that was cut off; an import that the answer needs and does not bring is an error as ever.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
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
    in_package,
    run_build,
    which,
    write,
)
from codem.sandbox import HarnessError, Result, Sandbox

FLAGS = "go build -ldflags='-s -w' (go.mod: go 1.19; CGO_ENABLED=0, GOMAXPROCS=2)"
MEMORY_SIGNS = ("out of memory", "cannot allocate memory", "errno=12", "failed to reserve")

CANARY = Canary(
    signature="func twice(n int) int {\n",
    tests="codem_check(twice(21) == 42);\n",
    right="func twice(n int) int {\n\treturn 2 * n\n}\n",
    wrong="func twice(n int) int {\n\treturn n\n}\n",
    endless="func twice(n int) int {\n\tfor n < 1000000 {\n\t\tn = n & 1\n\t}\n\treturn n\n}\n",
    leaving='import "os"\n\nfunc twice(n int) int {\n\tos.Exit(0)\n\treturn n\n}\n',
)
BATCH = 32

MAIN = """\
package main

import (
\t"io"
\t"os"
)

func main() {
\tcodem_tests(codem_begin())
}

func codem_begin() (func(bool), func()) {
\tmark, _ := io.ReadAll(os.Stdin)
\tout := os.Stdout
\tsay := func(status string, code int) {
\t\tif _, err := out.WriteString("\\n" + string(mark) + " " + status + "\\n"); err != nil {
\t\t\tcode = 1
\t\t}
\t\tos.Exit(code)
\t}
\treturn func(ok bool) {
\t\tif !ok {
\t\t\tsay("wrong", 1)
\t\t}
\t}, func() { say("end", 0) }
}
"""

IMPORT = re.compile(r'^[ \t]*import\s*(?:\(([^)]*)\)|((?:[\w.]+\s+)?"[^"\n]+"))[ \t]*;?[ \t]*(?://[^\n]*)?$', re.M)
SPEC = re.compile(r'(?:([\w.]+)\s+)?"([^"\n]+)"')


def toolchain() -> Toolchain:
    places = [*sorted((TOOLCHAINS / "usr" / "lib").glob("go-*/bin")), TOOLCHAINS / "go" / "bin"]
    go = which("go", *places) or in_package("go", "bin/go")
    return Toolchain(
        found=go is not None,
        paths={"go": go} if go else {},
        with_root="apt-get install golang-go",
        without_root="python -m codem.toolchains install",
        missing=() if go else ("go",),
        version_commands={"go": (go or "go", "version")},
        folders=folders_for([go] if go else []),
    )


def assemble(problem: Problem, code: str) -> dict[str, str]:
    head = "package main\n\n" + _imports_used(problem.prelude, problem.tests)
    function = "func codem_tests(codem_check func(bool), codem_end func()) {\n"
    return {
        "answer.go": _hoisted(f"{problem.prelude}\n{code}"),
        "codem_tests.go": f"{head}{function}{problem.tests}\n\tcodem_end()\n}}\n",
        "main.go": MAIN,
    }


def _specs(text: str) -> list[tuple[str, str]]:
    found = []
    for match in IMPORT.finditer(text):
        found += SPEC.findall(match[1] or match[2] or "")
    return list(dict.fromkeys(found))


def _imports_used(text: str, body: str) -> str:
    lines = []
    for name, path in _specs(text):
        used_as = name or path.rsplit("/", 1)[-1]
        if used_as in (".", "_") or re.search(rf"\b{re.escape(used_as)}\.", body):
            lines.append(f'import {name + " " if name else ""}"{path}"\n')
    return "".join(lines) + ("\n" if lines else "")


def _hoisted(text: str) -> str:
    body = IMPORT.sub("", text)
    body = re.sub(r"^[ \t]*package\s+\w+[ \t]*;?[ \t]*$", "", body, flags=re.M)
    return f"package main\n\n{_imports_used(text, body)}{body}\n"


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    limits = facts.limits
    tools = toolchain()
    (folder / "go.mod").write_text("module codem\n\ngo 1.19\n", encoding="utf-8")
    out = folder / "out"
    out.mkdir()
    out.chmod(0o777)
    own = {p.key: write(p, folder) for p in programs}
    cache = _cache(folder)
    env = {
        "GOCACHE": str(cache),
        "GOPATH": "/tmp/gopath",
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GO111MODULE": "on",
        "CGO_ENABLED": "0",
        "GOTELEMETRY": "off",
    }

    def together(some: Sequence[Program]) -> dict[str, Built] | Result:
        names = [f"./{p.key[:16]}" for p in some]
        command = [tools.paths["go"], "build", "-ldflags=-s -w", "-o", f"{out}/", *names]
        result = run_build(command, folder, tools, sandbox, limits, count=len(some), env=env, writable=[cache])
        if broke(result):
            return result
        errors = _errors(result.stderr)
        if result.exit_code != 0 and not errors:
            if len(some) > 1:
                return result  # one program's imports kept the whole call from starting
            if result.exit_code in (126, 127) or "build cache" in result.stderr:
                raise HarnessError(f"go build: expected a report, found: {result.stderr[-600:]}")
            errors = {some[0].key[:16]: result.stderr}
        built, unsure = {}, False
        for item in some:
            name = item.key[:16]
            if name in errors:
                built[item.key] = Built(item.key, failure=Outcome.COMPILE_ERROR, message=errors[name][-4000:])
            elif (out / name).exists():
                target = own[item.key] / "program"
                os.replace(out / name, target)
                built[item.key] = Built(item.key, (str(target),), own[item.key], env={"GOMAXPROCS": "2"})
            else:
                unsure = True
        if not unsure:
            return built
        rest = [p for p in some if p.key not in built]
        if len(rest) == len(some):
            raise HarnessError(f"go build: expected programs or errors, found neither: {result.stderr[-600:]}")
        # a package that did not load keeps the others from being built: again without it
        return {**built, **{b.key: b for b in build_with_fallback(rest, together)}}

    return build_with_fallback(programs, together)


def _errors(stderr: str) -> dict[str, str]:
    """Package name -> what the compiler said about it."""
    found: dict[str, list[str]] = {}
    current = None
    for line in stderr.splitlines():
        header = re.match(r"(?:# codem/|package codem/)(\w{16})\b", line)
        position = re.match(r"(?:\./)?(\w{16})/\w+\.go:\d+", line)
        if header or position:
            current = header[1] if header else position[1] if position else None
        if current is not None:
            found.setdefault(current, []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def _cache(folder: Path) -> Path:
    """Compiled standard packages, for all runs of this user: from Go 1.20 on a cold start costs 14 seconds."""
    for place in (TOOLCHAINS / "cache" / f"go-{os.geteuid()}", folder / "cache"):
        try:
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return place
        except OSError:
            continue
    raise HarnessError(f"go: expected a writable folder for the build cache, found none at {TOOLCHAINS} nor {folder}")
