"""Go: one binary for many programs, which runs the one it is told to; a program that could act on others has its own.

The module says `go 1.19` whatever the compiler: later lines change the meaning of loop variables.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codem.language_facts import LanguageFacts, Limits
from codem.languages import _go_sources
from codem.languages._go_scan import PLAIN_PACKAGES, scan
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
BATCH = 96
SHARE = 4
"""So many programs take no more time together than the limit grants to one."""
LARGEST_SHARED = 32 << 20
"""Bytes of a binary: one program with a huge table must not weigh on the others."""
ENV = {
    "GOPATH": "/tmp/gopath",
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
    "GOFLAGS": "-mod=mod",
    "GO111MODULE": "on",
    "CGO_ENABLED": "0",
    "GOTELEMETRY": "off",
}

MODULE = "module codem\n\ngo 1.19\n"
HARNESS = {"harness.go": "", "testing.go": "testing", "assert.go": "assert"}
"""File -> the folder of its package within `codem/harness`."""


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
    return _go_sources.assemble(problem, code)


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)  # the build may run under another user id; the folder above is private
    (folder / "go.mod").write_text(MODULE, encoding="utf-8")
    for name, package in HARNESS.items():
        target = folder / "harness" / package
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(__file__).parent / "_go" / name, target / name)
    built: dict[str, Built] = {}
    apart: set[str] = set()
    for item in programs:
        found = scan(item.files["answer.go"])
        if found.refused:
            built[item.key] = Built(item.key, failure=Outcome.COMPILE_ERROR, message=found.refused)
            continue
        _write(item, folder)
        if found.acts_at_start or not found.imports <= PLAIN_PACKAGES:
            apart.add(item.key)
    shop = _Shop(folder, toolchain(), _cache(folder), sandbox, facts.limits, apart)
    built.update(shop.settle([item for item in programs if item.key not in built]))
    return [built[item.key] for item in programs]


@dataclass
class _Shop:
    """Where one batch is built."""

    folder: Path
    tools: Toolchain
    cache: Path
    sandbox: Sandbox
    limits: Limits
    apart: set[str]
    """The programs that get a binary of their own."""
    mains: Iterator[str] = field(default_factory=lambda: (f"m{number}" for number in itertools.count()))

    def settle(self, some: Sequence[Program]) -> dict[str, Built]:
        return {built.key: built for built in build_with_fallback(some, self._attempt)}

    def _attempt(self, some: Sequence[Program]) -> dict[str, Built] | Result:
        """What builds and what certainly does not; the rest, which others kept from being built, again without them."""
        before = len(self.apart)
        shared = [item for item in some if item.key not in self.apart]
        groups = [*([shared] if shared else []), *([item] for item in some if item.key in self.apart)]
        units = {_main(next(self.mains), group, self.folder): group for group in groups}
        result = self._go_build(units, len(some))
        if broke(result):
            return result
        if lost := _lost(result.stderr):
            raise HarnessError(f"go build: expected its standard library, found: {lost}; remove {self.cache}")
        errors = _errors(result.stderr)
        if result.exit_code != 0 and not errors:
            if len(some) > 1:
                return result  # it does not say on whose account
            if result.exit_code in (126, 127) or "build cache" in result.stderr:
                raise HarnessError(f"go build: expected a report, found: {result.stderr[-600:]}")
            errors = {_name(some[0]): result.stderr}
        built = {
            item.key: Built(item.key, failure=Outcome.COMPILE_ERROR, message=errors[_name(item)][-4000:])
            for item in some
            if _name(item) in errors
        }
        for name, group in units.items():
            built.update(self._delivered(name, [item for item in group if item.key not in built]))
        rest = [item for item in some if item.key not in built]
        if rest and len(rest) == len(some) and len(self.apart) == before:
            raise HarnessError(f"go build: expected programs or errors, found neither: {result.stderr[-600:]}")
        return {**built, **self.settle(rest)}

    def _go_build(self, units: Iterable[str], count: int) -> Result:
        command = [self.tools.paths["go"], "build", "-ldflags=-s -w", "-o", "out/", *(f"./{name}" for name in units)]
        env = {**ENV, "GOCACHE": str(self.cache)}
        return run_build(
            command,
            self.folder,
            self.tools,
            self.sandbox,
            self.limits,
            count=-(-count // SHARE),
            env=env,
            writable=[self.cache],
        )

    def _delivered(self, name: str, group: Sequence[Program]) -> dict[str, Built]:
        binary, own = self.folder / "out" / name, self.folder / f"run-{name}"
        if not group or not binary.exists():
            return {}
        if len(group) > 1 and binary.stat().st_size > LARGEST_SHARED:
            self.apart.update(item.key for item in group)
            return {}
        own.mkdir()
        binary.rename(own / name)
        env = {"GOMAXPROCS": "2"}
        return {item.key: Built(item.key, (str(own / name), _name(item)), own, env=env) for item in group}


def _name(item: Program) -> str:
    """Of its package and folder."""
    return f"p{item.key[:16]}"


def _write(item: Program, folder: Path) -> None:
    own = folder / _name(item)
    own.mkdir()
    apart = "export.go" in item.files
    if apart:
        (own / "answer").mkdir()
    for name, source in item.files.items():
        target = own / "answer" / name if apart and name != "tests.go" else own / name
        text = source.replace('"codem/ANSWER"', f'"codem/{_name(item)}/answer"') if name == "tests.go" else source
        target.write_text(text, encoding="utf-8", errors="replace")


def _main(name: str, group: Sequence[Program], folder: Path) -> str:
    """A package main that runs the one program that it is told to."""
    own = folder / name
    own.mkdir()
    imports = "".join(f'\t{_name(item)} "codem/{_name(item)}"\n' for item in group)
    cases = "".join(f'\tcase "{_name(item)}":\n\t\t{_name(item)}.CodemRun()\n' for item in group)
    text = f'package main\n\nimport (\n\t"os"\n{imports})\n\nfunc main() {{\n\tswitch os.Args[1] {{\n{cases}\t}}\n}}\n'
    (own / "main.go").write_text(text, encoding="utf-8")
    return name


def _errors(stderr: str) -> dict[str, str]:
    """Package name -> what the compiler said about it."""
    found: dict[str, list[str]] = {}
    current = None
    for line in stderr.splitlines():
        header = re.match(r"(?:# codem/|package codem/)(\w+)", line)
        position = re.match(r"(?:\./)?(p\w{16})/(?:\w+/)?\w+\.go:\d+", line)
        if header or position:
            current = (header or position)[1]  # type: ignore[index]
        if current is not None and current.startswith("p"):
            found.setdefault(current, []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def _lost(stderr: str) -> str:
    """A complaint that a package is not there which is: the cache cannot be read, and no program is at fault."""
    for line in stderr.splitlines():
        found = re.search(r"package \S+ is not in (?:GOROOT|std) \((/.+)\)", line)
        if found and Path(found[1]).is_dir():
            return line
    return ""


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
