"""Are verdicts the same on a busy machine? All references, once idle and three times beside processes that never rest.

python -m benchmarks.steady --data-dir ../data [--out steady.json]       # prints JSON

No verdict cache. A difference between any two rounds is listed with its problem, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codem import config, execute, plugins
from codem.doctor import BENCHMARKS
from codem.judge import judge
from codem.records import Problem, Sample, Verdict
from codem.sandbox import Sandbox, open_sandbox
from codem.settings import Cell

HOGS_PER_CORE = 2


def references(data_dir: str) -> list[tuple[Cell, str, list[Problem]]]:
    """Each language of HumanEval-X and its sisters, with its problems that have a reference."""
    found = []
    for bench in BENCHMARKS:
        (cell,) = config.cells([f"bench={bench}", f"data_dir='{data_dir}'"])
        for lang in plugins.load("benchmarks", bench).LANGUAGES:
            problems = [p for p in execute.problems_judged(cell, lang) if p.reference]
            found.append((cell, lang, problems))
    return found


def judged(work: list[tuple[Cell, str, list[Problem]]], sandbox: Sandbox) -> dict[str, str]:
    """Problem -> outcome."""
    verdicts: list[Verdict] = []
    for cell, lang, problems in work:
        items = ((p, Sample(p.id, 0, p.reference, "eos")) for p in problems)
        facts = cell.languages[lang]
        judge(items, facts, workers=cell.workers, sandbox=sandbox, on_verdicts=verdicts.extend)
    return {v.problem: str(v.outcome) for v in verdicts}


@contextmanager
def busy(count: int) -> Iterator[None]:
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    work, sandbox = references(arguments.data_dir), open_sandbox("auto")
    hogs = HOGS_PER_CORE * (os.cpu_count() or 1)
    rounds: list[dict[str, Any]] = []
    for number in range(4):
        with busy(hogs if number else 0):
            start = time.monotonic()
            found = judged(work, sandbox)
            seconds = round(time.monotonic() - start, 1)
        rounds.append({"hogs": hogs if number else 0, "seconds": seconds, "load": os.getloadavg()[0], "found": found})
        print(f"round {number + 1} of 4: {len(found)} references, {seconds} s", file=sys.stderr)
    first = rounds[0]["found"]
    differ = {p: [r["found"][p] for r in rounds] for p in first if len({r["found"][p] for r in rounds}) > 1}
    result = {
        "references": len(first),
        "not_passed": {p: outcome for p, outcome in first.items() if outcome != "passed"},
        "differ": differ,
        "rounds": [{key: value for key, value in r.items() if key != "found"} for r in rounds],
        "sandbox": sandbox.name,
    }
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
