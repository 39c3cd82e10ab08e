"""Time and memory of the analysis on many verdicts: load cold, load warm, the statistics, the report.

python -m benchmarks.analysis                        # a million rows, in a temporary folder
python -m benchmarks.analysis --rows 1000000 --keep /tmp/many-runs --no-report

Writes a runs folder of two bases, nine rows, seven languages, several seeds and samples, as the stages would have left
it, then measures each step in a process of its own: seconds, and the peak of its resident memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.steps import measured

ROWS = ("none", "python", "javascript", "typescript", "c", "cpp", "java", "go", "html", "mixed")
LANGS = ("python", "javascript", "typescript", "c", "cpp", "java", "go")
PROBLEMS, SAMPLES = 164, 10
FAILURES = ("wrong", "compile_error", "runtime_error", "timeout")

STEPS = {
    "load": "frame = analysis.load(runs)",
    "statistics": (
        "frame = analysis.load(runs, base='base-0')\n"
        "from analysis import matrix, multiplicity, paired\n"
        "matrix.cells(frame); multiplicity.significance(frame); multiplicity.significance(frame, to='specialist')\n"
        "paired.pooled(frame)"
    ),
    "report": "from analysis import report\nreport.write(runs, out, base='base-0')",
}


def write_runs(runs: Path, rows: int, seed: int = 0) -> int:
    """Verdict files with about `rows` rows below `runs`; the number written."""
    rng = np.random.default_rng(seed)
    per_file = PROBLEMS * SAMPLES
    models = max(1, round(rows / per_file / len(LANGS)))
    bases = 2 if models >= 2 * len(ROWS) else 1
    written = 0
    for model in range(models):
        base, rest = model % bases, model // bases
        train, number = ROWS[rest % len(ROWS)], rest // len(ROWS)
        run = runs / f"base-{base}" / ("none" if train == "none" else "sft") / train / f"seed{number}"
        for lang in LANGS:
            folder = run / "eval" / "humaneval-x" / lang / "sampled"
            folder.mkdir(parents=True)
            passed = rng.random((PROBLEMS, SAMPLES)) < rng.beta(0.6, 1.2, size=(PROBLEMS, 1))
            lines = []
            for problem, sample in np.ndindex(passed.shape):
                outcome = "passed" if passed[problem, sample] else FAILURES[int(rng.integers(len(FAILURES)))]
                lines.append(_line(lang, problem, sample, outcome, f"{model} {lang} {problem} {sample % 6}"))
            (folder / "verdicts.jsonl").write_text("".join(lines), "utf-8")
            recipe = {"problems": PROBLEMS, "bench": {"version": 1}, "decode": {"samples": SAMPLES}}
            (folder / "record.json").write_text(json.dumps({"recipe": recipe, "status": "done"}), "utf-8")
            written += per_file
        (run / "record.json").write_text(json.dumps({"recipe": {"lang": train}, "status": "done"}), "utf-8")
    return written


def _line(lang: str, problem: int, sample: int, outcome: str, program: str) -> str:
    said = "" if outcome == "passed" else f"answer {program}: expected 3, found 4\n" * 3
    verdict = {
        "problem": f"humaneval-x/{lang}/{problem}",
        "sample": sample,
        "outcome": outcome,
        "seconds": 0.125 + problem / 1000,
        "exit_code": 0 if outcome == "passed" else 1,
        "output_tail": said,
        "program_sha256": hashlib.sha256(program.encode()).hexdigest(),
    }
    return json.dumps(verdict) + "\n"


def measure(step: str, runs: Path, out: Path, processors: int) -> dict[str, float]:
    """Seconds (without the interpreter's start and its imports of pandas), processor seconds, peak megabytes."""
    script = (
        "import json, resource, sys, time, warnings\n"
        "import numpy, pandas, analysis\n"
        "runs, out = sys.argv[1:]\n"
        "start, used = time.perf_counter(), time.process_time()\n"
        f"{STEPS[step]}\n"
        "seconds = time.perf_counter() - start\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "used = round(time.process_time() - used, 2)\n"
        "print(json.dumps({'seconds': round(seconds, 2), 'processor_s': used, 'peak_mb': round(peak)}))\n"
    )
    bound = ["taskset", "-c", ",".join(map(str, sorted(os.sched_getaffinity(0))[:processors]))]
    bound = bound if shutil.which("taskset") else []
    command = [*bound, sys.executable, "-c", script, str(runs), str(out)]
    return measured(step, command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--processors", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="write the runs here, or use those that are here already")
    parser.add_argument("--no-report", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codem-analysis-") as folder:
        runs = args.keep or Path(folder) / "runs"
        started = time.perf_counter()
        if not runs.exists():
            write_runs(runs, args.rows)
        made = time.perf_counter() - started
        shutil.rmtree(runs / ".analysis", ignore_errors=True)
        files = list(runs.glob("*/*/*/seed*/eval/*/*/*/verdicts.jsonl"))
        result: dict = {
            "rows": sum(path.read_bytes().count(b"\n") for path in files),
            "files": len(files),
            "verdict_mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
            "processors": args.processors,
            "written_s": round(made, 1),
        }
        out = Path(folder) / "report"
        result["load_cold"] = measure("load", runs, out, args.processors)
        cache = runs / ".analysis" / "verdicts"
        result["cache_mb"] = round(cache.stat().st_size / 1e6, 1) if cache.exists() else 0
        result["load_warm"] = measure("load", runs, out, args.processors)
        result["statistics_warm"] = measure("statistics", runs, out, args.processors)
        if not args.no_report:
            result["report_warm"] = measure("report", runs, out, args.processors)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
