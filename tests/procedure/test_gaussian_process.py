"""The Gaussian process alone: its gradient, means of trials, and scores that come in steps."""

import numpy as np
import pytest

from lrshape.procedure import gaussian_process
from lrshape.procedure.gaussian_process import GaussianProcess


def wave(points):
    return np.sin(4 * points[:, 0]) + points[:, 1]


def test_the_gradient_is_that_of_the_likelihood():
    random = np.random.default_rng(0)
    points, y, batches = random.random((40, 3)), random.standard_normal(40), np.arange(40) // 8
    noise = gaussian_process._Noise(batches, 1 / random.integers(1, 4, 40))
    at = np.array([-0.5, 0.2, 0.4, 0.3, -1.5, -0.7])

    def likelihood(log_scales):
        return gaussian_process._negative_log_likelihood(log_scales, points, y, noise)

    steps = 1e-5 * np.eye(len(at))
    numeric = [(likelihood(at + h)[0] - likelihood(at - h)[0]) / 2e-5 for h in steps]
    np.testing.assert_allclose(likelihood(at)[1], numeric, rtol=1e-6, atol=1e-7)


def test_a_mean_of_trials_says_as_much_as_they_do():
    random = np.random.default_rng(1)
    points, noise = random.random((30, 2)), 0.3 * random.standard_normal((30, 4))
    scores = wave(points)[:, None] + noise
    each = GaussianProcess.fitted(np.repeat(points, 4, axis=0), scores.ravel(), np.arange(120))
    # The same length scales and variances, in the means' own unit.
    start = each.log_scales.copy()
    start[-3:-1] += 2 * np.log(each.unit / scores.mean(axis=1).std())
    start[-1] = -5.0
    means = GaussianProcess.fitted(
        points, scores.mean(axis=1), np.arange(30), start, iterations=0, counts=np.full(30, 4)
    )
    assert means.noise == pytest.approx(each.noise)
    at = random.random((20, 2))
    np.testing.assert_allclose(means.mean(at), each.mean(at), atol=0.05)
    np.testing.assert_allclose(
        np.diag(means.posterior(at)[1]), np.diag(each.posterior(at)[1]), rtol=0.3, atol=1e-3
    )


def test_noise_is_at_least_that_of_rounding_to_the_steps_of_the_scores():
    points = np.random.default_rng(2).random((40, 2))
    scores = np.round(wave(points), 1)  # nothing but rounding makes noise
    assert len(np.unique(scores)) < 30
    fitted = GaussianProcess.fitted(points, scores, np.arange(40) // 8)
    assert fitted.noise >= 0.999 * 0.1 / np.sqrt(12)
    exact = GaussianProcess.fitted(points, wave(points), np.arange(40) // 8)
    assert exact.noise < 0.02
