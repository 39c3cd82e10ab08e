"""C: gcc, one call per program; the harness is an object file of its own, compiled once per batch.

C++ uses the same functions with another compiler, see cpp.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codem.language_facts import LanguageFacts, Limits
from codem.records import Outcome, Problem
from codem.runtime import Built, Canary, Program, Toolchain, broke, folders_for, run_build, which, write
from codem.sandbox import HarnessError, Sandbox

MEMORY_SIGNS = ("std::bad_alloc", "Cannot allocate memory")

CANARY = Canary(
    signature="int twice(int n) {\n",
    tests="codem_check(twice(21) == 42);\n",
    right="#include <stdlib.h>\nint twice(int n) {\n    return 2 * n;\n}\n",
    wrong="#include <stdlib.h>\nint twice(int n) {\n    return n;\n}\n",
    endless="#include <stdlib.h>\nint twice(int n) {\n    volatile int x = 1; while (x) {} return n;\n}\n",
    leaving="#include <stdlib.h>\nint twice(int n) {\n    exit(0);\n}\n",
)
BATCH = 32

HARNESS = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern void codem_tests(void);
static char mark[80];
static void say(const char *status, int code) {
    char line[128];
    fflush(stdout);
    int n = snprintf(line, sizeof line, "\n%s %s\n", mark, status);
    if (write(1, line, n) != n) code = 1;
    _exit(code);
}
void codem_check(_Bool ok) { if (!ok) say("wrong", 1); }
int main(void) {
    long n = 0, got;
    while (n < 79 && (got = read(0, mark + n, 79 - n)) > 0) n += got;
    codem_tests();
    say("end", 0);
}
"""


@dataclass(frozen=True)
class Dialect:
    compiler: str
    flags: tuple[str, ...]
    extension: str
    linkage: str
    truth: str
    package: str


# -O1, not -O0: at -O0 a function that forgets its return often hands out the right value by accident.
C = Dialect("gcc", ("-std=c11", "-O1", "-w"), "c", "", "_Bool", "gcc libc6-dev")
LIBRARIES = ("-lm",)
FLAGS = f"gcc {' '.join(C.flags)} {' '.join(LIBRARIES)}"


def toolchain() -> Toolchain:
    return toolchain_of(C)


def assemble(problem: Problem, code: str) -> dict[str, str]:
    return assemble_in(C, problem, code)


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    return build_in(C, programs, folder, sandbox, facts.limits)


def toolchain_of(dialect: Dialect) -> Toolchain:
    found = which(dialect.compiler)
    return Toolchain(
        found=found is not None,
        paths={dialect.compiler: found} if found else {},
        with_root=f"apt-get install {dialect.package}",
        without_root="the compiler of your cluster (module load gcc)",
        missing=() if found else (dialect.compiler,),
        version_commands={dialect.compiler: (found or dialect.compiler, "--version")},
        folders=folders_for([found] if found else []),
    )


def assemble_in(dialect: Dialect, problem: Problem, code: str) -> dict[str, str]:
    """The answer is a file of its own; a main of its own does no harm; no macro of it reaches the tests' names."""
    program = (
        f'#include "prelude.h"\n#define main codem_own_main\n#include "answer.{dialect.extension}"\n#undef main\n'
        f"#undef codem_check\n#undef codem_tests\n"
        f"{dialect.linkage}void codem_check({dialect.truth});\n"
        f"{dialect.linkage}void codem_tests(void) {{\n{problem.tests}\n}}\n"
    )
    return {
        "prelude.h": problem.prelude + "\n",
        f"answer.{dialect.extension}": code + "\n",
        f"program.{dialect.extension}": program,
    }


def build_in(
    dialect: Dialect, programs: Sequence[Program], folder: Path, sandbox: Sandbox, limits: Limits
) -> list[Built]:
    if not programs:
        return []
    tools = toolchain_of(dialect)
    compiler = tools.paths[dialect.compiler]

    def ours(command: Sequence[str], what: str) -> None:
        result = run_build(command, folder, tools, sandbox, limits, count=1)
        if result.exit_code != 0:
            raise HarnessError(
                f"{dialect.compiler}: expected {what} to compile, found: {(result.stderr or result.timed_out)[-600:]}"
            )

    (folder / "harness.c").write_text(HARNESS, encoding="utf-8")
    ours([compiler, "-x", "c", "-O1", "-c", "harness.c", "-o", "harness.o"], "the harness")
    preludes: dict[str, Path] = {}
    for text in dict.fromkeys(p.files["prelude.h"] for p in programs):
        place = folder / f"prelude-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        place.mkdir()
        place.chmod(0o777)
        (place / "prelude.h").write_text(text, encoding="utf-8")
        preludes[text] = place
        if dialect.extension == "cpp" and sum(p.files["prelude.h"] == text for p in programs) > 2:
            # the benchmark's own includes, parsed once: found beside prelude.h because it has the same flags
            header = str(place / "prelude.h")
            ours(
                [compiler, *dialect.flags, "-x", "c++-header", header, "-o", header + ".gch"], "the benchmark's prelude"
            )
    built = []
    for item in programs:
        own = write(item, folder, [name for name in item.files if name != "prelude.h"])
        source, target = str(own / f"program.{dialect.extension}"), own / "program"
        command = [
            compiler,
            *dialect.flags,
            f"-I{preludes[item.files['prelude.h']]}",
            source,
            "harness.o",
            "-o",
            str(target),
            *LIBRARIES,
        ]
        result = run_build(command, folder, tools, sandbox, limits, count=1)
        if result.exit_code == 0 and target.exists():
            built.append(Built(item.key, (str(target),), own))
            continue
        if result.exit_code in (126, 127):
            raise HarnessError(f"{compiler} did not start: {result.stderr[-400:]}")
        why = f"the compiler was stopped ({result.timed_out or result.signal or 'output'})\n" if broke(result) else ""
        built.append(Built(item.key, failure=Outcome.COMPILE_ERROR, message=why + result.stderr[-4000:]))
    return built
