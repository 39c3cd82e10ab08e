"""How many problems, samples or seeds does it take to find a difference of this size?

    python -m analysis power --effect 5 --problems 164 --seeds 3
    python -m analysis power --effect 5 --problems 164 --seeds 3 --runs runs/      # the noise of these runs

Miller 2024, *Adding Error Bars to Evals* (arXiv 2411.00640), section on power analysis: a difference d is found with
power 1 - b at level a if d = (z_{a/2} + z_b) x se, where for N problems with K answers each

    se^2 = (w^2 + v_A / K + v_B / K) / N

w^2 is the variance over problems of the difference of the two models' chances to pass, v the mean variance of a single
answer given the problem. Here A was trained S times, so that its own noise is divided by S, and the spread between
seeds is added, which no number of problems makes smaller:

    se^2 = (w^2 + u / S + v_A / (K S) + v_B / K) / N + t^2 / S

u is the variance of problem x seed beyond the answers' noise, t^2 the variance between seeds. Unpaired, w^2 is the sum
of the two models' own variances over problems: what is lost by comparing scores rather than problems.
The formulas are for the normal distribution; with few seeds and much seed noise the t test finds somewhat less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.cube import Cube, cube
from analysis.names import NONE

SEED_SD = 1.5
"""Points; assumed where no runs with several seeds say otherwise."""
MOST = 1_000_000
"""More problems, samples or seeds than these are as good as never."""


@dataclass(frozen=True)
class Noise:
    """Variances of shares in [0, 1], not of points."""

    paired: float
    """w^2: over problems, of the difference of two models' chances."""
    unpaired: float
    """The same for two models on different problems: the sum of their variances over problems."""
    answer: float
    """v of the trained model: of one answer, given the problem."""
    answer_base: float
    """v of the model that it is compared with."""
    interaction: float
    """u: problem x seed."""
    seeds: float
    """t^2: between seeds."""
    known_answers: bool
    """Whether `answer` was told apart from `paired`; if not, more samples have an unknown effect."""
    source: str
    """In words: where these come from, and what had to be assumed."""


def assumed(rate: float = 30, correlation: float = 0.5, answer_noise: float = 0.3, seed_sd: float = SEED_SD) -> Noise:
    """Noise from assumptions: both models pass `rate` % of the problems, their outcomes correlate over problems.

    answer_noise: the share of a single outcome's variance that comes from drawing the answer. Two models' outcomes can
    correlate by 1 - answer_noise at most. seed_sd: points. Raises ValueError for what cannot be.
    """
    if not 0 < rate < 100:
        raise ValueError(f"--rate: expected % between 0 and 100, found {rate:g}")
    if not 0 <= answer_noise < 1:
        raise ValueError(f"--answer-noise: expected a share from 0 to below 1, found {answer_noise:g}")
    if not 0 <= correlation <= 1 - answer_noise:
        raise ValueError(
            f"--correlation: expected 0 to {1 - answer_noise:g} (1 - answer noise), found {correlation:g}: "
            f"what is drawn anew for each answer does not correlate"
        )
    if seed_sd < 0:
        raise ValueError(f"--seed-sd: expected points of 0 or more, found {seed_sd:g}")
    single = rate / 100 * (1 - rate / 100)
    stable = (1 - answer_noise) * single
    return Noise(
        paired=2 * (stable - correlation * single),
        unpaired=2 * stable,
        answer=answer_noise * single,
        answer_base=answer_noise * single,
        interaction=0.0,
        seeds=(seed_sd / 100) ** 2,
        known_answers=True,
        source=(
            f"assumed: both models pass {rate:g} % of the problems, single outcomes correlate by {correlation:g} "
            f"over problems, {100 * answer_noise:g} % of their variance comes from drawing the answer, "
            f"scores spread by {seed_sd:g} points between training seeds"
        ),
    )


def noise_of(frame: pd.DataFrame | Cube) -> Noise:
    """The mean noise of the comparisons with the base in a grid, over all rows and languages.

    With one answer per problem the answers' noise is part of `paired`; with one seed, that of problem x seed is, and
    the spread between seeds is assumed. Raises ValueError without a base row or a cell to compare with it.
    """
    grid = frame if isinstance(frame, Cube) else cube(frame)
    cells = []
    for train in grid.trains:
        for x, lang in enumerate(grid.langs):
            mine, base = grid.of(train, lang), grid.of(NONE, lang) if NONE in grid.trains else []
            if train != NONE and mine and base and grid.complete[[*mine, *base], x].all():
                cells.append(_components(grid, mine, base, x))
    cells = [cell for cell in cells if cell]
    if not cells:
        raise ValueError("expected a base row and complete cells to compare with it, found none: give no --runs")
    mean = {name: float(np.nanmean(values)) if not np.isnan(values).all() else math.nan
            for name, values in ((n, np.array([c[n] for c in cells])) for n in cells[0])}  # fmt: skip
    answers, seeds = not math.isnan(mean["answer"]), not math.isnan(mean["seeds"])
    said = [f"measured on {len(cells)} cells against the base"]
    if not answers:
        said.append("one answer per problem, so that its noise is part of the problems'")
    if not seeds:
        said.append(f"one seed, so that a spread of {SEED_SD:g} points between seeds is assumed")
    return Noise(
        paired=max(0.0, mean["paired"]),
        unpaired=max(0.0, mean["unpaired"]),
        answer=mean["answer"] if answers else 0.0,
        answer_base=mean["answer_base"] if answers else 0.0,
        interaction=max(0.0, mean["interaction"]) if seeds else 0.0,
        seeds=max(0.0, mean["seeds"]) if seeds else (SEED_SD / 100) ** 2,
        known_answers=answers,
        source="; ".join(said),
    )


def _components(grid: Cube, mine: list[int], base: list[int], x: int) -> dict[str, float]:
    """Unbiased, so possibly negative, estimates of one cell's variances; NaN where it cannot tell; {}: too few."""
    known = ~np.isnan(grid.values[[*mine, *base], x]).any(axis=0)
    if known.sum() < 2:
        return {}
    a, b = grid.values[mine, x][:, known], grid.values[base, x][:, known].mean(axis=0)  # (seeds, problems), (problems,)
    seeds, problems = a.shape
    k_a, k_b = int(grid.samples[mine, x].min()), int(grid.samples[base, x].min())
    answer = float((a * (1 - a)).mean()) * k_a / (k_a - 1) if k_a > 1 else math.nan
    answer_base = float((b * (1 - b)).mean()) * k_b / (k_b - 1) if k_b > 1 else math.nan
    noise_a, noise_b = np.nan_to_num(answer / k_a), np.nan_to_num(answer_base / k_b)
    interaction, between = math.nan, math.nan
    if seeds > 1:
        residual = a - a.mean(axis=0) - a.mean(axis=1)[:, None] + a.mean()
        rest = float((residual**2).sum()) / ((seeds - 1) * (problems - 1))
        between = float(a.mean(axis=1).var(ddof=1)) - rest / problems
        interaction = rest - noise_a
    own = (np.nan_to_num(interaction) + noise_a) / seeds
    return {
        "paired": float((a.mean(axis=0) - b).var(ddof=1)) - own - noise_b,
        "unpaired": float(a.mean(axis=0).var(ddof=1)) + float(b.var(ddof=1)) - own - noise_b,
        "answer": answer if k_b > 1 else math.nan,
        "answer_base": answer_base if k_a > 1 else math.nan,
        "interaction": interaction,
        "seeds": between,
    }


def standard_error(noise: Noise, problems: float, seeds: float = 1, samples: float = 1, paired: bool = True) -> float:
    """Of the difference, in points."""
    over_problems = noise.paired if paired else noise.unpaired
    own = noise.interaction + noise.answer / samples
    variance = (over_problems + own / seeds + noise.answer_base / samples) / problems + noise.seeds / seeds
    return 100 * math.sqrt(variance)


def plan(
    noise: Noise,
    effect: float,
    problems: int = 164,
    seeds: int = 1,
    samples: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
) -> dict:
    """What this design can find, and what it would need. Effects in points; None: no number of them is enough.

    Keys: effect, problems, seeds, samples, power, alpha, noise, and `paired` and `unpaired`, each with se, power (of
    finding `effect`), detectable (the smallest effect found with the wanted power), seed_share (of the variance), and
    needed_problems, needed_samples, needed_seeds: each with the other two as they are.
    """
    from scipy.stats import norm

    if effect == 0 or not math.isfinite(effect):
        raise ValueError(f"--effect: expected points other than 0, found {effect:g}")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"expected level and power between 0 and 1, found {alpha:g} and {power:g}")
    for name, value in (("problems", problems), ("seeds", seeds), ("samples", samples)):
        if value < 1:
            raise ValueError(f"--{name}: expected at least 1, found {value}")
    z = float(norm.isf(alpha / 2))
    reach = z + float(norm.ppf(power))
    if reach <= 0:
        raise ValueError(f"expected a power above half the level, found {power:g} at level {alpha:g}")
    found: dict = {"effect": effect, "problems": problems, "seeds": seeds, "samples": samples}
    found |= {"power": power, "alpha": alpha, "noise": asdict(noise)}
    enough = abs(effect) / reach
    for how in ("paired", "unpaired"):
        paired = how == "paired"
        se = standard_error(noise, problems, seeds, samples, paired)
        shift = abs(effect) / se if se else math.inf

        def enough_of(name: str, number: int, paired: bool = paired) -> bool:
            design = {"problems": problems, "seeds": seeds, "samples": samples} | {name: number}
            return standard_error(noise, **design, paired=paired) <= enough

        needed = {f"needed_{name}": _fewest(partial(enough_of, name)) for name in ("problems", "samples", "seeds")}
        found[how] = {
            "se": se,
            "power": float(norm.sf(z - shift) + norm.cdf(-z - shift)),
            "detectable": reach * se,
            "seed_share": noise.seeds / seeds / (se / 100) ** 2 if se else 0.0,
            **needed | ({} if noise.known_answers else {"needed_samples": None}),
        }
    return found


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest number from 1 that is enough, by halving: more is never worse."""
    if not enough(MOST):
        return None
    low, high = 1, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def text(plan: dict) -> str:
    """`plan` for the terminal."""
    noise, sizes = plan["noise"], [("problems", "problem"), ("samples", "sample"), ("seeds", "seed")]
    have = ", ".join(f"{plan[many]:,} {one if plan[many] == 1 else many}" for many, one in sizes)
    lines = [
        f"To find {abs(plan['effect']):g} points at level {plan['alpha']:.3g} with power {plan['power']:g}; {have}.",
        f"Noise {noise['source']}.",
        "",
        f"{'':24}{'paired':>12}{'unpaired':>12}",
    ]

    def row(name: str, key: str, form: Callable[[float], str]) -> str:
        cells = [plan[how][key] for how in ("paired", "unpaired")]
        unknown = key == "needed_samples" and not noise["known_answers"]
        return f"{name:24}" + "".join(
            f"{'unknown' if unknown else 'never' if c is None else form(c):>12}" for c in cells
        )

    lines += [
        row("standard error", "se", lambda v: f"{v:.2f}"),
        row("chance to find it", "power", lambda v: f"{100 * v:.0f} %"),
        row("smallest found", "detectable", lambda v: f"{v:.2f}"),
        row("variance from seeds", "seed_share", lambda v: f"{100 * v:.0f} %"),
        row("problems needed", "needed_problems", lambda v: f"{v:,}"),
        row("samples needed", "needed_samples", lambda v: f"{v:,}"),
        row("seeds needed", "needed_seeds", lambda v: f"{v:,}"),
        "",
        "Needed: of one kind, with the other two as they are; never: the rest of the noise alone is too much.",
    ]
    if plan["seeds"] == 1:
        lines.append("With one seed a test cannot see the spread between seeds; it is counted here all the same.")
    return "\n".join(lines)
