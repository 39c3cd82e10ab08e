"""pass@1 of one model on one benchmark and language, and how sure it is; pass@k where problems have several answers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, variance

from codem.records import Outcome, Verdict

Z = 1.959964
"""Of the 95 % interval."""
ByProblem = dict[str, list[bool]]
"""Whether each answer to a problem passed."""


@dataclass(frozen=True)
class Score:
    value: float
    """pass@1: the mean over problems of the fraction of samples that passed."""
    low: float
    high: float
    """Of the 95 % interval: how far another set of problems of this kind could move the value."""
    problems: int
    samples: int

    def __str__(self) -> str:
        return f"pass@1 {100 * self.value:.1f} % (95 % interval {100 * self.low:.1f} to {100 * self.high:.1f})"


def pass_at_1(verdicts: Iterable[Verdict]) -> Score:
    """One sample per problem: Wilson's interval (Wilson 1927). More: the problems are the units, and the interval is
    that of their mean.

    Raises ValueError when there is nothing to score. A failure of ours is left out, not counted as the model's.
    """
    return _at_1(_by_problem(verdicts))


def _at_1(by_problem: ByProblem) -> Score:
    if not by_problem:
        raise ValueError("pass@1: expected at least one verdict, found none")
    means = [fmean(passed) for passed in by_problem.values()]
    n, value = len(means), fmean(means)
    samples = sum(len(passed) for passed in by_problem.values())
    if samples == n or n == 1 or value in (0.0, 1.0):
        low, high = _wilson(value, n)
    else:
        half = Z * math.sqrt(variance(means) / n)
        low, high = max(0.0, value - half), min(1.0, value + half)
    return Score(value, low, high, n, samples)


def pass_at_k(verdicts: Iterable[Verdict], k: int) -> float:
    """The chance that at least one of k answers to a problem passes: the mean over problems of
    1 - C(n - c, k) / C(n, k), where c of its n answers passed (Chen et al. 2021, equation 1).

    Raises ValueError when there is nothing to score, or when a problem has fewer than k answers.
    """
    return _at_k(_by_problem(verdicts), k)


def _at_k(by_problem: ByProblem, k: int) -> float:
    fewest = min(map(len, by_problem.values()), default=0)
    if not 1 <= k <= fewest:
        raise ValueError(f"pass@{k}: expected {max(k, 1)} or more answers to every problem, found one with {fewest}")
    return fmean(1 - math.comb(len(p) - sum(p), k) / math.comb(len(p), k) for p in by_problem.values())


def ks(verdicts: Iterable[Verdict]) -> tuple[int, ...]:
    """The usual k that these verdicts allow, besides 1."""
    return _ks(_by_problem(verdicts))


def _ks(by_problem: ByProblem) -> tuple[int, ...]:
    fewest = min(map(len, by_problem.values()), default=0)
    return tuple(k for k in (5, 10, 100) if k <= fewest)


def summary(verdicts: Iterable[Verdict]) -> tuple[Score, dict[str, float]]:
    """pass@1, and by its name pass@k for each k of `ks`. The verdicts are read once, and not kept: they may be many.

    Raises ValueError when there is nothing to score.
    """
    by_problem = _by_problem(verdicts)
    return _at_1(by_problem), {f"pass@{k}": _at_k(by_problem, k) for k in _ks(by_problem)}


def _by_problem(verdicts: Iterable[Verdict]) -> ByProblem:
    """Whether each answer passed; a failure of ours is left out."""
    found: dict[str, list[bool]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.outcome is not Outcome.HARNESS_ERROR:
            found[verdict.problem].append(verdict.outcome is Outcome.PASSED)
    return found


def _wilson(p: float, n: int) -> tuple[float, float]:
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, centre - half), min(1.0, centre + half)
