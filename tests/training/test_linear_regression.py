"""The recursion against a float64 loop, against simulated SGD, and against what can be computed by hand."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression


def by_hand(workload, lrs):
    """The formula of arXiv:2603.10301 as it stands, in float64."""
    lam = workload.spectrum()
    p = np.ones(workload.dimension)
    noise = 1 / workload.batch_size - 1 / workload.dimension
    for lr in lrs:
        p = (1 - lr * lam) ** 2 * p + lr**2 * noise * lam * np.sum(lam * p)
    return np.mean(lam * p) / 2


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("batch_size", [1, 4, 30])
def test_recursion_is_the_formula(exponent, batch_size):
    workload = LinearRegression(steps=60, dimension=30, exponent=exponent, batch_size=batch_size)
    lrs = np.geomspace(0.01, 0.5, 5)[:, None] * np.linspace(1, 0, 60)
    outcome = evaluate(workload, lrs, np.zeros(5, int))
    np.testing.assert_allclose(
        outcome["final/train_loss"], [by_hand(workload, row) for row in lrs], rtol=1e-4
    )


def test_full_batches_have_no_noise():
    workload = LinearRegression(steps=10, dimension=5, batch_size=5, exponent=0.0)
    loss = evaluate(workload, np.full((1, 10), 5.0), [0])[
        "final/train_loss"
    ]  # lr = 1 / lam: one step suffices
    assert loss[0] < 1e-12


@pytest.mark.parametrize("lr", [0.3, 1.0])
def test_recursion_is_the_mean_of_simulated_sgd(lr):
    settings = {"steps": 100, "dimension": 60, "batch_size": 4}
    seeds = 400
    rates = np.full((seeds, 100), lr)
    simulated = evaluate(LinearRegression(dynamics="sgd", **settings), rates, np.arange(seeds))
    mean = simulated["final/train_loss"].mean()
    error = simulated["final/train_loss"].std() / seeds**0.5
    predicted = evaluate(LinearRegression(**settings), rates[:1], [0])["final/train_loss"][0]
    # The model drops terms of relative order 1/D, and the seeds leave their standard error.
    assert abs(mean - predicted) < 4 * error + predicted / 60


def test_recursion_ignores_the_seed_and_sgd_does_not():
    for dynamics, distinct in (("recursion", 1), ("sgd", 3)):
        workload = LinearRegression(steps=5, dimension=10, dynamics=dynamics)
        losses = evaluate(workload, np.full((3, 5), 0.5), [0, 1, 2])["final/train_loss"]
        assert len(set(losses.tolist())) == distinct


def test_spectrum_is_given_or_a_power_law_and_sums_to_one():
    np.testing.assert_allclose(
        LinearRegression(dimension=3, batch_size=1).spectrum(), np.array([6, 3, 2]) / 11
    )
    given = LinearRegression(dimension=2, batch_size=1, eigenvalues=(3.0, 1.0))
    np.testing.assert_allclose(given.spectrum(), [0.75, 0.25])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dimension": 3, "batch_size": 4}, "batch_size must be at most dimension = 3 data points, got 4"),
        ({"dimension": 2, "batch_size": 1, "eigenvalues": (1.0,)}, "eigenvalues must be 2 numbers"),
        ({"dimension": 2, "batch_size": 1, "eigenvalues": (1.0, -1.0)}, "none negative"),
        ({"dimension": 2, "batch_size": 1, "eigenvalues": (0.0, 0.0)}, "not all zero"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(InputError, match=message):
        LinearRegression(**settings)
