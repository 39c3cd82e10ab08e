"""C++: g++, one call per program with the benchmark's includes precompiled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.languages import c
from codem.records import Problem
from codem.runtime import Built, Program, Toolchain
from codem.sandbox import Sandbox

CPP = c.Dialect("g++", ("-std=c++17", "-O1", "-w"), "cpp", 'extern "C" ', "bool", "g++")
MEMORY_SIGNS = c.MEMORY_SIGNS
CANARY = c.CANARY
BATCH = 32
FLAGS = f"g++ {' '.join(CPP.flags)} {' '.join(c.LIBRARIES)}"


def toolchain() -> Toolchain:
    return c.toolchain_of(CPP)


def assemble(problem: Problem, code: str) -> dict[str, str]:
    return c.assemble_in(CPP, problem, code)


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    return c.build_in(CPP, programs, folder, sandbox, facts.limits)
