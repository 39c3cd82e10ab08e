"""Python: nothing is built; the harness compiles the answer itself and says `syntax` when it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.records import Problem
from codem.runtime import Built, Canary, Program, Toolchain, folders_for, write
from codem.sandbox import Sandbox

CANARY = Canary(
    signature="def twice(n):\n",
    tests="codem_check(twice(21) == 42)\n",
    right="def twice(n):\n    return 2 * n\n",
    wrong="def twice(n):\n    return n\n",
    endless="def twice(n):\n    while True: pass\n",
    leaving="def twice(n):\n    import os; os._exit(0)\n",
)
BATCH = 32
FLAGS = "python -I -S -B"
MEMORY_SIGNS = ("MemoryError", "Cannot allocate memory")

HARNESS = """\
import os, sys, types


def main():
    mark = os.read(0, 64).decode()
    here = os.path.dirname(os.path.abspath(__file__))
    write, leave = os.write, os._exit

    def say(status):
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            pass
        write(1, f"\\n{mark} {status}\\n".encode())
        leave(0 if status == "end" else 1)

    def codem_check(ok):
        if ok is not True:
            say("wrong")

    codes = []
    for name in ("answer.py", "tests.py"):
        with open(os.path.join(here, name), encoding="utf-8") as f:
            source = f.read()
        try:
            codes.append(compile(source, name, "exec"))
        except (SyntaxError, ValueError) as error:  # ValueError: a NUL byte
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            say("syntax")
    answer = types.ModuleType("answer")
    sys.modules["answer"] = answer
    exec(codes[0], answer.__dict__)
    exec(codes[1], {**answer.__dict__, "codem_check": codem_check})
    say("end")


main()
"""


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
    return {"answer.py": f"{problem.prelude}\n{code}\n", "tests.py": problem.tests + "\n", "main.py": HARNESS}


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    python = toolchain().paths["python"]
    built = []
    for item in programs:
        own = write(item, folder)
        built.append(Built(item.key, (python, "-I", "-S", "-B", str(own / "main.py")), own))
    return built
