"""Planning: the formulas by hand, and what they promise against simulated experiments."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from synthetic_runs import grid

from analysis import power
from analysis.__main__ import main
from analysis.cube import Cube
from analysis.power import Noise, assumed, noise_of, plan, standard_error


def a_noise(**more) -> Noise:
    plain = {"paired": 0.08, "unpaired": 0.3, "answer": 0.06, "answer_base": 0.05, "interaction": 0.02}
    return Noise(**plain | {"seeds": 0.0004, "known_answers": True, "source": "test"} | more)


def test_the_standard_error_by_hand():
    # (0.08 + (0.02 + 0.06 / 2) / 4 + 0.05 / 2) / 100 + 0.0004 / 4
    assert standard_error(a_noise(), 100, 4, 2) == pytest.approx(100 * math.sqrt(0.001175 + 0.0001))
    assert standard_error(a_noise(), 100, 4, 2, paired=False) == pytest.approx(100 * math.sqrt(0.003375 + 0.0001))


def test_without_seeds_it_is_millers_sample_size():
    noise = a_noise(seeds=0.0, interaction=0.0)
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    by_hand = z**2 * (0.08 + 0.06 / 5 + 0.05 / 5) / 0.03**2
    assert plan(noise, 3, problems=10, samples=5)["paired"]["needed_problems"] == math.ceil(by_hand)


@pytest.mark.parametrize("axis", ["problems", "samples", "seeds"])
def test_what_is_needed_is_enough_and_one_less_is_not(axis):
    design = {"problems": 164, "samples": 2, "seeds": 5}
    need = plan(a_noise(), 9, **design)["paired"][f"needed_{axis}"]
    assert plan(a_noise(), 9, **design | {axis: need})["paired"]["power"] >= 0.8 - 1e-6
    if need > 1:
        assert plan(a_noise(), 9, **design | {axis: need - 1})["paired"]["power"] < 0.8


def test_the_smallest_effect_is_found_with_the_wanted_power():
    first = plan(a_noise(), 5, power=0.9, alpha=0.01)
    again = plan(a_noise(), first["paired"]["detectable"], power=0.9, alpha=0.01)
    assert again["paired"]["power"] == pytest.approx(0.9, abs=1e-4)


def test_no_number_of_problems_drowns_the_seeds():
    found = plan(a_noise(seeds=0.03**2), 5, seeds=1)
    assert found["paired"]["needed_problems"] is None and found["paired"]["needed_samples"] is None
    assert "never" in power.text(found)


def simulated(rng: np.random.Generator, problems: int, seeds: int, samples: int, gain: float, sd: float) -> Cube:
    """Chances per problem that two models share, Gaussian for known variances, and far enough from 0 and 1."""
    base = 0.45 + 0.08 * rng.standard_normal(problems)
    trained = base + gain + 0.06 * rng.standard_normal(problems)
    by_seed = trained + sd * rng.standard_normal((seeds, 1)) + 0.05 * rng.standard_normal((seeds, problems))
    chances = np.clip(np.concatenate([base[None], by_seed]), 0, 1)
    shares = rng.binomial(samples, chances) / samples
    models = [("none", 0), *(("go", seed) for seed in range(seeds))]
    shape = (seeds + 1, 1)
    tasks = [str(i) for i in range(problems)]
    return Cube(["none", "go"], ["go"], tasks, models, shares[:, None], np.full(shape, samples), np.ones(shape, bool))


def test_noise_is_measured_as_it_was_made():
    rng = np.random.default_rng(0)
    found = [noise_of(simulated(rng, 400, 6, 4, 0.05, 0.03)) for _ in range(60)]
    mean = {name: np.mean([getattr(n, name) for n in found]) for name in ("paired", "interaction", "seeds", "answer")}
    assert mean["paired"] == pytest.approx(0.06**2, abs=0.0015)
    assert mean["interaction"] == pytest.approx(0.05**2, abs=0.0015)
    assert mean["seeds"] == pytest.approx(0.03**2, abs=0.0002)
    assert mean["answer"] == pytest.approx(0.5 * 0.5 - 0.08**2 - 0.06**2 - 0.03**2 - 0.05**2, abs=0.003)
    assert np.mean([n.unpaired for n in found]) == pytest.approx(2 * 0.08**2 + 0.06**2, abs=0.002)


def test_power_is_what_simulated_experiments_reach():
    rng = np.random.default_rng(1)
    noise = Noise(0.06**2, 0.0164, 0.235, 0.2436, 0.05**2, 0.0, True, "as simulated")
    promised = plan(noise, 6, problems=164, seeds=3, samples=2)["paired"]
    from analysis.paired import differences

    estimates, found = [], 0
    for _ in range(400):
        cell = differences(simulated(rng, 164, 3, 2, 0.06, 0.0)).loc[("go", "go")]
        estimates.append(cell["difference"])
        found += cell["p"] < 0.05
    assert np.std(estimates, ddof=1) == pytest.approx(promised["se"], rel=0.1)
    assert found / 400 == pytest.approx(promised["power"], abs=0.08)


def test_one_answer_and_one_seed_say_what_is_not_known(tmp_path, capsys):
    assert main(["power", "--effect", "5", "--runs", str(grid(tmp_path))]) == 0
    said = capsys.readouterr().out
    assert "one answer per problem" in said and "1.5 points between seeds is assumed" in said and "unknown" in said


def test_the_command_prints_its_assumptions_and_json(capsys):
    assert main(["power", "--effect", "5", "--problems", "164", "--seeds", "3"]) == 0
    assert "assumed: both models pass 30 % of the problems" in capsys.readouterr().out
    assert main(["power", "--effect", "5", "--seeds", "3", "--tests", "63", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["alpha"] == pytest.approx(0.05 / 63) and found["paired"]["se"] < found["unpaired"]["se"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--effect", "0"], "--effect"),
        (["--effect", "5", "--problems", "0"], "--problems"),
        (["--effect", "5", "--rate", "100"], "--rate"),
        (["--effect", "5", "--correlation", "0.9"], "--correlation: expected 0 to 0.7"),
        (["--effect", "5", "--seed-sd", "-1"], "--seed-sd"),
        (["--effect", "5", "--alpha", "2"], "between 0 and 1"),
        (["--effect", "nan"], "--effect"),
    ],
)
def test_what_cannot_be_is_one_clear_message(more, said, capsys):
    assert main(["power", *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error


def test_pairing_never_costs():
    for correlation in (0, 0.3, 0.7):
        found = plan(assumed(correlation=correlation), 5)
        assert found["paired"]["se"] <= found["unpaired"]["se"] + 1e-12


def test_a_reader_that_has_seen_enough_is_no_error():
    """`python -m analysis ... | head`"""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "analysis", "power", "--effect", "5"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
