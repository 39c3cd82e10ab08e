"""pass@1 and its interval, against values worked out elsewhere."""

import itertools

import pytest
from scipy.stats import binomtest

from codem.records import Outcome, Verdict
from codem.score import ks, pass_at_1, pass_at_k


def verdicts(*outcomes: tuple[str, str]) -> list[Verdict]:
    return [Verdict(problem, i, Outcome(outcome), 0.1, 0, "", "") for i, (problem, outcome) in enumerate(outcomes)]


@pytest.mark.parametrize(("passed", "of"), [(0, 164), (1, 164), (54, 164), (163, 164), (164, 164), (3, 5)])
def test_one_sample_per_problem_has_wilsons_interval(passed, of):
    score = pass_at_1(verdicts(*((f"p{i}", "passed" if i < passed else "wrong") for i in range(of))))
    theirs = binomtest(passed, of).proportion_ci(method="wilson")
    assert score.value == passed / of
    assert (score.low, score.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_several_samples_of_a_problem_are_not_several_problems():
    rows = [(f"p{i}", "passed" if i % 2 else "timeout") for i in range(20) for _ in range(50)]
    many, one = pass_at_1(verdicts(*rows)), pass_at_1(verdicts(*rows[::50]))
    assert many.value == one.value == 0.5
    assert many.problems == one.problems == 20 and many.samples == 1000
    assert many.high - many.low > 0.8 * (one.high - one.low)


def test_a_failure_of_ours_is_no_score():
    assert pass_at_1(verdicts(("a", "passed"), ("b", "harness_error"))).value == 1.0
    with pytest.raises(ValueError, match="found none"):
        pass_at_1(verdicts(("b", "harness_error")))


def test_pass_at_k_is_the_share_of_all_choices_of_k_that_have_a_right_one():
    """Counted out, over every choice of k of the five answers."""
    right = [True, True, False, False, False]
    rows = verdicts(*(("a", "passed" if it_is else "wrong") for it_is in right), *[("b", "wrong")] * 5)
    for k in range(1, 6):
        choices = list(itertools.combinations(right, k))
        assert pass_at_k(rows, k) == pytest.approx(sum(map(any, choices)) / len(choices) / 2)
    assert pass_at_k(rows, 1) == pytest.approx(pass_at_1(rows).value)


def test_pass_at_k_needs_k_answers_to_every_problem():
    rows = verdicts(*[("a", "passed")] * 10, *[("b", "wrong")] * 9, ("b", "harness_error"))
    assert ks(rows) == (5,)
    with pytest.raises(ValueError, match="pass@10: expected 10 or more answers to every problem, found one with 9"):
        pass_at_k(rows, 10)
