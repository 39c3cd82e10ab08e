"""C++: the published way, `g++ -std=c++11`, without optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.languages import c
from codem.languages._c import build as c_build
from codem.languages._c import shop as c_shop
from codem.languages._c import units as c_units
from codem.records import Problem
from codem.runtime import Built, Program, Toolchain
from codem.sandbox import Sandbox

DIALECT = c_shop.Dialect("g++", ("-std=c++11",), "cpp", "g++")
FLAGS = DIALECT.summary
MEMORY_SIGNS = c.MEMORY_SIGNS
CANARY = c.CANARY
BATCH = 128


def toolchain() -> Toolchain:
    return c_shop.toolchain_of(DIALECT)


def assemble(problem: Problem, code: str) -> dict[str, str]:
    return c_units.files(problem, code, DIALECT.is_cpp)


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    return c_build.build_in(DIALECT, programs, folder, sandbox, facts.limits)
