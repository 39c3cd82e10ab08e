"""Verdicts as one array: models x languages x problems, each entry the share of scored samples that passed.

A model is one row with one seed. The third axis is the language-independent problem (`task`), so that the same problem
lies at the same place for every model and every language; everything that pairs by problem works on this array.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.matrix import judged, require_one_grid
from analysis.names import ordered_columns, ordered_rows
from codem.records import Outcome


@dataclass(frozen=True)
class Cube:
    trains: list[str]
    """Rows, in the order of Table 1."""
    langs: list[str]
    tasks: list[str]
    models: list[tuple[str, int]]
    """(train, seed) of each model, in the order of `trains`."""
    values: NDArray[np.float64]
    """(models, langs, tasks): in [0, 1]; NaN where the problem has no scored sample."""
    samples: NDArray[np.int64]
    """(models, langs): the most scored samples that any problem has; 0: never evaluated."""
    complete: NDArray[np.bool_]
    """(models, langs): every verdict that should be there is there."""

    def of(self, train: str, lang: str) -> list[int]:
        """The models of this row that were evaluated on this language."""
        column = self.langs.index(lang)
        return [m for m, (row, _) in enumerate(self.models) if row == train and self.samples[m, column] > 0]


def cube(frame: pd.DataFrame) -> Cube:
    """`analysis.load`'s frame of one grid as a Cube. Raises ValueError if the frame is empty or holds several grids."""
    require_one_grid(frame)
    frame = judged(frame)
    trains, langs = ordered_rows(frame["train"].astype(str).unique()), ordered_columns(frame["lang"].unique())
    tasks = sorted(frame["task"].unique(), key=_numbers_by_size)
    seeds = np.unique(frame["seed"].to_numpy())
    place = {name: i for i, name in enumerate(trains)}
    model_of_row = _codes(frame["train"], trains) * len(seeds) + np.searchsorted(seeds, frame["seed"].to_numpy())
    present, m = np.unique(model_of_row, return_inverse=True)
    models = [(trains[code // len(seeds)], int(seeds[code % len(seeds)])) for code in present]
    models = sorted(models, key=lambda model: (place[model[0]], model[1]))
    shape = (len(models), len(langs), len(tasks))
    cell = m * len(langs) + _codes(frame["lang"], langs)
    at = cell * len(tasks) + _codes(frame["task"], tasks)
    size = int(np.prod(shape))
    passed = np.bincount(at, weights=(frame["outcome"] == Outcome.PASSED).to_numpy(), minlength=size)
    ours = (frame["outcome"] == Outcome.HARNESS_ERROR).to_numpy()
    scored = np.bincount(at, weights=~ours, minlength=size)
    with np.errstate(invalid="ignore"):
        values = np.where(scored > 0, passed / scored, np.nan).reshape(shape)
    there = np.bincount(cell, minlength=shape[0] * shape[1])
    due = np.full(shape[0] * shape[1], -1.0)
    due[cell] = frame["expected"].astype("float64").fillna(-1).to_numpy()
    samples = scored.reshape(shape).max(axis=2).astype(np.int64)
    return Cube(trains, langs, tasks, models, values, samples, (there == due).reshape(shape[:2]))


def _codes(column: pd.Series, names: list[str]) -> NDArray[np.int64]:
    return pd.Categorical(column, categories=names).codes.astype(np.int64)


def _numbers_by_size(task: str) -> tuple:
    """`mini/2` before `mini/10`."""
    head, _, tail = str(task).rpartition("/")
    return head, (0, int(tail), "") if tail.isdecimal() else (1, 0, tail)
