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
What was parsed is kept in `runs/.analysis` (see `analysis.store`): a million verdicts load in seconds.
Pandas is imported by the functions that need it: `python -m analysis --help` does not pay for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import store
from codem.records import Outcome
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
    *,
    mixed_versions: bool = False,
    cache: str | Path | bool = True,
) -> pd.DataFrame:
    """Every verdict below `runs`, or those of one base, method, benchmark or decoding.

    runs: a runs folder, or a table of others' results (see `analysis.interchange`).
    The untrained base model belongs to every method, so `method="sft"` keeps its rows too.
    mixed_versions: take verdicts of different versions of a benchmark together, which is refused otherwise.
    cache: where parsed verdicts are kept: True, beside the runs; a folder; or False, nowhere.

    Raises BadRuns if there is no such folder, a verdict file is damaged, or benchmark versions differ.
    """
    if Path(runs).is_file():
        from analysis.interchange import read_table

        frame = read_table(Path(runs))
        for axis, value in {"base": base, "method": method, "bench": bench, "decode": decode}.items():
            if value is not None:
                frame = frame[(frame[axis] == value) | ((frame[axis] == "none") & (axis == "method"))]
        return frame
    wanted = {"base": base, "bench": bench, "decode": decode}
    found = [
        e
        for e in evaluations(runs)
        if all(value is None or getattr(e, axis) == value for axis, value in wanted.items())
        and (method is None or e.method in (method, "none"))
    ]
    return read(found, mixed_versions=mixed_versions, cache=cache)


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


def read(found: Iterable[Evaluation], *, mixed_versions: bool = False, cache: str | Path | bool = True) -> pd.DataFrame:
    """The verdicts of these evaluations, one row for each (evaluation, problem, sample). Arguments as for `load`."""
    found = list(found)
    if not mixed_versions:
        _refuse_mixed_versions(found)
    root = found[0].path.parents[7] if found else Path()
    kept = None if cache is False else root / store.FOLDER if cache is True else Path(cache)
    table, counts = store.tables(root, [e.verdicts_path for e in found], kept, _bad_file)
    return _frame(found, table, counts)


def _bad_file(path: Path, error: Exception) -> BadRuns:
    """For TornFile, an outcome that nobody knows, a field too many or too few."""
    what = f"A line lacks the field {error}." if isinstance(error, KeyError) else error
    return BadRuns(f"{path}: expected one verdict per line. {what}")


def _refuse_mixed_versions(found: Sequence[Evaluation]) -> None:
    """Scores on two versions of a benchmark are not scores on the same problems."""
    versions: dict[str, dict[str, list[Evaluation]]] = {}
    for evaluation in found:
        recipe = evaluation.record.get("recipe")
        bench = recipe.get("bench") if isinstance(recipe, dict) else None
        if evaluation.has_verdicts and isinstance(bench, dict) and "version" in bench:
            versions.setdefault(evaluation.bench, {}).setdefault(str(bench["version"]), []).append(evaluation)
    for bench, by_version in versions.items():
        if len(by_version) > 1:
            lines = [
                f"  version {version}: {len(those)} evaluation{'s' * (len(those) > 1)}, such as {those[0].path}"
                for version, those in sorted(by_version.items())
            ]
            raise BadRuns(
                f"{bench}: expected one version of the benchmark, found {len(by_version)}:\n"
                + "\n".join(lines)
                + "\nRun the older ones again, keep them in another folder, or load(..., mixed_versions=True)."
            )


def _frame(found: Sequence[Evaluation], table: Any, counts: Sequence[int]) -> pd.DataFrame:
    """The columns of the module's head. What repeats is categorical, so that a million rows take 120 MB or so."""
    import numpy as np
    import pandas as pd

    lengths = np.asarray(counts, dtype=np.int64)
    which = np.repeat(np.arange(len(found), dtype=np.int32), lengths)
    columns: dict[str, Any] = {}
    for axis in AXES:
        values = [getattr(e, axis) for e in found]
        columns[axis] = np.array(values, dtype=np.int64)[which] if axis == "seed" else _repeated(values, which)
    problem, problems = _codes(table["problem"])
    columns["problem"] = pd.Categorical.from_codes(problem, pd.Index(problems, dtype="str")).remove_unused_categories()
    # A task is a function of the problem and the evaluation's names: once for each pair, not for each row.
    pair, back = np.unique(which.astype(np.int64) * max(len(problems), 1) + problem, return_inverse=True)
    tasks = [task_of(problems[code % len(problems)], found[code // len(problems)]) for code in pair]
    columns["task"] = _repeated(tasks, back)
    columns["sample"] = table["sample"].to_numpy()
    outcome, names = _codes(table["outcome"])
    known = pd.Index([o.value for o in Outcome])
    place = np.array([known.get_loc(name) for name in names], dtype=np.int8)
    columns["outcome"] = pd.Categorical.from_codes(place[outcome] if len(outcome) else outcome, known)
    columns["seconds"] = table["seconds"].to_numpy()
    columns["program_sha256"] = table["program_sha256"].to_pandas()
    columns["copies"] = table["copies"].to_numpy()
    most = np.full(len(found), -1, dtype=np.int64)
    np.maximum.at(most, which, columns["sample"])
    due = [expected_verdicts(e, 1 + int(m)) for e, m in zip(found, most, strict=True)]
    columns["expected"] = pd.array([pd.NA if n is None else n for n in due], dtype="Int64")[which]
    return pd.DataFrame(columns)


def _codes(column: Any) -> tuple[Any, list[str]]:
    """A pyarrow dictionary column as (one code per row, what each code stands for)."""
    import numpy as np

    if not len(column):
        return np.array([], dtype=np.int64), []
    whole = column.unify_dictionaries().combine_chunks()
    return whole.indices.to_numpy().astype(np.int64), whole.dictionary.to_pylist()


def _repeated(values: Sequence[str], at: Any) -> pd.Categorical:
    """`values[at]` as a categorical whose categories are sorted and all in use."""
    import numpy as np
    import pandas as pd

    codes, names = pd.factorize(np.array(values, dtype=object), sort=True)
    picked = codes.astype(np.int32)[at] if len(values) else np.array([], dtype=np.int32)
    return pd.Categorical.from_codes(picked, pd.Index(names, dtype="str")).remove_unused_categories()


def expected_verdicts(evaluation: Evaluation, samples_seen: int) -> int | None:
    """Problems times samples per problem, as the record states them; None when it does not.

    samples_seen: one more than the highest number of a sample, for a record that does not state how many there are.
    """
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
    samples = [n for n in stated if isinstance(n, int) and n > 0] or [max(samples_seen, 1)]
    return problems * samples[0]


def task_of(problem: str, evaluation: Evaluation) -> str:
    """`mini/go/3` -> `mini/3`: what the same problem is called in every language."""
    prefix = f"{evaluation.bench}/{evaluation.lang}/"
    return f"{evaluation.bench}/{problem.removeprefix(prefix)}" if problem.startswith(prefix) else problem
