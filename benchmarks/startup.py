"""How long people wait for an answer that needs no work: help, config, status, and a finished grid run again.

python benchmarks/startup.py [--repeat 7]          # prints JSON: median, minimum and maximum seconds of each command

The 9 x 7 grid is synthetic (63 evaluations of 52 verdicts) and lies in a temporary folder; the finished grid is made
by the real stages' own records, so that running it again takes the real path.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from codem import config, generate, records, run, train
from codem.records import Outcome, Sample, Verdict
from codem.settings import Cell

GRID = "lang=none,python,javascript,typescript,c,cpp,java,go,html"


def finished_grid(runs: Path) -> None:
    """What the stages leave behind, without training: records with the true recipes, and one verdict per problem."""
    for cell in config.cells([GRID, f"runs={runs}"], multirun=True):
        row = train.run_of(cell)
        run.write_record(row.record, _finished(train.recipe(cell)))
        for lang in cell.eval_lang:
            _evaluation(cell, lang)


def _finished(recipe: dict) -> dict:
    return {"recipe": recipe, "finished": run.now(), "status": "done"}


def _evaluation(cell: Cell, lang: str) -> None:
    where = generate.evaluation_of(cell, lang)
    problems = generate.problems(cell.bench_name, cell.bench, lang, cell.source)
    counts = {str(Outcome.PASSED): len(problems)}
    recipe = generate.stage_of(cell, lang).recipe
    run.write_record(where.record, {**_finished(recipe), "judge": {"counts": counts, "finished": run.now()}})
    records.append(where.samples, [Sample(p.id, 0, p.reference, "eos") for p in problems])
    records.append(where.verdicts, [Verdict(p.id, 0, Outcome.PASSED, 0.01, 0, "", "0" * 64) for p in problems])


def seconds(command: list[str], repeat: int) -> dict[str, float]:
    taken = []
    for _ in range(repeat):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return {
        "median_s": round(statistics.median(taken), 3),
        "min_s": round(min(taken), 3),
        "max_s": round(max(taken), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        finished_grid(runs)
        python = [sys.executable, "-m"]
        result = {
            "train --help": seconds([*python, "codem.train", "--help"], repeat),
            "train --cfg job": seconds([*python, "codem.train", "--cfg", "job"], repeat),
            "status, 9 x 7 grid": seconds([*python, "codem.status", str(runs)], repeat),
            "finished 9 x 7 grid again": seconds([*python, "codem.train", "-m", GRID, f"runs={runs}"], repeat),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
