"""Java: one javac for many programs, each in a package of its own; then a fresh JVM per program.

The answer is the members of `class Solution`; the tests are `class Main` beside it and see what the answer returns as
plain copies (`_java/Copy.java`). A program that the compiler complains about is compiled again by itself.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts, Limits
from codem.languages import _java_sources, _java_tools
from codem.records import Outcome, Problem
from codem.runtime import STOPPED, Built, Canary, Program, Toolchain, broke, run_build, stopped
from codem.sandbox import HarnessError, Result, Sandbox

JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ActiveProcessorCount=2", "-Xmx512m", "-XX:-UsePerfData")
RUN_FLAGS = (*JVM, "-XX:+ExitOnOutOfMemoryError", "-XX:+DisableAttachMechanism")
FLAGS = f"javac -proc:none -nowarn -encoding UTF-8 -XDstringConcat=inline; java {' '.join(RUN_FLAGS)}"
MEMORY_SIGNS = ("java.lang.OutOfMemoryError", "insufficient memory", "Cannot allocate memory")

CANARY = Canary(
    signature="static int twice(int n) {\n",
    tests="codem_check(twice(21) == 42);\n",
    right="static int twice(int n) {\n    return 2 * n;\n}\n",
    wrong="static int twice(int n) {\n    return n;\n}\n",
    endless="static int twice(int n) {\n    while (n < 1000000) { n = n & 1; } return n;\n}\n",
    leaving="static int twice(int n) {\n    System.exit(0); return n;\n}\n",
)
BATCH = 128
BUILDER_FLAGS = (*JVM, "-Xms256m", "-Xmn128m")
"""Less work for the collector: most of what a compiler makes is soon garbage."""
KIT = "kit.jar"
OURS = {"Solution", "Main", "CodemStart", "CodemGiven"}


def toolchain() -> Toolchain:
    return _java_tools.toolchain()


def assemble(problem: Problem, code: str) -> dict[str, str]:
    return _java_sources.assemble(problem, code)


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    tools = toolchain()
    kit = _java_tools.kit(tools, JVM, folder, sandbox, facts.limits)
    shutil.copyfile(kit, folder / KIT)
    for own in (folder / "classes", *(folder / _name(item) for item in programs)):
        own.mkdir()
    (folder / "classes").chmod(0o777)  # the build may run under another user id; the folder above is private
    for item in programs:
        for name, source in item.files.items():
            # on the first line, so that the compiler's line numbers are those of the files
            text = f"package {_name(item)}; {source}"
            (folder / _name(item) / name).write_text(text, encoding="utf-8", errors="replace")
    reports: dict[str, tuple[str, str]] = {}
    left = list(programs)
    if len(left) > 1:
        # whatever does not go with the others is compiled again by itself
        reports = _reports(_compile("together", left, folder, tools, sandbox, facts.limits))
        left = [item for item in left if _name(item) not in reports]
    while left:
        result = _compile("alone", left, folder, tools, sandbox, facts.limits)
        found = _reports(result)
        if _name(left[0]) not in found:
            if not broke(result) and "OutOfMemoryError" not in result.stderr:
                raise HarnessError(f"javac: expected reports on {len(left)} programs, found {result.stderr[-600:]!r}")
            found[_name(left[0])] = ("error", stopped(result))
        reports.update(found)
        left = [item for item in left if _name(item) not in reports]
    return [_built(item, *reports[_name(item)], folder, kit, tools) for item in programs]


def _name(item: Program) -> str:
    """Of its package and folder."""
    return f"p{item.key[:16]}"


def _compile(
    how: str, some: Sequence[Program], folder: Path, tools: Toolchain, sandbox: Sandbox, limits: Limits
) -> Result:
    command = [tools.paths["java"], *BUILDER_FLAGS, "-cp", KIT, "Builder", how, str(int(limits.build_s)), "classes"]
    return run_build([*command, *map(_name, some)], folder, tools, sandbox, limits, count=len(some))


def _built(item: Program, status: str, said: str, folder: Path, kit: Path, tools: Toolchain) -> Built:
    if status != "ok":
        return Built(item.key, failure=Outcome.COMPILE_ERROR, message=f"{STOPPED}\n" if status == "stopped" else said)
    name, own = _name(item), folder / f"run-{_name(item)}"
    classes = {file.name.removesuffix(".class").split("$")[0] for file in (folder / "classes" / name).iterdir()}
    taken = (classes - OURS) & set(re.findall(r"\w+", item.files["Main.java"]))
    if taken:
        # it left the class around it, and what it defines beside it stands before what the tests mean by that name
        message = (
            f"expected no other class that is called like one that the tests use, found {', '.join(sorted(taken))}"
        )
        return Built(item.key, failure=Outcome.COMPILE_ERROR, message=message)
    own.mkdir()
    (folder / "classes" / name).rename(own / name)
    _java_tools.put_into(own, kit)
    return Built(item.key, (tools.paths["java"], *RUN_FLAGS, "-cp", str(own), f"{name}.CodemStart"), own)


def _reports(result: Result) -> dict[str, tuple[str, str]]:
    reports = {}
    for line in result.stdout.split("\n"):
        if line.startswith("\x02"):
            name, status, message = line[1:].split(" ", 2)
            reports[name] = (status, message.replace("\\n", "\n").replace("\\\\", "\\"))
    return reports
