"""Results in and out: a plain CSV matrix, and the table of one row per example that public archives of evals use.

    python -m analysis export runs/ --to verdicts.csv             # or .jsonl, or --format matrix
    python -m analysis import others.jsonl --to others-runs --base llama-base

The table has the columns `benchmark_id, model, example_id, pass1, correct, count` (crux-eval/eval-arena, README.md):
`correct` of `count` answers of one model to one example passed, and pass1 is correct / count. Ours are named so that
they come back as they went: `<bench>/<lang>/<decode>`, `<base>/<method>/<train>/seed<n>`, and the problem's name. Of
others' tables every benchmark_id is taken as a language of its own, and every model as a row.

The table knows passed and not passed. Harness errors are in neither number; why an answer failed, and how long it took,
is not in it. `analysis.load` takes such a file in place of a runs folder.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from analysis.load import AXES, BadRuns
from analysis.names import NONE
from codem.records import Outcome, Verdict, to_line
from codem.run import Run, write_record, write_whole

COLUMNS = ("benchmark_id", "model", "example_id", "pass1", "correct", "count")
FOREIGN = "imported"
"""The base and the benchmark of a table that does not name them."""
MOST_ANSWERS = 100_000
"""Per example: a count above it is a mistake, not an evaluation."""


def to_table(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row per (model, language, problem), and in words the evaluations that were left out.

    Left out are those that lack verdicts: in the table they would pass for complete. A problem whose every answer is a
    harness error has no row.
    """
    keys = [*AXES, "problem"]
    frame = frame[frame["outcome"].notna()]
    there = frame.groupby(list(AXES), observed=True)["expected"].agg(["first", "size"])
    whole = (there["first"].astype("float64") == there["size"]).rename("whole")
    flags = frame[keys].assign(
        correct=(frame["outcome"] == Outcome.PASSED).astype("int64"),
        count=(frame["outcome"] != Outcome.HARNESS_ERROR).astype("int64"),
    )
    rows = flags.groupby(keys, observed=True, sort=False)[["correct", "count"]].sum().reset_index()
    rows = rows[rows["count"] > 0].merge(whole.reset_index(), on=list(AXES))
    left = [_names(key)[1] + " on " + _names(key)[0] for key in whole.index[~whole]]
    rows = rows[rows["whole"]]
    names = [_names(key) for key in rows[list(AXES)].itertuples(index=False, name=None)]
    table = pd.DataFrame(
        {
            "benchmark_id": [bench for bench, _ in names],
            "model": [model for _, model in names],
            "example_id": rows["problem"].astype(str).to_numpy(),
            "pass1": (rows["correct"] / rows["count"]).to_numpy(),
            "correct": rows["correct"].to_numpy(),
            "count": rows["count"].to_numpy(),
        }
    )
    return table, left


def write_table(table: pd.DataFrame, path: Path) -> None:
    """As CSV, or one JSON object per line if the name ends in .jsonl."""
    if path.suffix == ".jsonl":
        write_whole(path, table.to_json(orient="records", lines=True))
    else:
        write_whole(path, table.to_csv(index=False, lineterminator="\n"))


def read_table(path: Path, base: str | None = None, same_problems: bool = False) -> pd.DataFrame:
    """A table of results as the frame that `analysis.load` gives, one row per answer.

    base: the model that is the untrained row of a table with others' names. same_problems: there, the last part of an
    example_id names the same problem in every benchmark_id (`Java/4`, `Go/4`); otherwise equal ids do.
    Raises BadRuns: columns missing, numbers that cannot be, rows that occur twice.
    """
    table = _checked(path, _read(path))
    ours = table["benchmark_id"].str.fullmatch(r"[^/]+/[^/]+/[^/]+") & table["model"].str.fullmatch(
        r"[^/]+/[^/]+/[^/]+/seed\d+"
    )
    if base is not None and base not in set(table["model"]):
        raise BadRuns(f"{path}: expected a model named {base!r}, found {_some(table['model'])}.")
    axes = _our_axes(table) if ours.all() else _foreign_axes(table, base)
    axes["problem"] = table["example_id"]
    if ours.all():
        prefix = axes["bench"] + "/" + axes["lang"] + "/"
        tails = [p.removeprefix(x) if p.startswith(x) else None for p, x in zip(axes["problem"], prefix, strict=True)]
        axes["task"] = [
            p if t is None else f"{b}/{t}" for p, t, b in zip(axes["problem"], tails, axes["bench"], strict=True)
        ]
    else:
        axes["task"] = table["example_id"].str.rpartition("/")[2] if same_problems else table["example_id"]
    counts = table["count"].to_numpy()
    axes["expected"] = table.groupby(["benchmark_id", "model"])["count"].transform("sum")
    frame = axes.loc[axes.index.repeat(counts)].reset_index(drop=True)
    sample = np.arange(len(frame)) - np.repeat(np.cumsum(counts) - counts, counts)
    passed = sample < np.repeat(table["correct"].to_numpy(), counts)
    frame["sample"] = sample
    frame["outcome"] = pd.Categorical.from_codes(
        np.where(passed, _place(Outcome.PASSED), _place(Outcome.WRONG)), pd.Index([o.value for o in Outcome])
    )
    frame["seconds"], frame["program_sha256"], frame["copies"] = np.nan, "", 1
    whole = {"seed": "int64", "sample": "int64", "copies": "int64", "expected": "Int64"}
    text = {name: "category" for name in (*AXES, "problem", "task") if name != "seed"}
    order = [*AXES, "problem", "task", "sample", "outcome", "seconds", "program_sha256", "copies", "expected"]
    return frame.astype(text | whole)[order]


def write_runs(frame: pd.DataFrame, root: Path) -> int:
    """A frame as a runs folder that every command takes; the number of evaluations. Raises BadRuns if it is there.

    What is no name for a folder (`meta/llama`) is written with its odd characters as %2F and the like.
    """
    if root.exists() and any(root.iterdir()):
        raise BadRuns(f"{root}: expected an empty folder or none, found files in it. Name another.")
    count = 0
    for key, part in frame.groupby(list(AXES), observed=True, sort=False):
        base, method, train, seed, bench, lang, decode = map(_folder, key)  # type: ignore[arg-type]
        evaluation = Run(root, base, method, train, int(seed)).evaluation(bench, lang, decode)
        lines = [
            to_line(Verdict(f"{bench}/{lang}/{task}", int(sample), Outcome(outcome), 0.0, None, "", ""))
            for task, sample, outcome in zip(_tails(part, key), part["sample"], part["outcome"], strict=True)
        ]
        write_whole(evaluation.verdicts, "".join(line + "\n" for line in lines))
        # Problems may have different numbers of answers here: what counts is the product, the verdicts to expect.
        recipe = {"problems": int(part["expected"].iloc[0]), "decode": {"samples": 1}}
        write_record(evaluation.record, {"recipe": recipe, "imported": True, "status": "done"})
        write_record(
            evaluation.run.record, {"recipe": {"base": base, "lang": train}, "imported": True, "status": "done"}
        )
        count += 1
    return count


def read_matrix(path: Path) -> pd.DataFrame:
    """A CSV matrix in %: the first column names the rows (train), the header the languages. NaN: an empty field.

    Raises BadRuns: no rows, a name twice, what is no number, a number outside 0 to 100.
    """
    try:
        table = pd.read_csv(path, index_col=0, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise BadRuns(f"{path}: expected a CSV matrix (train,python,java,...), found none: {error}") from None
    if table.empty or not len(table.columns):
        raise BadRuns(f"{path}: expected a CSV matrix (train,python,java,...), found no cell in it.")
    table.index = pd.Index([str(name).strip() for name in table.index], name="train")
    table.columns = pd.Index([str(name).strip() for name in table.columns], name="lang")
    for what, names in (("row", table.index), ("column", table.columns)):
        if names.duplicated().any():
            raise BadRuns(f"{path}: expected every {what} once, found {names[names.duplicated()][0]!r} twice.")
    rows = {}
    for train in table.index:
        rows[train] = [_percent(path, train, lang, table.loc[train, lang]) for lang in table.columns]
    matrix = pd.DataFrame.from_dict(rows, orient="index", columns=table.columns, dtype=float)
    return matrix.rename_axis(index="train", columns="lang")


def is_table(path: Path) -> bool:
    """Whether a file is one row per example rather than a matrix; told by its name and its first line."""
    with open(path, encoding="utf-8-sig", errors="replace") as f:
        return path.suffix == ".jsonl" or "benchmark_id" in f.readline()


def _percent(path: Path, train: str, lang: str, text: str) -> float:
    text = text.strip().removesuffix("%").strip()
    if text.lower() in ("", "nan", "na", "-"):
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if not 0 <= value <= 100:
        raise BadRuns(f"{path}: {train}, {lang}: expected a number of % from 0 to 100, found {text!r}.")
    return value


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".jsonl":
            with open(path, encoding="utf-8") as f:
                return pd.DataFrame([json.loads(line) for line in f if line.strip()])
        return pd.read_csv(path, keep_default_na=False, encoding="utf-8-sig", dtype=str)
    except (OSError, ValueError, AttributeError) as error:
        raise BadRuns(f"{path}: expected a table of {', '.join(COLUMNS)}, found something else: {error}") from None


def _checked(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Text as text, numbers as whole numbers; every row once."""
    lacking = [name for name in COLUMNS[:4] if name not in table.columns]
    if lacking or table.empty:
        found = f"no {', '.join(lacking)}" if lacking else "no rows"
        raise BadRuns(f"{path}: expected the columns {', '.join(COLUMNS)}, found {found}.")
    text = {name: table[name].astype(str) for name in COLUMNS[:3]}
    number = {
        name: pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
        for name in COLUMNS[3:]
        if name in table.columns
    }
    pass1 = number["pass1"]
    count = number.get("count", np.ones(len(table)))
    correct = number.get("correct", np.rint(pass1 * count))
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = (count == np.rint(count)) & (correct == np.rint(correct)) & (count >= 1) & (count <= MOST_ANSWERS)
        right = whole & (correct >= 0) & (correct <= count) & (np.abs(correct / count - pass1) < 1e-3)
    if not right.all():
        at = int(np.flatnonzero(~right)[0])
        shown = ", ".join(f"{name} {table[name].iloc[at]!r}" for name in COLUMNS[3:] if name in table.columns)
        more = "" if "count" in table.columns else " A fraction needs the column count: how many answers there were."
        raise BadRuns(f"{path}: row {at + 1}: expected pass1 = correct / count, found {shown}.{more}")
    made = pd.DataFrame({**text, "correct": correct.astype(np.int64), "count": count.astype(np.int64)})
    twice = made.duplicated(list(COLUMNS[:3]))
    if twice.any():
        row = made[twice].iloc[0]
        raise BadRuns(
            f"{path}: expected each example of a model once, found {row['example_id']!r} of {row['model']!r} "
            f"({row['benchmark_id']}) twice. Add up their correct and count."
        )
    return made


def _our_axes(table: pd.DataFrame) -> pd.DataFrame:
    bench = table["benchmark_id"].str.split("/", expand=True)
    model = table["model"].str.split("/", expand=True)
    axes = pd.DataFrame({"base": model[0], "method": model[1], "train": model[2]})
    axes["seed"] = model[3].str.removeprefix("seed").astype("int64")
    return axes.assign(bench=bench[0], lang=bench[1], decode=bench[2])


def _foreign_axes(table: pd.DataFrame, base: str | None) -> pd.DataFrame:
    train = table["model"].where(table["model"] != base, NONE)
    axes = pd.DataFrame({"base": base or FOREIGN, "method": FOREIGN, "train": train})
    axes["method"] = axes["method"].where(axes["train"] != NONE, NONE)
    return axes.assign(seed=0, bench=FOREIGN, lang=table["benchmark_id"], decode=FOREIGN)


def _names(key: tuple) -> tuple[str, str]:
    """benchmark_id and model of one evaluation."""
    base, method, train, seed, bench, lang, decode = key
    return f"{bench}/{lang}/{decode}", f"{base}/{method}/{train}/seed{seed}"


def _tails(part: pd.DataFrame, key: tuple) -> list[str]:
    """What follows `<bench>/<lang>/` in a problem's name, so that its task is found again."""
    bench = f"{key[4]}/"
    return [task.removeprefix(bench) for task in part["task"].astype(str)]


def _folder(name: object) -> str:
    text = quote(str(name), safe=" +=@,:()[]")
    return text.replace(".", "%2E") if re.fullmatch(r"\.*", text) else text


def _place(outcome: Outcome) -> int:
    return [o.value for o in Outcome].index(outcome.value)


def _some(names: pd.Series) -> str:
    found = sorted(set(names))
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
