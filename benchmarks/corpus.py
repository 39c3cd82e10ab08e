"""Time and memory of the work on corpora: reading, filtering, near-duplicates, decontamination, and all in a row.

python -m benchmarks.corpus --data-dir DIR                   # 100,000 pairs, a million rows to read, HumanEval-X
python -m benchmarks.corpus --pairs 10000 --read 0           # a quick look, against the embedded benchmark

Writes a corpus whose pairs are as long as those of real ones (about 400 characters of instruction, 1,200 of response):
functions of the embedded world under other names among made-up prose, in five languages, one in ten a repetition. Then
each step runs in a process of its own: seconds, pairs a second, and the peak of resident memory; for `all`, which has
two workers, that of the processes added up. Reading and making the index of the benchmark count.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.steps import measured
from codem import config
from codem.benchmark_data import Source
from codem.corpus import benchmarks, duplicates, leaks, lengths, load, sources
from codem.corpus.cleaning import Cleaner
from codem.corpus.examine import Content
from codem.corpus.filters import Limits
from codem.corpus.pair import Pair
from codem.world import corpora

LANGS = ("python", "go", "c", "java", "javascript")
INSTRUCTION, RESPONSE = 400, 1200
"""Characters."""
REPEATED = 0.1
BATCH = 4096
WORKERS = 2
COMMENT = {"python": "# "}
NAME = re.compile(r"\b[a-z]+(?=\()")


def write(path: Path, pairs: int, seed: int = 0) -> None:
    """JSON lines with `pairs` rows."""
    rng = random.Random(seed)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(8_000)]
    functions = {lang: corpora.instructions(lang, 0) for lang in LANGS}
    recent: list[tuple[str, str, str]] = []
    with path.open("w", encoding="utf-8") as f:
        for n in range(pairs):
            lang = LANGS[n % len(LANGS)]
            instruction, response = _pair(lang, functions[lang], words, rng)
            if recent and rng.random() < REPEATED:
                instruction, response, lang = rng.choice(recent)
                instruction += f" {rng.choice(words)}"
            recent = [*recent[-500:], (instruction, response, lang)]
            row = {"id": f"{lang}/{n}", "instruction": instruction, "response": response, "lang": lang}
            f.write(json.dumps(row) + "\n")


def _pair(lang: str, functions: list[dict[str, str]], words: list[str], rng: random.Random) -> tuple[str, str]:
    told, code = "", ""
    while len(code) < RESPONSE * rng.uniform(0.4, 1.4):
        some = rng.choice(functions)
        name = "_".join(rng.choices(words, k=2))
        told += f"{some['instruction']} "
        body = NAME.sub(name, some["response"], count=1)
        code += f"{COMMENT.get(lang, '// ')}{' '.join(rng.choices(words, k=12))}\n{body}\n"
    about = rng.choices(words, k=max(20, (INSTRUCTION - len(told[:200])) // 6))
    return f"{told[:200]} {' '.join(about)}", f"{' '.join(rng.choices(words, k=15))}:\n```{lang}\n{code}```\n"


def pairs_of(file: Path) -> Iterator[Pair]:
    return load.pairs(sources.files(str(file)), load.Tally())


def index_for(data: Path | None) -> leaks.Leaks:
    name = "mini" if data is None else "humaneval-x"
    return leaks.index(benchmarks.problems([name], Source(data, Path())))


def content() -> Content:
    return Content(config.cells([])[0].languages, Limits(), lengths.WordsAndSigns())


def step_read(file: Path, data: Path | None) -> Counter[str]:
    return Counter(pairs=sum(1 for _ in pairs_of(file)))


def step_content(file: Path, data: Path | None) -> Counter[str]:
    look = content()
    return Counter("pairs" if (r := look(pair)) is None else r.reason.value for pair in pairs_of(file))


def step_duplicates(file: Path, data: Path | None) -> Counter[str]:
    seen = duplicates.NearDuplicates()
    return Counter("pairs" if seen.first_like(pair) is None else "near_duplicate" for pair in pairs_of(file))


def step_leaks(file: Path, data: Path | None) -> Counter[str]:
    index = index_for(data)
    return Counter("contaminated" if index.matches(pair) else "pairs" for pair in pairs_of(file))


def step_all(file: Path, data: Path | None) -> Counter[str]:
    rows = pairs_of(file)
    with Cleaner(content(), None, duplicates.NearDuplicates(), index_for(data), WORKERS) as cleaner:
        while batch := list(itertools.islice(rows, BATCH)):
            cleaner.add(batch)
    return Counter(pairs=cleaner.kept) + Counter({reason.value: n for reason, n in cleaner.counts.items()})


STEPS: dict[str, Callable[[Path, Path | None], Counter[str]]] = {
    "read": step_read,
    "content": step_content,
    "duplicates": step_duplicates,
    "leaks": step_leaks,
    "all": step_all,
}


def run(step: str, file: Path, data: Path | None) -> None:
    start, used = time.perf_counter(), time.process_time()
    counts = STEPS[step](file, data)
    seconds = time.perf_counter() - start
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    processor_s = time.process_time() - used + workers.ru_utime + workers.ru_stime
    peak_kb = own.ru_maxrss + (WORKERS * workers.ru_maxrss if step == "all" else 0)
    told = {"seconds": round(seconds, 1), "processor_s": round(processor_s, 1), "peak_mb": round(peak_kb / 1024)}
    print(json.dumps({**told, "pairs_per_s": round(counts.total() / seconds), "found": counts}))


def measure(step: str, file: Path, data: Path | None) -> dict:
    more = [] if data is None else ["--data-dir", str(data)]
    command = [sys.executable, "-m", "benchmarks.corpus", "--step", step, "--file", str(file), *more]
    return measured(step, command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--read", type=int, default=1_000_000, help="rows of the file that is only read; 0: none")
    parser.add_argument("--data-dir", type=Path, help="with humaneval-x; without, the embedded benchmark is taken")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        run(args.step, args.file, args.data_dir)
        return
    result: dict = {}
    with tempfile.TemporaryDirectory(prefix="codem-corpus-") as folder:
        if args.read:
            write(many := Path(folder) / "many.jsonl", args.read)
            result[f"read {args.read:,}"] = measure("read", many, None)
            many.unlink()
        write(file := Path(folder) / "pairs.jsonl", args.pairs)
        result["pairs"], result["megabytes"] = args.pairs, round(file.stat().st_size / 1e6)
        for step in STEPS:
            result[step] = measure(step, file, args.data_dir)
            print(f"{step}: {result[step]}", file=sys.stderr)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
