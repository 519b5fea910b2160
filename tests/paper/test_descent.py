"""Descents find what can be known otherwise, and certificates hold only at minima."""

import numpy as np
import pytest

from lrshape.paper.descent import certify, descend, jaggedness, projected, starts
from lrshape.paper.dynamics import Recursion

SPECTRUM = np.arange(1, 31) ** -1.0 / np.sum(np.arange(1, 31) ** -1.0)


def test_without_noise_the_optimum_solves_the_problem_exactly():
    """Gradient descent with as many steps as eigenvalues can end at 0, with rates 1/lam."""
    dynamics = Recursion([0.6, 0.3, 0.1], 3)
    found = descend(dynamics, "start", np.array([1.0, 2.0, 3.0]))
    assert found.loss < 1e-8 * dynamics.losses(np.zeros(3))[0]
    np.testing.assert_allclose(np.sort(found.lrs), 1 / np.array([0.6, 0.3, 0.1]), rtol=1e-3)


def test_a_saddle_is_not_certified_and_some_starts_do_not_end_in_it():
    """Without noise the order of the steps does not matter: from equal rates a descent stays equal."""
    dynamics = Recursion([0.6, 0.3, 0.1], 3)
    saddle = descend(dynamics, "equal", np.full(3, 1.0))
    assert saddle.gradient < 1e-6
    assert not certify(dynamics, saddle.lrs).holds
    begins = starts(3, dynamics.lr_scale, {}, 5, seed=0)
    assert min(descend(dynamics, name, lrs).loss for name, lrs in begins.items()) < 1e-6 * saddle.loss


def test_one_step_has_the_optimum_of_a_parabola():
    dynamics = Recursion(SPECTRUM, 2)
    found = descend(dynamics, "start", np.array([0.01]))
    noise = (1 / 2 - 1 / 30) * np.sum(SPECTRUM) * np.sum(SPECTRUM**2)
    expected = np.sum(SPECTRUM**2) / (np.sum(SPECTRUM**3) + noise)
    assert found.lrs[0] == pytest.approx(expected, rel=1e-5)


def test_all_starts_end_in_one_certified_minimum_where_noise_dominates():
    dynamics = Recursion(SPECTRUM, 1)
    begins = starts(40, dynamics.lr_scale, {}, 6, seed=0)
    found = [descend(dynamics, name, lrs) for name, lrs in begins.items()]
    losses = np.array([d.loss for d in found])
    assert losses.max() / losses.min() - 1 < 1e-9
    assert max(d.gradient for d in found) < 1e-5
    best = min(found, key=lambda d: d.loss)
    certificate = certify(dynamics, best.lrs)
    assert certificate.holds
    rng = np.random.default_rng(0)
    near = np.abs(best.lrs + 0.02 * dynamics.lr_scale * rng.standard_normal((200, 40)))
    assert (dynamics.losses(near) > best.loss).all()


def test_a_point_that_is_no_minimum_gets_no_certificate():
    dynamics = Recursion(SPECTRUM, 1)
    assert not certify(dynamics, np.full(40, 0.2 * dynamics.lr_scale)).holds
    assert not certify(dynamics, np.full(40, 3.0 * dynamics.lr_scale)).holds


def test_too_many_steps_get_no_certificate():
    assert certify(Recursion(SPECTRUM, 1), np.full(1001, 0.1)) is None


def test_projection_drops_only_what_leaves_the_allowed_rates():
    np.testing.assert_array_equal(
        projected(np.array([0.0, 0.0, 1.0]), np.array([1.0, -1.0, 2.0])), [0, -1, 2]
    )


def test_jaggedness_counts_peaks_and_variation():
    smooth = jaggedness(np.linspace(1, 0, 100))
    assert (smooth.variation, smooth.maxima, smooth.jagged) == (pytest.approx(1.0), 1, False)
    saw = jaggedness(np.tile([0.0, 1.0], 20))
    assert (saw.variation, saw.maxima, saw.jagged) == (39.0, 20, True)
    assert jaggedness(np.full(5, 0.3)).variation == 0


def test_starts_are_as_many_as_wanted_and_repeatable():
    guesses = {"power": np.linspace(1, 0, 10), "wsd": np.ones(10), "rex": np.ones(10)}
    found = starts(10, 2.0, guesses, 9, seed=3)
    assert len(found) == 9
    assert list(found)[:3] == ["best power", "best wsd", "constant 0.2"]
    again = starts(10, 2.0, guesses, 9, seed=3)
    assert all(np.array_equal(found[k], again[k]) for k in found)
    assert len(starts(10, 2.0, guesses, 1, seed=3)) == 1
