"""How many planted problems of HumanEval-X decontamination finds, and how many other pairs it flags.

python -m benchmarks.decontamination --data-dir DIR          # JSON: recall by kind of plant, flagged by corpus
python -m benchmarks.decontamination --data-dir DIR --list   # also each flagged pair with its evidence, to be read

DIR needs humaneval-x, humaneval-c, multilingual-humaneval and poly-humaneval (the plants: HumanEval's problems as
others wrote them, in other languages), mbpp and mbxp (another benchmark, whose problems are of the same sort).
"""

from __future__ import annotations

import argparse
import builtins
import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codem.benchmark_data import Source
from codem.corpus import benchmarks, leaks
from codem.corpus.pair import Pair
from codem.cutting import syntax
from codem.records import Problem
from codem.world import corpora

UNRELATED = "Show me something that you are proud of."
OF_GO = """
append bool byte cap copy delete error false float64 fmt hex int int64 len make math max md5 min new nil panic regexp
rune sort strconv string strings true
"""
KEPT = {
    "python": frozenset(dir(builtins)) | {"self", "math", "re", "collections", "heapq"},
    "go": frozenset(OF_GO.split()),
}
"""Names that belong to the language."""
NAMES = ("identifier", "shorthand_property_identifier")
IN_MBXP = {"javascript": "mbjsp_release_v1.2", "cpp": "mbcpp_release_v1.2", "java": "mbjp_release_v1.2"}
REWORDED = {
    0: "Given some measurements and a tolerance, say whether any pair of them lies nearer together than the tolerance.",
    1: (
        "A text holds several balanced bracket clusters, possibly with blanks between. Split it into the "
        "separate top-level clusters and give them back without the blanks."
    ),
    5: "Put a given value between each two neighbours of a slice.",
    6: "For every blank-separated bracket cluster in a text, tell how deep its nesting goes.",
    9: "Produce the running maximum of some integers.",
    11: "Two texts consist of zeros and ones only; combine them bit by bit with exclusive or and give back a text.",
    13: "Compute the highest common factor of two whole numbers.",
    20: "From at least two reals, pick the two that lie nearest to one another, the smaller first.",
    25: "Decompose a whole number into its primes, smallest first, each as often as it divides.",
    31: "Is the number a prime?",
    37: "Sort only those entries that stand at even places and leave the rest where they are.",
    40: "Do any three different entries of the slice cancel out to nothing?",
    46: (
        "There is a sequence like Fibonacci but each entry is made from the four before it (0, 0, 2, 0 at the"
        " start). Compute the n-th without recursion."
    ),
    49: "Raise two to the power n and give the remainder modulo p.",
    56: "Check that every opening angle bracket has its closing counterpart.",
    64: "Count the vowels in a word; y is one only if it ends the word.",
    65: (
        "Rotate the digits of a number to the right by some places; if the shift exceeds how many digits "
        "there are, flip the digits."
    ),
    74: "Of two slices of words, return whichever has fewer characters altogether; the first when they tie.",
    89: "Encrypt a text by moving each letter four places along the alphabet.",
    96: "List all primes smaller than n.",
    108: "How many entries have a digit sum above zero, if the first digit of a negative one counts as negative?",
    118: "Starting from the right end, find the nearest vowel that is surrounded by consonants.",
    140: "Turn blanks of a text into underscores, but runs of more than two into a single dash.",
    142: (
        "Add up a slice after squaring what stands at multiples of three and cubing what stands at other "
        "multiples of four."
    ),
}
"""Problems in other words, by number: nothing of the description is left but what the problem is."""


def rows(path: Path) -> list[dict[str, Any]]:
    text = path.read_bytes()
    lines = (gzip.decompress(text) if path.suffix == ".gz" else text).splitlines()
    return [json.loads(line) for line in lines]


def renamed(code: str, lang: str) -> str:
    """The same code under other names; those of members, types and the language stay."""
    parsed = syntax.Code(lang, code)
    new: dict[str, str] = {}
    made, end = [], 0
    for node in syntax.walk(parsed.root):
        name = parsed.of(node)
        is_member = code[: parsed.start(node)].endswith(".")
        is_kept = name in KEPT.get(lang, ()) or (lang == "java" and name[0].isupper())
        if node.type in NAMES and not is_member and not is_kept:
            made += [code[end : parsed.start(node)], new.setdefault(name, f"thing{len(new)}")]
            end = parsed.end(node)
    return "".join([*made, code[end:]])


def plants(data: Path, problems: Iterable[Problem]) -> dict[str, list[tuple[int, Pair]]]:
    """By kind: (number of the task, a pair that holds it)."""
    published = {(p.lang, _number(p.task)): p.signature + p.reference for p in problems}
    with gzip.open(data / "poly-humaneval" / "poly_humaneval_sol.json.gz", "rt", encoding="utf-8") as f:
        poly = {lang: {_number(k): code for k, code in of.items()} for lang, of in json.load(f).items()}
    in_c = {n: row["c_func"] for n, row in enumerate(rows(data / "humaneval-c" / "humaneval_c_functions.jsonl"))}
    prompts = [row["prompt"] for row in rows(data / "multilingual-humaneval" / "HumanEval.jsonl.gz")]
    made = {"description alone": [(n, Pair("", text, "Sorry.")) for n, text in enumerate(prompts)]}
    for lang in ("python", "cpp", "java", "go", "rust"):
        codes = {n: code for (of, n), code in published.items() if of == lang}
        made[f"solution alone, {lang}"] = _pairs(codes)
        made[f"solution alone, renamed, {lang}"] = _pairs(codes, lang)
    for lang in ("python", "go", "typescript"):
        made[f"someone else's solution, {lang}"] = _pairs(poly[lang])
        made[f"someone else's solution, renamed, {lang}"] = _pairs(poly[lang], lang)
    for lang in ("csharp", "kotlin", "php"):
        made[f"someone else's solution, {lang}"] = _pairs(poly[lang])
    made["someone else's solution, renamed, c"] = _pairs(in_c)
    for text, lang in (("reworded, translated", ""), ("reworded, translated, renamed", "go")):
        codes = {n: poly["go"][n] for n in REWORDED}
        made[f"{text}, go"] = [(n, Pair("", REWORDED[n], p.response)) for n, p in _pairs(codes, lang)]
    made["reworded, solution renamed, go"] = [
        (n, Pair("", REWORDED[n], renamed(published["go", n], "go"))) for n in REWORDED
    ]
    return made


def _pairs(codes: dict[int, str], rename_in: str = "") -> list[tuple[int, Pair]]:
    return [(n, Pair("", UNRELATED, renamed(c, rename_in) if rename_in else c)) for n, c in codes.items()]


def _number(task: str) -> int:
    return int(task.rpartition("/")[2])


def others(data: Path) -> dict[str, list[Pair]]:
    """Corpora that do not come from HumanEval."""
    made = {"mbpp": [Pair(str(r["task_id"]), r["text"], r["code"]) for r in rows(data / "mbpp" / "mbpp.jsonl")]}
    for lang, name in IN_MBXP.items():
        made[f"mbxp, {lang}"] = [
            Pair(r["task_id"], r["description"], r["prompt"] + r["canonical_solution"])
            for r in rows(data / "mbxp" / f"{name}.jsonl.gz")
            if r["canonical_solution"]
        ]
    for lang in ("python", "go", "c", "html"):
        embedded = corpora.instructions(lang, 0)
        made[f"embedded, {lang}"] = [Pair(i["id"], i["instruction"], i["response"], lang) for i in embedded]
    return made


def measure(data: Path, show: bool) -> dict[str, Any]:
    problems = benchmarks.problems(["humaneval-x"], Source(data, data))
    full = leaks.index(problems)
    in_python = leaks.index(p for p in problems if p.lang == "python")
    planted = plants(data, problems)
    recall = {kind: _found(full, pairs) for kind, pairs in planted.items()}
    for lang in ("java", "go", "rust"):
        kind = f"solution alone, renamed, {lang}"
        recall[f"{kind}, benchmark in Python alone"] = _found(in_python, planted[kind])
    flagged = {}
    for name, pairs in others(data).items():
        hits = [(pair, hit[0]) for pair in pairs if (hit := full.matches(pair))]
        flagged[name] = {"pairs": len(pairs), "flagged": len(hits)}
        if show:
            flagged[name]["hits"] = [  # type: ignore[assignment]
                {
                    "pair": p.id,
                    "instruction": p.instruction[:200],
                    "problem": h.problem,
                    "score": round(h.score, 2),
                    "evidence": h.evidence,
                }
                for p, h in hits
            ]
    return {"recall": recall, "flagged": flagged}


def _found(index: leaks.Leaks, pairs: list[tuple[int, Pair]]) -> dict[str, float]:
    found = sum(any(_number(hit.task) == n for hit in index.matches(pair)) for n, pair in pairs)
    return {"plants": len(pairs), "found": found, "share": round(found / len(pairs), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--list", action="store_true", help="with each flagged pair of the corpora that hold none")
    given = parser.parse_args()
    json.dump(measure(given.data_dir, given.list), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
