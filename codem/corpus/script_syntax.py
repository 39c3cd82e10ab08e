"""The syntax of Python and JavaScript, told by their own interpreters, which compile many sources and run none.

Building such a program is no work for the judge, and running it here would be more than asking whether it compiles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import Limits
from codem.runtime import STOPPED, Toolchain, run_build, stopped
from codem.sandbox import HarnessError, Sandbox

_PYTHON = """\
import json, sys
for name in sys.argv[1:]:
    said = ""
    try:
        with open(name, encoding="utf-8", errors="surrogatepass") as f:
            text = f.read()
        compile(text, name, "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        said = f"{name}:{error.lineno or 1}:{error.offset or 1}: {error.msg}"
    except BaseException as error:
        said = f"{name}:1:1: {type(error).__name__}: {str(error)[:200]}"
    print(json.dumps([name, said]), flush=True)
"""
_NODE = r"""
const fs = require("fs"), vm = require("vm");
const frame = ["exports", "require", "module", "__filename", "__dirname"];
for (const name of process.argv.slice(2)) {
  const text = fs.readFileSync(name, "utf8").replace(/^#!/, "//");
  let said = "";
  try {
    vm.compileFunction(text, frame, { filename: name });
  } catch (error) {
    said = String(error.stack);
    try {
      new vm.SourceTextModule(text, { identifier: name });
      said = "";
    } catch (other) {
      if (/^\s*(?:import|export)\b/m.test(text)) said = String(other.stack);
    }
  }
  fs.writeSync(1, JSON.stringify([name, said.slice(0, 2000)]) + "\n");
}
"""
_NODE_FLAGS = ("--no-warnings", "--experimental-vm-modules", "--max-old-space-size=512", "--stack-size=900")
SUFFIX = {"python": ".py", "javascript": ".js"}


def faults(
    lang: str, codes: Sequence[str], folder: Path, tools: Toolchain, sandbox: Sandbox, limits: Limits
) -> list[str]:
    """Of each source what its interpreter says against it; empty: nothing. Raises HarnessError."""
    script = folder / ("check.py" if lang == "python" else "check.cjs")
    script.write_text(_PYTHON if lang == "python" else _NODE, encoding="utf-8")
    names = [f"{i}{SUFFIX[lang]}" for i in range(len(codes))]
    for name, code in zip(names, codes, strict=True):
        (folder / name).write_text(code, encoding="utf-8", errors="replace")
    if lang == "python":
        command = [tools.paths["python"], "-I", "-S", "-B", "-W", "ignore", str(script)]
    else:
        command = [tools.paths["node"], *_NODE_FLAGS, str(script)]
    said: dict[str, str] = {}
    left = names
    while left:
        result = run_build([*command, *left], folder, tools, sandbox, limits, count=len(left))
        for line in result.stdout.splitlines():
            name, fault = json.loads(line)
            said[name] = fault
        left = [name for name in left if name not in said]
        if left:
            # it came to its end at this one, which is looked at no more
            if result.exit_code in (126, 127) or (result.exit_code == 0 and not result.timed_out):
                raise HarnessError(f"{lang}: expected a report on {len(left)} sources, found {result.stderr[-400:]!r}")
            said[left[0]] = (
                stopped(result) if result.signal or result.timed_out else f"{STOPPED}: {_last(result.stderr)}"
            )
            left = left[1:]
    return [said[name] for name in names]


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"
