"""C: the published way, `gcc` with gnu11, without optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.languages._c import build as c_build
from codem.languages._c import shop as c_shop
from codem.languages._c import units as c_units
from codem.records import Problem
from codem.runtime import Built, Canary, Program, Toolchain
from codem.sandbox import Sandbox

DIALECT = c_shop.Dialect("gcc", ("-std=gnu11",), "c", "gcc libc6-dev")
FLAGS = DIALECT.summary
MEMORY_SIGNS = ("std::bad_alloc", "Cannot allocate memory")
BATCH = 128

CANARY = Canary(
    signature="int twice(int n) {\n",
    tests="codem_check(twice(21) == 42);\n",
    right="#include <stdlib.h>\nint twice(int n) {\n    return 2 * n;\n}\n",
    wrong="#include <stdlib.h>\nint twice(int n) {\n    return n;\n}\n",
    endless="#include <stdlib.h>\nint twice(int n) {\n    volatile int x = 1; while (x) {} return n;\n}\n",
    leaving="#include <stdlib.h>\nint twice(int n) {\n    exit(0);\n}\n",
)


def toolchain() -> Toolchain:
    return c_shop.toolchain_of(DIALECT)


def assemble(problem: Problem, code: str) -> dict[str, str]:
    return c_units.files(problem, code, DIALECT.is_cpp)


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    return c_build.build_in(DIALECT, programs, folder, sandbox, facts.limits)
