"""Judging the usual way, to compare with: for each program a temporary folder, one compiler and one run through
`subprocess` with a time limit, two threads, no sandbox. What a language's own tools must have in order to build the
benchmark's programs at all (headers, an assertion package) is what codem's judge uses too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codem.records import Problem

LANGUAGES_HERE = Path(__file__).resolve().parent.parent / "codem" / "languages"
COMPILER_PACKAGES = ("typescript@5.9.3", "@types/node@22.10.2")
LIMIT_S = 60.0
"""Generous, because two threads on a busy machine must not turn right programs into failures."""

JS_MD5 = "module.exports = (text) => require('crypto').createHash('md5').update(text).digest('hex');\n"

COMMANDS = {
    "python": "python3 main.py",
    "javascript": "node main.js",
    "typescript": "tsc 5.9.3 --strict --target es2020 --module commonjs main.ts; node main.js",
    "c": "gcc main.c -lm; ./main",
    "cpp": "g++ -std=c++11 main.cpp; ./main",
    "java": "javac Main.java; java Main",
    "go": "go test, in a module of its own",
}


class Refused(Exception):
    """The program did not come through: which step said so, and what."""


class Way:
    """One language's programs, judged the usual way. kept: a folder for what is installed once."""

    def __init__(self, lang: str, kept: Path) -> None:
        self.lang = lang
        self._steps: Callable[[Problem, Path], None] = getattr(self, f"_{lang}")
        self._env = dict(os.environ)
        if lang == "typescript":
            self._tsc = _installed(kept / "typescript")
        if lang == "go":
            self._testify = _testify(kept / "testify")
            self._env |= {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GO111MODULE": "on", "GOTOOLCHAIN": "local"}

    def judge(self, problems: Sequence[Problem], workers: int) -> tuple[dict[str, bool], float]:
        """By problem, and the seconds that it took."""
        started = time.monotonic()
        with ThreadPoolExecutor(workers) as pool:
            passed = list(pool.map(self._passes, problems))
        return {p.id: ok for p, ok in zip(problems, passed, strict=True)}, time.monotonic() - started

    def _passes(self, problem: Problem) -> bool:
        with tempfile.TemporaryDirectory(prefix="naive-") as folder:
            try:
                self._steps(problem, Path(folder))
            except (Refused, subprocess.TimeoutExpired):
                return False
            return True

    def _call(self, folder: Path, *command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        if done.returncode != 0:
            raise Refused(f"{command[0]}: {said[-1000:]}")
        return said

    def _python(self, problem: Problem, folder: Path) -> None:
        (folder / "main.py").write_text(_joined(problem))
        self._call(folder, sys.executable, "main.py")

    def _javascript(self, problem: Problem, folder: Path) -> None:
        (folder / "main.js").write_text(_joined(problem))
        if "js-md5" in _joined(problem):
            (folder / "node_modules").mkdir()
            (folder / "node_modules" / "js-md5.js").write_text(JS_MD5)
        if "Assertion failed" in self._call(folder, "node", "main.js"):  # console.assert leaves the exit code at 0
            raise Refused("node: an assertion failed")

    def _typescript(self, problem: Problem, folder: Path) -> None:
        (folder / "main.ts").write_text(_joined(problem))
        types = str(self._tsc / "@types")
        options = ["--strict", "--target", "es2020", "--module", "commonjs", "--typeRoots", types, "--types", "node"]
        self._call(folder, "node", str(self._tsc / "typescript" / "bin" / "tsc"), *options, "main.ts")
        self._call(folder, "node", "main.js")

    def _c(self, problem: Problem, folder: Path) -> None:
        (folder / "main.c").write_text(_joined(problem))
        self._call(folder, "gcc", "main.c", f"-I{LANGUAGES_HERE / 'include'}", "-o", "main", "-lm")
        self._call(folder, "./main")

    def _cpp(self, problem: Problem, folder: Path) -> None:
        (folder / "main.cpp").write_text(_joined(problem))
        self._call(folder, "g++", "-std=c++11", f"-I{LANGUAGES_HERE / 'include'}", "main.cpp", "-o", "main")
        self._call(folder, "./main")

    def _java(self, problem: Problem, folder: Path) -> None:
        imports = "".join(re.findall(r"^import [^\n]*\n", problem.prelude, re.M))
        members = re.sub(r"^import [^\n]*\n", "", problem.prelude, flags=re.M)
        solution = f"class Solution {{\n{members}{problem.signature}{problem.reference}}}\n"
        (folder / "Main.java").write_text(f"{imports}{solution}{problem.tests}")
        self._call(folder, "javac", "Main.java")
        self._call(folder, "java", "Main")

    def _go(self, problem: Problem, folder: Path) -> None:
        code = problem.signature + problem.reference
        (folder / "main.go").write_text(f"package main\n\n{_go_prelude(problem.prelude, code)}\n{code}")
        (folder / "main_test.go").write_text(problem.tests)
        (folder / "go.mod").write_text(
            "module naive\n\ngo 1.19\n\nrequire github.com/stretchr/testify v1.8.0\n\n"
            f"replace github.com/stretchr/testify => {self._testify}\n"
        )
        self._call(folder, "go", "test")


def _joined(problem: Problem) -> str:
    return "\n".join((problem.prelude, problem.signature + problem.reference, problem.tests))


def _go_prelude(prelude: str, code: str) -> str:
    """Go refuses unused imports, and the benchmark's are those of the tests as well."""
    block = re.compile(r'^import\s*(?:\(([^)]*)\)|("[^"\n]+"))[^\n]*\n?', re.M)
    rest = block.sub("", prelude)
    wanted = [path for found in block.findall(prelude) for path in re.findall(r'"([^"]+)"', "".join(found))]
    used = [path for path in wanted if re.search(rf"\b{re.escape(path.rsplit('/', 1)[-1])}\.", rest + code)]
    return "".join(f'import "{path}"\n' for path in used) + re.sub(r"^package \w+\n", "", rest, flags=re.M)


def _testify(kept: Path) -> Path:
    """The checks that codem's own judge builds Go tests with, as the module that the tests import; with Go's own
    package testing."""
    ours = (LANGUAGES_HERE / "_go" / "assert.go").read_text()
    place = kept / "assert" / "assert.go"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(ours.replace('"codem/harness/testing"', '"testing"'))
    (kept / "go.mod").write_text("module github.com/stretchr/testify\n\ngo 1.19\n")
    return kept


def _installed(kept: Path) -> Path:
    """The compiler that has a JavaScript interface, as people use it; by npm, once."""
    modules = kept / "node_modules"
    if not (modules / "typescript" / "bin" / "tsc").exists():
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(
                "npm not found: the usual way for TypeScript needs it once; leave typescript out of --lang"
            )
        kept.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(kept), *COMPILER_PACKAGES]
        subprocess.run(command, check=True)
    return modules


def versions(lang: str, way: Way) -> Mapping[str, str]:
    """What ran, asked from the tools themselves."""
    node = ("node", "--version")
    asked: dict[str, Sequence[Sequence[str]]] = {
        "python": [(sys.executable, "--version")],
        "javascript": [node],
        "typescript": [node],
        "c": [("gcc", "--version")],
        "cpp": [("g++", "--version")],
        "java": [("javac", "-version")],
        "go": [("go", "version")],
    }
    return {Path(c[0]).name: way._call(Path.cwd(), *c).strip().splitlines()[0] for c in asked[lang]}
