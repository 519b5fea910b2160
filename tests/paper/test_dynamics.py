"""The expected loss: against all batches enumerated, the workload itself, and finite differences."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.paper.dynamics import Recursion, SecondMoments, random_basis
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression


def enumerated(spectrum, batch_size, basis, lrs):
    """The mean final loss over every sequence of batches and every choice of signs, one by one."""
    D = len(spectrum)
    design = np.sqrt(D * spectrum) * basis
    batches = list(itertools.combinations(range(D), batch_size))
    losses = []
    for signs in itertools.product([-1.0, 1.0], repeat=D):
        for drawn in itertools.product(batches, repeat=len(lrs)):
            error = np.array(signs)
            for lr, batch in zip(lrs, drawn, strict=True):
                rows = design[list(batch)]
                error = error - lr * rows.T @ (rows @ error) / batch_size
            losses.append(np.mean((design @ error) ** 2) / (2 * D))
    return np.mean(losses)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_second_moments_equal_the_mean_over_all_batches(batch_size):
    spectrum = np.array([0.6, 0.3, 0.1])
    basis, lrs = random_basis(3, 3), [0.7, 0.2, 1.1]
    exact = SecondMoments(spectrum, batch_size, basis).losses(lrs)[0]
    assert exact == pytest.approx(enumerated(spectrum, batch_size, basis, lrs), rel=1e-12)


def test_one_data_point_is_gradient_descent():
    exact = SecondMoments([1.0], 1, [[1.0]]).losses([0.5, 0.5])[0]
    assert exact == pytest.approx(0.5 * 0.25**2, rel=1e-12)


def test_whole_batches_are_gradient_descent_in_both_descriptions():
    spectrum = np.arange(1, 7) ** -1.0
    lrs = np.linspace(0.8, 0.1, 9)
    expected = np.mean(spectrum * np.prod((1 - lrs[:, None] * spectrum) ** 2, axis=0)) / 2
    for dynamics in (Recursion(spectrum, 6), SecondMoments(spectrum, 6, random_basis(0, 6))):
        assert dynamics.losses(lrs)[0] == pytest.approx(expected, rel=1e-11)


def test_the_recursion_is_the_mean_over_eigenbases_to_the_order_of_one_over_d():
    spectrum = np.arange(1, 61) ** -0.5
    spectrum /= spectrum.sum()
    lrs = np.linspace(1.0, 0.1, 40)
    exact = [SecondMoments(spectrum, 2, random_basis(seed, 60)).losses(lrs)[0] for seed in range(12)]
    assert Recursion(spectrum, 2).losses(lrs)[0] == pytest.approx(np.mean(exact), rel=0.02)


@given(st.integers(1, 20), st.floats(0.0, 1.5), st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_recursion_is_the_workloads_own_in_float32(batch_size, exponent, seed):
    workload = LinearRegression(steps=30, dimension=20, batch_size=batch_size, exponent=exponent)
    lrs = np.random.default_rng(seed).uniform(0, 0.8, (4, 30))
    theirs = evaluate(workload, lrs, np.zeros(4, int))["final/train_loss"]
    ours = Recursion(workload.spectrum(), batch_size).losses(lrs)
    np.testing.assert_allclose(theirs, ours, rtol=2e-5)


@pytest.mark.parametrize("exact", [False, True])
def test_gradient_and_hessian_agree_with_finite_differences(exact):
    spectrum = np.arange(1, 9) ** -1.0
    dynamics = SecondMoments(spectrum, 2, random_basis(1, 8)) if exact else Recursion(spectrum, 2)
    lrs = np.linspace(0.5, 0.2, 6)
    value, gradient = dynamics.value_and_gradient(lrs)
    assert value == pytest.approx(np.log(dynamics.losses(lrs)[0]), rel=1e-12)
    hessian, h = dynamics.hessian(lrs), 1e-5
    for i in range(6):
        step = np.eye(6)[i] * h
        above, below = (dynamics.value_and_gradient(lrs + sign * step) for sign in (1, -1))
        assert gradient[i] == pytest.approx((above[0] - below[0]) / (2 * h), rel=1e-6, abs=1e-8)
        np.testing.assert_allclose(hessian[i], (above[1] - below[1]) / (2 * h), rtol=1e-5, atol=1e-7)


def test_an_overflow_is_infinitely_bad():
    assert Recursion([0.5, 0.5], 1).losses(np.full((1, 400), 1e3))[0] == np.inf


def test_random_bases_are_orthogonal_and_differ_by_seed():
    a, b = random_basis(0, 5), random_basis(1, 5)
    np.testing.assert_allclose(a @ a.T, np.eye(5), atol=1e-14)
    assert not np.allclose(a, b)
    np.testing.assert_array_equal(a, random_basis(0, 5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recursion([1.0, -1.0], 1), "finite numbers >= 0"),
        (lambda: Recursion([1.0, 1.0], 3), "batch_size must be from 1 to the 2 data points, got 3"),
        (lambda: SecondMoments([1.0, 1.0], 1, np.eye(3)), r"shape \(2, 2\), got \(3, 3\)"),
        (lambda: SecondMoments([1.0, 1.0], 1, np.ones((2, 2))), "must be orthogonal"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
