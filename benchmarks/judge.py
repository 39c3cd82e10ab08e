"""Programs per second of codem's judge and of judging the usual way, on the benchmarks' own reference solutions.

python -m benchmarks.judge --data-dir DIR [--lang java,go] [--workers 2] [--naive-sample 40] [--out file.json]
python -m benchmarks.judge --data-dir DIR --lang python --stream 100000       # memory, with that many answers

Both sides run here, one after the other, each in a process of its own: ours as `codem.execute` judges (sandbox on, no
verdict known, verdicts written to disk), the usual way as benchmarks/naive.py says. Both have judged a few programs
before the clock starts: compilers' caches are warm on both sides. Where the usual way would take too long, a seeded
sample of the programs is judged and the time scaled up; the JSON says so. `cpu_s` are the processor seconds of each
side and of all processes that it starts; null where the system does not let us count them (it needs root, mostly).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import naive
from benchmarks.processor_time import ProcessorTime
from codem import config, plugins, records
from codem.benchmark_data import Source
from codem.doctor import corrected
from codem.judge import describe, judge
from codem.language_facts import LanguageFacts
from codem.records import Outcome, Problem, Sample, Verdict
from codem.sandbox import open_sandbox
from codem.verdict_cache import VerdictCache

SEVEN = ("java", "cpp", "go", "typescript", "javascript", "python", "c")
CODEGEEX = ("python", "cpp", "java", "javascript", "go")
NAIVE_SAMPLE = {"typescript": 40}
"""161 calls of that compiler take minutes."""
WARM_UP = 2


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("CODEM_DATA_DIR"), help="the benchmarks' files")
    parser.add_argument("--lang", default=",".join(SEVEN), help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, help="only that many problems of each language, for a quick look")
    parser.add_argument(
        "--naive-sample", type=int, help="programs of the usual way; 0: none (default: all, TypeScript 40)"
    )
    parser.add_argument("--stream", type=int, help="judge that many answers, and nothing else, and watch the memory")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side", choices=("ours", "naive"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.data_dir is None:
        parser.error("say --data-dir, or set CODEM_DATA_DIR")
    languages = asked.lang.split(",")
    if asked.side:
        result = {"ours": ours, "naive": usual}[asked.side](languages[0], asked)
    elif asked.stream:
        result = {"machine": machine(), **stream(languages[0], asked)}
    else:
        result = compare(languages, asked)
    text = json.dumps(result, indent=None if asked.side else 1)
    if asked.out:
        asked.out.write_text(text + "\n")
    print(text)


def compare(languages: list[str], asked: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for lang in languages:
        both = {"ours": _side("ours", lang, asked)}
        if asked.naive_sample != 0:
            both["naive"] = _side("naive", lang, asked)
            verdicts = {name: side.pop("passed") for name, side in both.items()}
            both["ratio"] = round(both["ours"]["programs_per_s"] / both["naive"]["programs_per_s"], 1)
            both["disagree"] = {p: ok for p, ok in verdicts["naive"].items() if verdicts["ours"][p] != ok}
        else:
            both["ours"].pop("passed")
        found[lang] = both
        print(f"{lang}: {json.dumps(both)}", file=sys.stderr, flush=True)
    sums = {f"all {len(languages)}": tuple(languages), "CodeGeeX's five": CODEGEEX}
    return {
        "machine": machine(),
        "workers": asked.workers,
        "languages": found,
        **{name: _sum([found[lang] for lang in some]) for name, some in sums.items() if set(some) <= set(found)},
    }


def _sum(some: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for side in ("ours", "naive"):
        if all(side in one for one in some):
            programs, seconds = (sum(one[side][key] for one in some) for key in ("programs", "seconds"))
            cpu = [one[side]["cpu_s"] for one in some]
            total[side] = {
                "programs": programs,
                "seconds": round(seconds, 2),
                "cpu_s": None if None in cpu else round(sum(cpu), 2),
                "programs_per_s": round(programs / seconds, 2),
            }
    if len(total) == 2:
        total["ratio"] = round(total["ours"]["programs_per_s"] / total["naive"]["programs_per_s"], 1)
    return total


def _side(side: str, lang: str, asked: argparse.Namespace) -> dict[str, Any]:
    """In a process of its own: its memory is its own, and so are the seconds of what it starts."""
    command = [sys.executable, "-m", "benchmarks.judge", "--side", side, "--lang", lang]
    command += ["--data-dir", str(asked.data_dir), "--workers", str(asked.workers)]
    for name in ("first", "naive_sample"):
        if getattr(asked, name) is not None:
            command += [f"--{name.replace('_', '-')}", str(getattr(asked, name))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{lang}: the side `{side}` failed; its message is above")
    return json.loads(done.stdout)


def ours(lang: str, asked: argparse.Namespace) -> dict[str, Any]:
    problems, facts, sandbox = *_problems(lang, asked), open_sandbox("auto")
    items = [(p, Sample(p.id, 0, p.reference, "eos")) for p in problems]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.jsonl"
        verdicts: list[Verdict] = []

        def run(some: list[tuple[Problem, Sample]], cache: VerdictCache) -> float:
            verdicts.clear()
            started = time.monotonic()

            def keep(new: list[Verdict]) -> None:
                records.append(path, new)
                verdicts.extend(new)

            judge(some, facts, workers=asked.workers, sandbox=sandbox, on_verdicts=keep, cache=cache)
            cache.close()
            return time.monotonic() - started

        run(items[:WARM_UP], VerdictCache(None))
        with Measured() as measured:
            seconds = run(items, VerdictCache(Path(folder), "cache"))
        outcomes = Counter(str(v.outcome) for v in verdicts)
        passed = {v.problem: v.outcome is Outcome.PASSED for v in verdicts}
        again = run(items, VerdictCache(Path(folder), "cache"))
    return {
        **_figures(len(items), seconds, measured),
        "outcomes": dict(sorted(outcomes.items())),
        "not_passed": sorted(p for p, ok in passed.items() if not ok),
        "known_verdicts_per_s": round(len(items) / again),
        "judge": {k: v for k, v in describe(facts, sandbox).items() if k != "limits"},
        "passed": passed,
    }


def usual(lang: str, asked: argparse.Namespace) -> dict[str, Any]:
    problems, _ = _problems(lang, asked)
    most = NAIVE_SAMPLE.get(lang, len(problems)) if asked.naive_sample is None else asked.naive_sample
    some = random.Random(0).sample(problems, min(most, len(problems)))
    way = naive.Way(lang, Path.home() / ".cache" / "codem" / "benchmarks")
    way.judge(some[:WARM_UP], asked.workers)
    with Measured() as measured:
        passed, seconds = way.judge(some, asked.workers)
    scale = len(problems) / len(some)
    figures = _figures(len(problems), seconds * scale, measured, scale)
    said = {"sample": len(some), "how": f"a seeded sample of {len(some)}, times {scale:.3f}"} if scale > 1 else {}
    return {
        **figures,
        **said,
        "not_passed": sorted(p for p, ok in passed.items() if not ok),
        "commands": naive.COMMANDS[lang],
        "versions": naive.versions(lang, way),
        "passed": passed,
    }


def _figures(programs: int, seconds: float, measured: Measured, scale: float = 1.0) -> dict[str, Any]:
    return {
        "programs": programs,
        "seconds": round(seconds, 2),
        "cpu_s": None if measured.seconds is None else round(measured.seconds * scale, 2),
        "programs_per_s": round(programs / seconds, 2),
        "load_before": measured.load_before,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class Measured(ProcessorTime):
    """And how busy the machine was before."""

    def __enter__(self) -> Measured:
        self.load_before = [round(load, 2) for load in os.getloadavg()]
        super().__enter__()
        return self


def stream(lang: str, asked: argparse.Namespace) -> dict[str, Any]:
    """A long run over the same few programs: what the judge keeps in memory must not grow with their number."""
    problems, facts = _problems(lang, asked)
    sandbox, total, memory = open_sandbox("auto"), asked.stream, [_resident_mb()]

    def answers() -> Iterator[tuple[Problem, Sample]]:
        for number, problem in zip(range(total), itertools.cycle(problems[:20])):
            yield problem, Sample(problem.id, number, problem.reference, "eos")

    with tempfile.TemporaryDirectory() as folder:
        path, count = Path(folder) / "verdicts.jsonl", 0

        def keep(new: list[Verdict]) -> None:
            nonlocal count
            records.append(path, new)
            before, count = count, count + len(new)
            if before * 20 // total != count * 20 // total:
                memory.append(_resident_mb())

        started = time.monotonic()
        cache = VerdictCache(Path(folder), "cache")
        judge(answers(), facts, workers=asked.workers, sandbox=sandbox, on_verdicts=keep, cache=cache)
        seconds = time.monotonic() - started
    return {
        "answers": count,
        "programs": len(problems[:20]),
        "seconds": round(seconds, 2),
        "answers_per_s": round(count / seconds),
        "resident_mb": memory,
        "grown_mb_in_second_half": round(memory[-1] - memory[len(memory) // 2], 1),
    }


def _resident_mb() -> float:
    kb = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")).split()
    return round(int(kb[1]) / 1024, 1)


def _problems(lang: str, asked: argparse.Namespace) -> tuple[list[Problem], LanguageFacts]:
    """From the published benchmark that has the language: HumanEval-X where it does."""
    benches = sorted((n for n in plugins.names("benchmarks") if n != "mini"), key=lambda n: n != "humaneval_x")
    for name in benches:
        plugin = plugins.load("benchmarks", name)
        if lang in plugin.LANGUAGES:
            source = Source(asked.data_dir, asked.data_dir)
            (cell,) = config.cells(["lang=none"])
            problems = corrected(name.replace("_", "-"), plugin.problems(lang, plugin.Config(), source))
            return problems[: asked.first], cell.languages[lang]
    raise SystemExit(f"{lang}: no published benchmark has it; there are {', '.join(benches)}")


def machine() -> dict[str, Any]:
    model = [x.split(":", 1)[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "processor": model[0] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_gb, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
