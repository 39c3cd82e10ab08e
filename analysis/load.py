"""Read `runs/`: one tidy frame with a row for every verdict, and the records beside them.

    frame = load("runs/", base="tiny")

| column                              | meaning                                                                  |
|-------------------------------------|--------------------------------------------------------------------------|
| base method train seed              | which model: the axes of the run's folder                                |
| bench lang decode                   | which evaluation of it                                                   |
| problem task sample                 | `mini/go/3`; `mini/3`, the same in every language; 0, 1, ...             |
| outcome seconds program_sha256      | the verdict (see `codem.records.Verdict`)                                |
| copies                              | lines that named this sample; the last one counts                        |
| expected                            | verdicts that this row's whole evaluation should have, NA: nobody knows  |

`expected` travels in every row so that a frame alone, filtered or joined, shows that verdicts are missing.
Pandas is imported by the functions that need it: `python -m analysis --help` does not pay for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem.records import Outcome, Verdict, read_verdicts
from codem.run import find

if TYPE_CHECKING:
    import pandas as pd

AXES = ("base", "method", "train", "seed", "bench", "lang", "decode")
"""What names one evaluation."""


class BadRuns(Exception):
    """The runs folder cannot give the answer that was asked for; the message says what to do."""


@dataclass(frozen=True)
class Evaluation:
    """One trained model on one language of one benchmark: a folder with verdicts in it, or one day with them."""

    base: str
    method: str
    train: str
    seed: int
    bench: str
    lang: str
    decode: str
    path: Path
    record: dict[str, Any] = field(repr=False, compare=False)
    """The evaluation's record.json; empty when it is not there or cannot be read."""

    @property
    def run_path(self) -> Path:
        """The folder of the model that was evaluated."""
        return self.path.parents[3]

    @property
    def verdicts_path(self) -> Path:
        return self.path / "verdicts.jsonl"

    @property
    def status(self) -> str:
        return str(self.record.get("status", "no record"))

    @property
    def has_verdicts(self) -> bool:
        return self.verdicts_path.is_file() and self.verdicts_path.stat().st_size > 0


def load(
    runs: str | Path,
    base: str | None = None,
    method: str | None = None,
    bench: str | None = None,
    decode: str | None = None,
) -> pd.DataFrame:
    """Every verdict below `runs`, or those of one base, method, benchmark or decoding.

    The untrained base model belongs to every method, so `method="sft"` keeps its rows too.
    """
    wanted = {"base": base, "bench": bench, "decode": decode}
    found = [
        e
        for e in evaluations(runs)
        if all(value is None or getattr(e, axis) == value for axis, value in wanted.items())
        and (method is None or e.method in (method, "none"))
    ]
    return read(found)


def evaluations(runs: str | Path) -> list[Evaluation]:
    """Every evaluation folder below `runs`, in the order of their paths. Raises BadRuns if there is no such folder."""
    root = Path(runs)
    if not root.is_dir():
        raise BadRuns(
            f"{root}: expected a folder of runs, found nothing there. Train something first, or name another."
        )
    found = []
    for run in find(root):
        for path in sorted(run.folder.glob("eval/*/*/*/")):  # also those without a record: the report names them
            if path.is_dir():
                bench, lang, decode = path.parts[-3:]
                model = (run.base, run.method, run.train, run.seed)
                found.append(Evaluation(*model, bench, lang, decode, path, read_record(path)))
    return found


def read_record(folder: Path) -> dict[str, Any]:
    """The folder's record.json. A report shows what is there, so a record that cannot be read counts as none."""
    try:
        record = json.loads((folder / "record.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def read(found: Iterable[Evaluation]) -> pd.DataFrame:
    """The verdicts of these evaluations, one row for each (evaluation, problem, sample)."""
    import pandas as pd

    columns: dict[str, list] = {name: [] for name in (*AXES, "problem", "task", "sample", "outcome", "seconds")}
    columns |= {"program_sha256": [], "copies": [], "expected": []}
    for evaluation in found:
        last, copies = _last_verdicts(evaluation)
        rows = len(last)
        for axis in AXES:
            columns[axis] += [getattr(evaluation, axis)] * rows
        columns["expected"] += [expected_verdicts(evaluation, last.values())] * rows
        for key, verdict in last.items():
            columns["problem"].append(verdict.problem)
            columns["task"].append(task_of(verdict.problem, evaluation))
            columns["sample"].append(verdict.sample)
            columns["outcome"].append(verdict.outcome.value)
            columns["seconds"].append(verdict.seconds)
            columns["program_sha256"].append(verdict.program_sha256)
            columns["copies"].append(copies[key])
    frame = pd.DataFrame(columns)
    text = {name: "category" for name in (*AXES, "problem", "task") if name != "seed"}
    whole = {"seed": "int64", "sample": "int64", "copies": "int64", "expected": "Int64", "seconds": "float64"}
    frame = frame.astype(text | whole)
    frame["outcome"] = pd.Categorical(frame["outcome"], categories=[o.value for o in Outcome])
    return frame


def _last_verdicts(evaluation: Evaluation) -> tuple[dict[tuple[str, int], Verdict], dict[tuple[str, int], int]]:
    """The last verdict for each sample, and how many lines there were for it.

    The judge appends, so a later line is a later judgement. A torn last line is not a verdict: it is missing.
    """
    last: dict[tuple[str, int], Verdict] = {}
    copies: dict[tuple[str, int], int] = {}
    path = evaluation.verdicts_path
    try:
        for verdict in read_verdicts(path):
            key = (verdict.problem, verdict.sample)
            last[key] = verdict
            copies[key] = copies.get(key, 0) + 1
    except (ValueError, TypeError) as error:  # TornFile, an outcome that nobody knows, a field too many or too few
        raise BadRuns(f"{path}: expected one verdict per line. {error}") from None
    return last, copies


def expected_verdicts(evaluation: Evaluation, verdicts: Iterable[Verdict]) -> int | None:
    """Problems times samples per problem, as the record states them; None when it does not."""
    recipe = evaluation.record.get("recipe")
    judged = evaluation.record.get("judge")
    judged = judged.get("recipe") if isinstance(judged, dict) else None
    problems = recipe.get("problems") if isinstance(recipe, dict) else None
    if isinstance(judged, dict) and isinstance(judged.get("problems"), int):
        problems = judged["problems"]  # without those that its errata leave out
    if not isinstance(problems, int):
        return None
    decode = recipe.get("decode") if isinstance(recipe, dict) else None
    stated = [decode.get(name) for name in ("samples", "n", "num_samples")] if isinstance(decode, dict) else []
    samples = [n for n in stated if isinstance(n, int) and n > 0] or [1 + max((v.sample for v in verdicts), default=0)]
    return problems * samples[0]


def task_of(problem: str, evaluation: Evaluation) -> str:
    """`mini/go/3` -> `mini/3`: what the same problem is called in every language."""
    prefix = f"{evaluation.bench}/{evaluation.lang}/"
    return f"{evaluation.bench}/{problem.removeprefix(prefix)}" if problem.startswith(prefix) else problem
