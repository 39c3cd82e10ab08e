"""Are the intervals and tests right? Verdicts of known truth, simulated again and again.

python -m benchmarks.calibration                       # prints JSON; docs/statistics.md has its summary
python -m benchmarks.calibration --repeats 1000 --only "one-seed; null"

Truth: nine training languages, seven evaluation languages, a base row. The chance of a cell is base of the language +
gain of the row + one planted interaction (HTML on Java), additive on the scale of scores. An answer passes if a normal
variable stays below the quantile of that chance; the variable is the sum of what answers share: the problem, the
problem in that language, the row on that problem, the seed, the seed on that problem, and the answer itself. So the
expected score of every cell is exactly its chance, and everything else is correlated as verdicts are.

For every design: how often the 95 % intervals hold the truth, how often each test finds what is not there (level, false
findings among many), and how often the planted interaction is found. `error` is two standard errors of the simulation.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from analysis import multiplicity, paired
from analysis.contrast import contrast
from analysis.cube import Cube

LANGS = ("python", "javascript", "typescript", "c", "cpp", "java", "go")
TRAINED = (*LANGS, "html", "mixed")
ROWS = ("none", *TRAINED)
PLANTED = ("html", "java")
LEVEL = 0.05


@dataclass(frozen=True)
class Design:
    """One situation. Shares are of the variance of the variable behind an answer; what is left is the answer's own."""

    problems: int = 164
    seeds: int = 1
    samples: int = 1
    seed_sd: float = 0.0
    """Points, at a score of 30 %, of one row over all languages together."""
    gain: float = 0.08
    """Of the rows, on average; they differ by up to half of it."""
    interaction: float = 0.0
    null_rows: int = 0
    """So many rows gain nothing at all."""
    problem: float = 0.45
    problem_lang: float = 0.15
    row_problem: float = 0.05
    seed_problem: float = 0.1

    def chances(self) -> NDArray[np.float64]:
        """(rows, langs): the expected score of each cell."""
        base = np.linspace(0.23, 0.29, len(LANGS))
        gains = np.r_[0.0, self.gain * np.linspace(0.5, 1.5, len(TRAINED))]
        gains[1 : 1 + self.null_rows] = 0.0
        chances = base + gains[:, None]
        chances[ROWS.index(PLANTED[0]), LANGS.index(PLANTED[1])] += self.interaction
        return chances


DESIGNS = {
    "one-seed": Design(),
    "one-seed, 40 problems": Design(problems=40),
    "one-seed, models nearly alike": Design(
        problem=0.6, problem_lang=0.33, row_problem=0.01, seed_problem=0.0, gain=0.01
    ),
    "one-seed, seeds spread by 1.5 points": Design(seed_sd=1.5),
    "five samples": Design(samples=5),
    "three seeds, no spread": Design(seeds=3),
    "three seeds, spread 1.5 points": Design(seeds=3, seed_sd=1.5),
    "three seeds, spread 4 points": Design(seeds=3, seed_sd=4.0),
    "five seeds, spread 1.5 points": Design(seeds=5, seed_sd=1.5),
    "null": Design(gain=0.0),
    "null, 40 problems": Design(gain=0.0, problems=40),
    "null, three seeds, spread 1.5 points": Design(gain=0.0, seeds=3, seed_sd=1.5),
    "half of the rows gain nothing": Design(gain=0.1, null_rows=5),
    "planted interaction of 15 points": Design(interaction=0.15),
    "planted interaction of 15 points, five seeds": Design(interaction=0.15, seeds=5, seed_sd=1.0),
}


def simulate(design: Design, rng: np.random.Generator) -> Cube:
    """Verdicts of all rows on all languages; the base row has one seed."""
    models = [("none", 0)] + [(row, seed) for row in TRAINED for seed in range(design.seeds)]
    row = np.array([ROWS.index(train) for train, _ in models])
    m, n, many = len(models), design.problems, len(LANGS)
    trained = (row > 0)[:, None, None]
    seed_share = (design.seed_sd / 100 / float(norm.pdf(norm.ppf(0.3)))) ** 2

    def part(share: float, *shape: int) -> NDArray[np.float64]:
        return math.sqrt(share) * rng.standard_normal(shape)

    stable = part(design.problem, 1, 1, n) + part(design.problem_lang, 1, many, n)
    stable = stable + part(design.row_problem, len(ROWS), many, n)[row]
    # The base was not trained: what seeds do to others is drawn once for it, problem by problem.
    by_seed = part(design.seed_problem, m, many, n) + part(seed_share, m, 1, 1) * trained
    own = 1 - design.problem - design.problem_lang - design.row_problem - design.seed_problem - seed_share * trained
    latent = (stable + by_seed)[..., None] + np.sqrt(own)[..., None] * rng.standard_normal((m, many, n, design.samples))
    passed = latent < norm.ppf(design.chances())[row][:, :, None, None]
    return Cube(
        list(ROWS),
        list(LANGS),
        [str(i) for i in range(n)],
        models,
        passed.mean(axis=3),
        np.full((m, many), design.samples),
        np.ones((m, many), dtype=bool),
    )


def study(design: Design, repeats: int, seed: int) -> dict[str, Any]:
    """What became of `repeats` simulated grids."""
    rng = np.random.default_rng(seed)
    chances = 100 * design.chances()
    found: dict[str, list] = {}

    def note(name: str, value: Any) -> None:
        found.setdefault(name, []).append(float(np.mean(value)))

    for _ in range(repeats):
        cube = simulate(design, rng)
        for to in (paired.BASE, paired.SPECIALIST):
            table = multiplicity.significance(cube, to, permutations=999, seed=int(rng.integers(2**31)))
            truth = _truth(chances, table.index, to)
            note(f"coverage of differences to the {to}", (table["low"] <= truth) & (truth <= table["high"]))
            note(f"width of differences to the {to}", table["high"] - table["low"])
            null = np.abs(truth) < 1e-9
            if null.any():
                note(f"level of a single test against the {to}", table["p"][null] <= LEVEL)
                for name in ("p_holm", "p_max_t"):
                    note(f"any false finding against the {to}, {name}", (table[name][null] <= LEVEL).any())
                wrong, all_found = (table["p_bh"][null] <= LEVEL).sum(), (table["p_bh"] <= LEVEL).sum()
                note(f"share of false findings against the {to}, p_bh", wrong / max(1, all_found))
            if not null.all() and to == paired.BASE:
                for name in ("p_holm", "p_max_t", "p_bh"):
                    note(f"true differences to the {to} found, {name}", table[name][~null] <= LEVEL)
        table = paired.pooled(cube)
        truth = (chances[1:] - chances[0]).mean(axis=1)
        note("coverage of differences pooled over languages", (table["low"] <= truth) & (truth <= table["high"]))
        if not truth.any():
            note("level of the pooled test", table["p"] <= LEVEL)
        share = cube.values[0].mean(axis=1)
        low, high = proportion_confint(share * design.problems, design.problems, method="wilson")
        note("coverage of Wilson's interval of a cell", (100 * low <= chances[0]) & (chances[0] <= 100 * high))
        if design.interaction:
            _find_interaction(cube, chances, note)
    return {name: _summary(values) for name, values in found.items()}


def _truth(chances: NDArray, index: Any, to: str) -> NDArray[np.float64]:
    return np.array(
        [
            chances[ROWS.index(train), x] - chances[ROWS.index("none" if to == paired.BASE else lang), x]
            for train, lang in index
            for x in [LANGS.index(lang)]
        ]
    )


def _find_interaction(cube: Cube, chances: NDArray, note: Any) -> None:
    """Every cell's interaction: what is left of it without the means of its row and column among trained rows."""
    p, inside = np.zeros((len(TRAINED), len(LANGS))), []
    centred = chances[1:] - chances[1:].mean(axis=0) - chances[1:].mean(axis=1)[:, None] + chances[1:].mean()
    for y, train in enumerate(TRAINED):
        for x, lang in enumerate(LANGS):
            weights = {
                (row, column): ((row == train) - 1 / len(TRAINED)) * ((column == lang) - 1 / len(LANGS))
                for row in TRAINED
                for column in LANGS
            }
            one = contrast(cube, weights)
            p[y, x] = one.p
            inside.append(one.low <= centred[y, x] <= one.high)
    best = np.unravel_index(np.argmin(p), p.shape)
    adjusted = np.asarray(multiplicity.holm(_series(p.ravel()))).reshape(p.shape)
    planted = TRAINED.index(PLANTED[0]), LANGS.index(PLANTED[1])
    note("coverage of interactions", inside)
    note("the planted interaction has the smallest p", best == planted)
    note("the planted interaction is found, Holm over all cells", adjusted[planted] <= LEVEL)


def _series(values: NDArray) -> Any:
    import pandas as pd

    return pd.Series(values)


def _summary(values: list[float]) -> dict[str, float]:
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return {"mean": round(float(np.mean(values)), 4), "error": round(2 * spread, 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=400, help="simulated grids of each design")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="designs, with ; between them (default: all)")
    args = parser.parse_args()
    names = [name.strip() for name in args.only.split(";")] if args.only else list(DESIGNS)
    if unknown := [name for name in names if name not in DESIGNS]:
        parser.error(f"expected designs of {'; '.join(DESIGNS)}, found {unknown[0]}")
    result: dict[str, Any] = {"repeats": args.repeats, "seed": args.seed, "nominal": 1 - LEVEL, "designs": {}}
    # statsmodels' Holm collects garbage at every call: what is loaded by now need not be gone through each time.
    gc.freeze()
    for name in names:
        started = time.perf_counter()
        result["designs"][name] = study(DESIGNS[name], args.repeats, args.seed + 1000 * list(DESIGNS).index(name))
        result["designs"][name]["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
