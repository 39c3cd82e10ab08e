"""What is behind a cell: the problems that it gained and lost against the base, and what both models wrote for them.

The verdicts say which problems; the answers and the ends of the programs' output are read from the run folders, only
the lines that are shown. A page can hold so much: of every cell the problems that moved the most, of long answers the
beginning, of long output the end, and what was left out is counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.cube import Cube
from analysis.load import Evaluation
from analysis.names import NONE
from analysis.paired import per_problem
from codem.records import Outcome

CELLS_SHARE = 4_000
"""Problems that all cells together may show; a cell shows at least FEWEST of each kind."""
FEWEST, MOST = 8, 60
CHARACTERS = 3_000_000
"""Of all answers and outputs together: above, all are cut shorter."""
LENGTHS = (6_000, 3_000, 1_500, 700, 300, 100)
"""Characters that an answer may have: the first length with which everything fits is taken."""
PROMPTS = "prompts.jsonl"
"""Beside the answers, when there is one: lines of `problem` and `prompt`."""

Wanted = tuple[Evaluation, str, int]
"""(evaluation, problem, sample)"""


@dataclass(frozen=True)
class Answers:
    cells: dict[tuple[str, str], dict[str, Any]]
    """(train, lang) -> `gained` and `lost`: lists of {problem, mine, base, score}; `hidden`: how many of each are not
    listed. `mine` and `base` are places in `answers`; `score` says what share of the answers passed, if there are
    several."""
    answers: list[dict[str, Any]]
    """{sample, seed, outcome, seconds, text, finish, output, cut}; text is None when the run folder does not hold it,
    cut counts the characters that are not shown."""
    prompts: dict[str, str]
    """Problem -> what the models were asked; empty when no run folder says it."""
    longest: int
    """Characters that an answer could have."""


def behind_cells(frame: pd.DataFrame, grid: Cube, evaluations: Iterable[Evaluation]) -> Answers:
    """For every trained cell that can be compared with the base row; no cells when there is no base row."""
    found = list(evaluations)
    cells = _moved(grid)
    where = {(e.train, e.lang, e.seed): e for e in found}
    rows = _Rows(frame, where)
    wanted: dict[Wanted, int] = {}
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    most = min(MOST, max(FEWEST, CELLS_SHARE // max(1, 2 * len(cells))))
    for (train, lang), moved in cells.items():
        entry: dict[str, Any] = {}
        for kind, places in moved.items():
            entry[kind] = []
            for place in places[:most]:
                pair = rows.pair(train, lang, grid.tasks[place], gained=kind == "gained")
                mine, base = (wanted.setdefault(one, len(wanted)) for one in pair)
                score = [_share(grid, row, lang, place) for row in (train, NONE)]
                plain = all(share in ("0 %", "100 %") for share in score)
                told = {} if plain else {"score": score}
                entry[kind].append({"problem": pair[0][1], "mine": mine, "base": base} | told)
        entry["hidden"] = [max(0, len(places) - most) for places in moved.values()]
        shown[train, lang] = entry
    answers = _read(wanted)
    longest = _cut(answers)
    return Answers(shown, answers, _prompts(found, {problem for _, problem, _ in wanted}), longest)


def _moved(grid: Cube) -> dict[tuple[str, str], dict[str, list[int]]]:
    """Places of the problems in `grid.tasks`, those that moved the most first, in the order of the tasks else."""
    cells = {}
    for train in grid.trains:
        for lang in grid.langs:
            if train == NONE or NONE not in grid.trains or not grid.of(train, lang) or not grid.of(NONE, lang):
                continue
            by_problem = np.nan_to_num(per_problem(grid, train, NONE, lang))
            order = np.argsort(-np.abs(by_problem), kind="stable")
            kinds = {"gained": order[by_problem[order] > 0], "lost": order[by_problem[order] < 0]}
            cells[train, lang] = {kind: [int(place) for place in places] for kind, places in kinds.items()}
    return cells


class _Rows:
    """Which of a problem's answers to show: with several seeds or samples, the first that shows the difference."""

    def __init__(self, frame: pd.DataFrame, where: Mapping[tuple[str, str, int], Evaluation]):
        self._frame, self._where = frame, where
        self._passed = (frame["outcome"] == Outcome.PASSED).to_numpy()
        self._scored = ((frame["outcome"] != Outcome.HARNESS_ERROR) & frame["outcome"].notna()).to_numpy()
        self._task = frame["task"].cat.codes.to_numpy()
        self._codes = {name: code for code, name in enumerate(frame["task"].cat.categories)}
        self._cells = frame.groupby(["train", "lang"], observed=True).indices
        self._order: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}

    def pair(self, train: str, lang: str, task: str, gained: bool) -> tuple[Wanted, Wanted]:
        return self._one(train, lang, task, gained), self._one(NONE, lang, task, not gained)

    def _one(self, train: str, lang: str, task: str, passed: bool) -> Wanted:
        if (train, lang) not in self._order:
            at = np.asarray(self._cells[train, lang])
            cell = self._frame.iloc[at]
            at = at[np.lexsort((cell["sample"].to_numpy(), cell["seed"].to_numpy(), self._task[at]))]
            self._order[train, lang] = at, self._task[at]
        at, tasks = self._order[train, lang]
        code = self._codes[task]
        mine = at[np.searchsorted(tasks, code) : np.searchsorted(tasks, code, side="right")]
        mine = mine[self._scored[mine]]
        fitting = mine[self._passed[mine] == passed]
        row = self._frame.iloc[int((fitting if len(fitting) else mine)[0])]
        return self._where[train, lang, int(row["seed"])], str(row["problem"]), int(row["sample"])


def _share(grid: Cube, train: str, lang: str, place: int) -> str:
    share = 100 * float(grid.values[grid.of(train, lang), grid.langs.index(lang), place].mean())
    return f"{share:.0f} %"


def _read(wanted: Mapping[Wanted, int]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = [{} for _ in wanted]
    folders: dict[Evaluation, set[tuple[str, int]]] = {}
    for evaluation, problem, sample in wanted:
        folders.setdefault(evaluation, set()).add((problem, sample))
    for evaluation, names in folders.items():
        samples = lines_of(evaluation.path / "samples.jsonl", names)
        verdicts = lines_of(evaluation.verdicts_path, names)
        for problem, sample in names:
            said = samples.get((problem, sample), {})
            verdict = verdicts.get((problem, sample), {})
            text = said.get("text")
            answers[wanted[evaluation, problem, sample]] = {
                "seed": evaluation.seed,
                "sample": sample,
                "outcome": str(verdict.get("outcome", "")),
                "seconds": verdict.get("seconds") if isinstance(verdict.get("seconds"), int | float) else None,
                "finish": str(said.get("finish", "")),
                "text": text if isinstance(text, str) else None,
                "output": str(verdict.get("output_tail") or ""),
                "cut": 0,
            }
    return answers


def lines_of(path: Path, names: set[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """The last line of each of these (problem, sample) in a file of samples or verdicts; those that are there.

    Only lines that are wanted are parsed: `to_line` writes the two names first, so that a line tells by its beginning.
    A file in another order is parsed whole. What is no line is passed over: whoever loaded the verdicts has refused it.
    """
    heads = {
        json.dumps({"problem": problem, "sample": sample}, ensure_ascii=False)[:-1].encode("utf-8", "surrogatepass")
        for problem, sample in names
    }
    found: dict[tuple[str, int], dict[str, Any]] = {}
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below; a missing file is no error)
    except OSError:
        return found
    with file:
        for line in file:
            at = line.find(b', "sample": ') if line.startswith(b'{"problem": "') else -1
            if at > 0 and line[: line.find(b",", at + 2)] not in heads:
                continue
            try:
                row = json.loads(line.decode("utf-8", "surrogatepass"))
            except ValueError:
                continue
            if isinstance(row, dict) and (row.get("problem"), row.get("sample")) in names:
                found[row["problem"], row["sample"]] = row
    return found


def _cut(answers: list[dict[str, Any]]) -> int:
    """Cuts what is too long, in place, and says how long an answer may be."""
    sizes = np.array([[len(a["text"] or ""), len(a["output"])] for a in answers]).reshape(-1, 2)
    fitting = [n for n in LENGTHS if np.minimum(sizes, [n, n // 3]).sum() <= CHARACTERS]
    longest = fitting[0] if fitting else LENGTHS[-1]
    for answer in answers:
        text, output = answer["text"] or "", answer["output"]
        answer["cut"] = max(0, len(text) - longest)
        if answer["text"] is not None:
            answer["text"] = text[:longest]
        if len(output) > longest // 3:
            answer["output"] = "[...] " + output[-(longest // 3) :]  # an error is at the end
    return longest


def _prompts(evaluations: Iterable[Evaluation], problems: set[str]) -> dict[str, str]:
    """A prompt is the same for every model: the first folder that holds it will do."""
    found: dict[str, str] = {}
    for evaluation in evaluations:
        try:
            lines = (evaluation.path / PROMPTS).read_text("utf-8", "replace").split("\n")  # a prompt may hold U+2028
        except OSError:
            continue
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and row.get("problem") in problems and isinstance(row.get("prompt"), str):
                found.setdefault(row["problem"], row["prompt"][: LENGTHS[0]])
    return found
