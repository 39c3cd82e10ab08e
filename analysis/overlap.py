"""How alike the languages of a grid are in the tokens of its own programs: the answers that passed, under the tokenizer
of one of its models. For the Mantel test of `analysis.similarity`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis import similarity
from analysis.load import Evaluation
from analysis.report_answers import lines_of
from codem.records import Outcome

ANSWERS = 400
"""Of a language, at most: enough for the frequencies of tokens, and read in a moment."""


def of_answers(frame: pd.DataFrame, evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """`similarity.token_overlap` of the languages in which answers passed.

    frame: as `analysis.load` gives it. Raises ValueError when no run folder holds its model's tokenizer, or no answers.
    """
    tokenizers = [run / "model" / "tokenizer.json" for run in dict.fromkeys(e.run_path for e in evaluations)]
    there = [path for path in tokenizers if path.is_file()]
    if not there:
        raise ValueError("no run folder holds the tokenizer of its model: model/tokenizer.json")
    texts = {lang: found for lang in frame["lang"].unique() if (found := _passed(frame, evaluations, str(lang)))}
    if not texts:
        raise ValueError("no run folder holds answers that passed: samples.jsonl")
    return similarity.token_overlap(texts, similarity.tokenizer_of(there[0]))


def _passed(frame: pd.DataFrame, evaluations: Sequence[Evaluation], lang: str) -> list[str]:
    """Of the model that solves the most of this language; mixtures and the base too, they write it as well."""
    passed = frame[(frame["lang"] == lang) & (frame["outcome"] == Outcome.PASSED)]
    if passed.empty:
        return []
    counts = passed.groupby(["train", "seed"], observed=True).size().sort_values(kind="stable", ascending=False)
    train, seed = (str(level) for level in counts.index[0])
    wanted = passed[(passed["train"] == train) & (passed["seed"] == int(seed))].head(ANSWERS)
    names = set(zip(wanted["problem"].astype(str), map(int, wanted["sample"]), strict=True))
    folders = [e.path for e in evaluations if (e.train, e.seed, e.lang) == (train, int(seed), lang)]
    found = [row for folder in folders for _, row in sorted(lines_of(folder / "samples.jsonl", names).items())]
    return [row["text"] for row in found if isinstance(row.get("text"), str)]
