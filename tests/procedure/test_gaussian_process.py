"""The Gaussian process alone: its gradient, and scores that come in steps."""

import numpy as np

from lrshape.procedure import gaussian_process
from lrshape.procedure.gaussian_process import GaussianProcess


def wave(points):
    return np.sin(4 * points[:, 0]) + points[:, 1]


def test_the_gradient_is_that_of_the_likelihood():
    random = np.random.default_rng(0)
    points, y, batches = random.random((40, 3)), random.standard_normal(40), np.arange(40) // 8
    shared = gaussian_process._shared(batches)
    at = np.array([-0.5, 0.2, 0.4, 0.3, -1.5, -0.7])

    def likelihood(log_scales):
        return gaussian_process._negative_log_likelihood(log_scales, points, y, shared)

    steps = 1e-5 * np.eye(len(at))
    numeric = [(likelihood(at + h)[0] - likelihood(at - h)[0]) / 2e-5 for h in steps]
    np.testing.assert_allclose(likelihood(at)[1], numeric, rtol=1e-6, atol=1e-7)


def test_noise_is_at_least_that_of_rounding_to_the_steps_of_the_scores():
    points = np.random.default_rng(2).random((40, 2))
    scores = np.round(wave(points), 1)  # nothing but rounding makes noise
    assert len(np.unique(scores)) < 30
    fitted = GaussianProcess.fitted(points, scores, np.arange(40) // 8)
    assert fitted.noise >= 0.999 * 0.1 / np.sqrt(12)
    exact = GaussianProcess.fitted(points, wave(points), np.arange(40) // 8)
    assert exact.noise < 0.02
