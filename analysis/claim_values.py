"""What a claim comes to on a grid: estimate, interval, test, and the number of problems behind it.

    evaluate(claims.read("my_claims.yaml"), OfFrame(frame))                       # paired by problem
    evaluate(claims.read("my_claims.yaml"), OfMatrix(matrix, problems))           # unpaired: all that counts allow

From verdicts, the same problem is compared with itself (`analysis.contrast`; two cells of one language with one seed:
exact McNemar test). From a matrix and N, every cell is a proportion of its own, and the results say "unpaired". Models
solve largely the same problems, so within one language the unpaired interval is wider than a paired one would be. Over
several languages it may be too narrow: translations of one problem hang together, which counts do not show.

Every comparison is tested two-sided at 5 %. A claim about `each` of several is supported only if every single one is:
an intersection-union test (Berger 1982, Technometrics 24:295-300) needs no correction for that. How many of them stand
on their own is counted after Holm's correction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from analysis import null_bands, similarity, transfer
from analysis.claim_cells import Missing, bindings, scope, weights_of
from analysis.claim_tests import Source, value
from analysis.claims import Beats, Claim, Correlations, Is, Structure

LEVEL = 0.05
SUPPORTED = "supported"
WITHIN_NOISE = "in this direction, within noise"
NOT_SO = "not so in these numbers"
CONTRADICTED = "contradicted"
CANNOT = "cannot be said"
CLOSE = 1e-9


@dataclass(frozen=True)
class Cell:
    train: str
    lang: str
    weight: float
    solved: float
    """NaN: not known."""
    problems: int


@dataclass(frozen=True)
class Comparison:
    """One contrast, or one statistic of the whole matrix. Effects in percentage points (a statistic: its own unit)."""

    what: str
    points: float
    low: float
    high: float
    p: float
    problems: int
    test: str
    holds: bool | None
    """None: there is no number."""
    cells: tuple[Cell, ...] = ()
    why: str = ""
    needs_test: bool = True
    """False: a score as printed, which is no difference between anything."""

    @property
    def significant(self) -> bool:
        return self.p <= LEVEL or not self.needs_test

    @property
    def difference_in_problems(self) -> float:
        """Weighted sum of the solved problems; NaN across languages with different N, or where a count is not known."""
        if not self.cells or len({cell.problems for cell in self.cells}) > 1:
            return math.nan
        return sum(cell.weight * cell.solved for cell in self.cells)


@dataclass(frozen=True)
class Result:
    claim: Claim
    verdict: str
    comparisons: tuple[Comparison, ...] = field(repr=False)
    why: str = ""

    @property
    def holds(self) -> int:
        """Comparisons whose numbers go the claimed way."""
        return sum(c.holds is True for c in self.comparisons)

    @property
    def standing(self) -> int:
        """Of those, how many are significant after Holm's correction over the claim's comparisons."""
        from statsmodels.stats.multitest import multipletests

        tested = [c for c in self.comparisons if not math.isnan(c.p)]
        if not tested:
            return 0
        rejected = multipletests([c.p for c in tested], alpha=LEVEL, method="holm")[0]
        return sum(bool(reject) and c.holds is True for reject, c in zip(rejected, tested, strict=True))


def evaluate(claims: Iterable[Claim], source: Source, families: Mapping[str, str] | None = None) -> list[Result]:
    """Every claim on this grid, in their order. `families` (language -> family) are needed by "same family beats ..."
    alone. Raises BadClaim for a name that is no language; a cell that the grid lacks makes a claim "cannot be said"."""
    return [_evaluate(claim, source, families or {}) for claim in claims]


def _evaluate(claim: Claim, source: Source, families: Mapping[str, str]) -> Result:
    statement = claim.statement
    try:
        if isinstance(statement, Correlations):
            found = [_correlations(statement, source)]
        elif isinstance(statement, Structure):
            found = [_structure(statement, source, families)]
        else:
            found = _comparisons(statement, source, claim.claim)
    except (Missing, ValueError) as error:
        if type(error) not in (Missing, ValueError):
            raise  # a claim that names what nobody knows is a fault of the file, not of the grid
        return Result(claim, CANNOT, (), str(error))
    return Result(claim, _verdict(found), tuple(found), next((c.why for c in found if c.why), ""))


def _verdict(found: list[Comparison]) -> str:
    tested = [c for c in found if c.holds is not None and not (c.needs_test and math.isnan(c.p))]
    if not tested:
        return CANNOT
    if all(c.holds for c in found if c.holds is not None):
        return SUPPORTED if all(c.significant for c in tested) else WITHIN_NOISE
    return CONTRADICTED if any(c.significant and not c.holds for c in tested) else NOT_SO


def _comparisons(statement: Beats | Is, source: Source, text: str) -> list[Comparison]:
    about = scope(statement, source.matrix, text)
    found = []
    for binding in bindings(statement, about):
        left = weights_of(statement.left, about, binding)
        if isinstance(statement, Is):
            found.append(_compare(left, source, _said(left), statement.printed, 0.0))
            continue
        right = weights_of(statement.right, about, binding)
        both = {cell: left.get(cell, 0.0) - right.get(cell, 0.0) for cell in {**left, **right}}
        both = {cell: weight for cell, weight in both.items() if abs(weight) > CLOSE}
        if not both:
            continue  # one of `each` against itself is no comparison
        if len(left) + len(right) > 2 and not binding:  # the claim itself names the cells
            what = " against ".join(_score(side, source) for side in (left, right))
        else:
            what = f"{_said(left)} against {_said(right)}"
        what += f" by {statement.by:g}" if statement.by else ""
        found.append(_compare(both, source, what, None, statement.by))
    if not found:
        raise Missing("both sides are the same cells")
    return found


def _compare(weights: dict, source: Source, what: str, printed: str | None, by: float) -> Comparison:
    tested = source.test(weights, by)
    if math.isnan(tested.points):
        holds = None
    elif printed is not None:
        shown = Decimal(str(round(tested.points, 6))).quantize(Decimal(printed), ROUND_HALF_UP)
        holds = shown == Decimal(printed)
    else:
        holds = tested.points > by + CLOSE
    cells = tuple(
        Cell(train, lang, weight, source.solved(train, lang), source.asked(train, lang))
        for (train, lang), weight in weights.items()
    )
    compares = printed is None or abs(sum(weights.values())) < CLOSE
    p, test = (tested.p, tested.test) if compares else (math.nan, "a score, not a difference")
    numbers = tested.points, tested.low, tested.high, p, tested.problems, test
    return Comparison(what, *numbers, holds, cells, tested.why, compares)


def _score(weights: Mapping[tuple[str, str], float], source: Source) -> str:
    points = sum(weight * value(source.matrix, *cell) for cell, weight in weights.items())
    return f"{points:.2f} ({len(weights)} cell{'' if len(weights) == 1 else 's'})"


def _said(weights: Mapping[tuple[str, str], float]) -> str:
    """`html -> java minus none -> java`; long sums by their number of cells."""
    ones = [(cell, weight) for cell, weight in weights.items() if abs(abs(weight) - 1) < CLOSE]
    if len(ones) < len(weights) or len(weights) > 2:
        rows, columns = ({cell[axis] for cell in weights} for axis in (0, 1))
        named = [next(iter(names)) if len(names) == 1 else f"{len(names)} {what}" for names, what in
                 ((rows, "rows"), (columns, "columns"))]  # fmt: skip
        return f"{named[0]} -> {named[1]} ({len(weights)} cells)"
    text = ""
    for (train, lang), weight in sorted(ones, key=lambda item: -item[1]):
        text += f"{' minus ' if weight < 0 else ' plus ' if text else ''}{train} -> {lang}"
    return text


def _correlations(statement: Correlations, source: Source) -> Comparison:
    """How many correlations of the whole matrix are positive, against as many as "all rows are alike" gives.

    p is one-sided: the share of simulations with as few negative correlations (`null_bands.NO_DIFFERENCE`).
    """
    bands = null_bands.null_bands(source.matrix, source.problems, side=statement.side, null=null_bands.NO_DIFFERENCE)
    pairs = bands.observed.to_numpy()[np.triu_indices(len(bands.observed), 1)]
    pairs = pairs[np.isfinite(pairs)]
    if not len(pairs):
        raise Missing("no two lines of the matrix have a correlation")
    positive = int((pairs > 0).sum())
    what = f"{positive} of {len(pairs)} correlations are positive, mean {pairs.mean():.2f}"
    holds = positive > len(pairs) / 2 if statement.mostly else positive == len(pairs)
    low, high = (len(pairs) - value(bands.summary, "n_negative", end) for end in ("high", "low"))
    test = f"binomial noise around the column means, {bands.simulations:,} simulations"
    return Comparison(what, float(positive), low, high, bands.p_few_negative, _most(source), test, holds)


def _structure(statement: Structure, source: Source, families: Mapping[str, str]) -> Comparison:
    if statement.kind == "own":
        effect, what = transfer.own_language_advantage(source.matrix), "own-language advantage"
    else:
        effect, what = similarity.family_effect(source.matrix, families), "same-family effect"
    count = f"{'all' if effect.exact else 'drawn'} {effect.permutations:,} permutations"
    test = f"one-sided permutation test over {len(effect.languages)} languages, {count}"
    nan = float("nan")
    return Comparison(what, effect.points, nan, nan, effect.p, _most(source), test, effect.points > CLOSE)


def _most(source: Source) -> int:
    return int(source.problems.max())
