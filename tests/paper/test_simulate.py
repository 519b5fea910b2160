"""Simulated SGD agrees with the exact expectation, and its interval covers."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.paper.dynamics import SecondMoments, random_basis
from lrshape.paper.simulate import mean_interval, simulate
from lrshape.training.workloads.linear_regression import LinearRegression

WORKLOAD = LinearRegression(steps=30, dimension=20, batch_size=2)
SCHEDULES = {"high": np.linspace(1.0, 0.1, 30), "low": np.full(30, 0.3)}


def test_the_mean_on_one_eigenbasis_is_the_second_moments():
    simulated = simulate(WORKLOAD, SCHEDULES, np.arange(2000), eigenbasis=5)
    exact = SecondMoments(WORKLOAD.spectrum(), 2, random_basis(5, 20))
    for name, lrs in SCHEDULES.items():
        assert mean_interval(simulated[name], 0.999).holds(exact.losses(lrs)[0])


def test_the_mean_on_random_eigenbases_is_that_of_the_second_moments():
    simulated = simulate(WORKLOAD, SCHEDULES, np.arange(600))
    for name, lrs in SCHEDULES.items():
        bases = [random_basis(seed, 20) for seed in range(15)]
        exact = np.mean([SecondMoments(WORKLOAD.spectrum(), 2, b).losses(lrs)[0] for b in bases])
        assert mean_interval(simulated[name]).mean == pytest.approx(exact, rel=0.06)


def test_seeds_are_paired_and_results_do_not_depend_on_the_company():
    both = simulate(WORKLOAD, SCHEDULES, np.arange(7))
    alone = simulate(WORKLOAD, {"low": SCHEDULES["low"]}, np.arange(7))
    np.testing.assert_allclose(both["low"], alone["low"], rtol=1e-5)
    same = simulate(WORKLOAD, {"a": SCHEDULES["low"], "b": SCHEDULES["low"]}, np.arange(4))
    np.testing.assert_array_equal(same["a"], same["b"])


def test_a_divergence_makes_the_mean_infinite():
    found = mean_interval(simulate(WORKLOAD, {"wild": np.full(30, 1e4)}, np.arange(3))["wild"])
    assert found.mean == np.inf
    assert not found.holds(1.0)


def test_the_interval_covers_the_mean_of_skewed_losses():
    """Log-normal with the skewness that flat spectra show (sd 0.35 of the mean), 200 seeds."""
    sigma = np.sqrt(np.log(1 + 0.35**2))
    draws = np.random.default_rng(0).lognormal(-(sigma**2) / 2, sigma, (2000, 200))
    covered = np.mean([mean_interval(row).holds(1.0) for row in draws])
    assert 0.93 < covered < 0.97


def test_one_value_has_no_interval():
    with pytest.raises(InputError, match="at least 2 values"):
        mean_interval([1.0])
