"""Write a runs folder whose verdicts are known, as the stages would have written it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

PASS, FAIL, OURS = "passed", "wrong", "harness_error"


def evaluation(
    runs: Path,
    train: str,
    lang: str,
    outcomes: Sequence[str] | str,
    *,
    base: str = "tiny",
    method: str = "sft",
    seed: int = 0,
    bench: str = "mini",
    decode: str = "greedy",
    problems: int | None = None,
    record: dict | None = None,
) -> Path:
    """One evaluation; `outcomes` has one entry per problem, or is a word like "1101" (1 passed, 0 wrong, h harness)."""
    names = [{"1": PASS, "0": FAIL, "h": OURS}.get(o, o) for o in outcomes]
    run = runs / base / ("none" if train == "none" else method) / train / f"seed{seed}"
    folder = run / "eval" / bench / lang / decode
    folder.mkdir(parents=True)
    code = {"commit": "3f2a9c1d77e0", "dirty": False}
    recipe = {"base": base, "lang": train, "method": {"name": method, "lr": 0.001}, "template_sha256": "9ac1f7" * 8}
    write(run / "record.json", {"status": "done", "recipe": recipe, "fingerprint": "ab12", "code": code})
    lines = [line(bench, lang, i, outcome) for i, outcome in enumerate(names)]
    (folder / "verdicts.jsonl").write_text("".join(lines), "utf-8")
    full = {
        "status": "done",
        "recipe": {"problems": len(names) if problems is None else problems, "bench": {"version": 1}},
        "judge": {"recipe": {"compiler": "gcc", "version": "12.2.0", "sandbox": "bubblewrap"}},
        "packages": {"torch": "2.11.0"},
        "code": code,
    }
    write(folder / "record.json", full | (record or {}))
    return folder


def line(bench: str, lang: str, number: int, outcome: str, sample: int = 0) -> str:
    verdict = {
        "problem": f"{bench}/{lang}/{number}",
        "sample": sample,
        "outcome": outcome,
        "seconds": 0.1,
        "exit_code": 0,
        "output_tail": "",
        "program_sha256": hashlib.sha256(f"{lang}{number}".encode()).hexdigest(),
    }
    return json.dumps(verdict) + "\n"


def write(path: Path, record: dict) -> None:
    path.write_text(json.dumps(record), "utf-8")


def grid(runs: Path) -> Path:
    """Three rows, three columns, four problems each: the numbers that the tests expect are below each row."""
    rows = {
        "mixed": ("1110", "1111", "0000"),  # 75, 100, 0
        "go": ("1000", "1000", "1111"),  # 25, 25, 100
        "python": ("1111", "1100", "1000"),  # 100, 50, 25
        "none": ("1100", "1000", "1000"),  # 50, 25, 25
    }
    for train, words in rows.items():
        for lang, word in zip(("python", "java", "go"), words, strict=True):
            evaluation(runs, train, lang, word)
    return runs
