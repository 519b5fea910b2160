"""Gaussian-process regression with noise and a common shift of each batch, on points of the unit cube."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

JITTER = 1e-8  # of the signal's variance: the kernel's matrix stays positive definite


@dataclass(frozen=True)
class GaussianProcess:
    """The posterior of a function that was seen with noise.

    Scores are a smooth function, plus a shift of each batch (the seed that its points share), plus noise of
    each score. The function's covariance is Matern 5/2 with a length scale for each dimension.

    Source: Rasmussen & Williams, "Gaussian processes for machine learning" (2006), chapters 2, 4 and 5.

    Attributes:
        points: (n, dimensions).
        log_scales: (dimensions + 3,), natural logarithms of the length scales, of the variances of the signal
            and the noise in units of the scores' variance, and of the batches' shifts' in units of the
            noise's: without noise seeds make no difference.
        centre: the middle of the scores, which the posterior goes back to far from all points.
        unit: the scores' standard deviation.
        factor: (n, n), lower Cholesky factor of the scores' covariance.
        weights: (n,), that covariance's inverse times the scores.
    """

    points: Array
    log_scales: Array
    centre: float
    unit: float
    factor: Array
    weights: Array

    @classmethod
    def fitted(
        cls,
        points: Array,
        scores: Array,
        batches: NDArray[np.int64],
        start: Array | None = None,
        iterations: int = 50,
    ) -> "GaussianProcess":
        """Fit length scales and variances by their posterior's maximum, with weak priors.

        Args:
            points: (n, dimensions), in the unit cube.
            scores: (n,), finite.
            batches: (n,), which batch each score is of.
            start: ``log_scales`` to start from; default: the priors' centres.
            iterations: of L-BFGS, at most; 0 keeps ``start``.
        """
        dimensions = points.shape[1]
        centre, unit = float(np.median(scores)), max(float(scores.std()), 1e-12)
        y = (scores - centre) / unit
        same = (batches[:, None] == batches).astype(np.float64)
        # Length scales of half the cube's side, noise of a fifth: wide priors that only few points feel.
        mean = np.append(np.full(dimensions, np.log(0.5)), [0.0, -3.0, -2.0])
        spread = np.append(np.ones(dimensions), [1.5, 3.0, 1.5])

        def loss(log_scales: Array) -> tuple[float, Array]:
            away = (log_scales - mean) / spread
            likelihood, gradient = _negative_log_likelihood(log_scales, points, y, same)
            return likelihood + 0.5 * float(away @ away), gradient + away / spread

        best = mean if start is None else start
        if iterations:
            bounds = [(-3.0, 5.0)] * dimensions + [(-4.0, 6.0), (-20.0, 2.0), (-5.0, 3.0)]
            options = {"maxiter": iterations}
            best = minimize(loss, best, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        factor = np.linalg.cholesky(_covariance(best, points, same))
        weights = np.asarray(cho_solve((factor, True), y))
        return cls(points, best, centre, unit, np.asarray(factor, np.float64), weights)

    def mean(self, points: Array) -> Array:
        """Posterior mean of the function at points, (m,), in the scores' unit."""
        return self.centre + self.unit * (_kernel(self.log_scales, points, self.points) @ self.weights)

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """Posterior mean, (m,), and covariance, (m, m), of the function at points."""
        cross = _kernel(self.log_scales, points, self.points)
        explained = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        covariance = _kernel(self.log_scales, points, points) - explained.T @ explained
        return self.centre + self.unit * (cross @ self.weights), self.unit**2 * covariance


def _distances(log_scales: Array, a: Array, b: Array) -> Array:
    scales = np.exp(log_scales[: a.shape[1]])
    a, b = a / scales, b / scales
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return np.sqrt(5 * np.maximum(squared, 0))


def _kernel(log_scales: Array, a: Array, b: Array) -> Array:
    r = _distances(log_scales, a, b)
    return np.exp(log_scales[a.shape[1]]) * (1 + r + r * r / 3) * np.exp(-r)


def _covariance(log_scales: Array, points: Array, same: Array) -> Array:
    signal, noise, ratio = np.exp(log_scales[-3:])
    covariance = _kernel(log_scales, points, points) + ratio * noise * same
    covariance[np.diag_indices_from(covariance)] += noise + JITTER * signal
    return covariance


def _negative_log_likelihood(log_scales: Array, points: Array, y: Array, same: Array) -> tuple[float, Array]:
    """Value and gradient, up to a constant (Rasmussen & Williams, equations 5.8 and 5.9)."""
    signal, noise, ratio = np.exp(log_scales[-3:])
    shift = ratio * noise
    z = points / np.exp(log_scales[:-3])
    r = _distances(log_scales, points, points)
    decay = signal * np.exp(-r)
    kernel = (1 + r + r * r / 3) * decay
    covariance = kernel + shift * same
    covariance[np.diag_indices_from(covariance)] += noise + JITTER * signal
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(log_scales)
    inverse = cho_solve((factor, True), np.eye(len(y)), check_finite=False)
    weights = inverse @ y
    slope = 0.5 * (inverse - np.outer(weights, weights))  # of the covariance
    pull = slope * (5 / 3 * (1 + r) * decay)
    of_shift = shift * np.sum(slope * same)
    gradient = np.append(
        2 * (pull.sum(1) @ (z * z) - np.sum(z * (pull @ z), axis=0)),
        [np.sum(slope * kernel), noise * np.trace(slope) + of_shift, of_shift],
    )
    return 0.5 * float(y @ weights) + float(np.log(np.diag(factor)).sum()), gradient
