"""Python: nothing is built; the harness compiles the answer itself and says `syntax` when it cannot.

Answer and tests run in two processes: `_python_harness.py` says why and how.
"""

from __future__ import annotations

import functools
import marshal
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType

from codem.language_facts import LanguageFacts
from codem.records import Problem
from codem.runtime import Built, Canary, Program, Toolchain, folders_for, write
from codem.sandbox import HarnessError, Sandbox

CANARY = Canary(
    signature="def twice(n):\n",
    tests="codem_check(twice(21) == 42)\n",
    right="def twice(n):\n    return 2 * n\n",
    wrong="def twice(n):\n    return n\n",
    endless="def twice(n):\n    while True: pass\n",
    leaving="def twice(n):\n    import os; os._exit(0)\n",
)
BATCH = 128
FLAGS = "python -I -S -B"
MEMORY_SIGNS = ("MemoryError", "Cannot allocate memory")

HARNESS = ("_python_values.py", "_python_harness.py")
START = """\
import builtins, marshal, os

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "harness.bin"), "rb") as f:
    harness = {"__name__": "harness", "__builtins__": vars(builtins).copy()}
    for part in marshal.load(f):
        exec(part, harness)
"""
VEIL = bytes(b ^ 0x5A for b in range(256))
"""The other half is in the harness."""


def toolchain() -> Toolchain:
    # The interpreter below any virtual environment: the programs see the standard library and nothing else.
    path = os.path.realpath(sys.executable)
    return Toolchain(
        found=True,
        paths={"python": path},
        with_root="it is the Python that runs codem",
        without_root="it is the Python that runs codem",
        version_commands={"python": (path, "--version")},
        folders=folders_for([path]),
    )


def assemble(problem: Problem, code: str) -> dict[str, str]:
    start = START + f"harness['main'](here, {problem.entry_point!r}, {problem.style!r})\n"
    files = {"main.py": start, "prelude.py": problem.prelude + "\n", "tests.py": problem.tests + "\n"}
    return {**files, **_harness(), "answer.py": code + "\n"}


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    """Ours is compiled here, once for all that use it; the answer's own code is compiled where it runs."""
    python = toolchain().paths["python"]
    built = []
    for item in programs:
        own = write(item, folder, ("main.py", "answer.py"))
        harness = [_compiled(item.files[name], name) for name in HARNESS]
        (own / "harness.bin").write_bytes(marshal.dumps(harness))
        for name in ("prelude", "tests"):
            code = marshal.dumps(_compiled(item.files[f"{name}.py"], f"{name}.py"))
            (own / f"{name}.bin").write_bytes(code.translate(VEIL))
        built.append(Built(item.key, (python, "-I", "-S", "-B", str(own / "main.py")), own, fork=True))
    return built


@functools.cache
def _harness() -> dict[str, str]:
    return {name: Path(__file__).with_name(name).read_text(encoding="utf-8") for name in HARNESS}


@functools.lru_cache(maxsize=4096)
def _compiled(source: str, name: str) -> CodeType:
    try:
        return compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        raise HarnessError(
            f"python: expected {name} of a benchmark to parse, found {error}:\n{source[:400]}"
        ) from error
