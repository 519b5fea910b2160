"""Gaussian-process regression with noise and a common shift of each batch, on points of the unit cube."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, get_lapack_funcs, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

ROUNDING = 1e-12  # of a point's variance: keeps a posterior covariance positive definite without noise
JITTER = 1e-8  # of the signal's variance: the kernel's matrix stays positive definite

FITTED = 300
"""Rows from which length scales and variances are fitted, at most: each step costs their cube."""

BLOCK = 1 << 16
"""Entries of a kernel that are computed at a time, so that they stay in the processor's cache."""

LEVEL = 3.0
"""Variance of the constant that scores go back to far from all points, in units of the scores' variance.

It is learnt, too: the scores' own middle is no good guess of it, for most of them are of points that were
chosen to be good.
"""


@dataclass(frozen=True)
class GaussianProcess:
    """The posterior of a function that was seen with noise.

    Scores are a smooth function, plus a shift of each batch (the seed that its points share), plus noise of
    each score. The function's covariance is Matern 5/2 with a length scale for each dimension, around an
    unknown constant.

    Source: Rasmussen & Williams, "Gaussian processes for machine learning" (2006), chapters 2, 4 and 5.

    Attributes:
        points: (n, dimensions).
        log_scales: (dimensions + 3,), natural logarithms of the length scales, of the variances of the signal
            and the noise in units of the scores' variance, and of the batches' shifts' in units of the
            noise's: without noise seeds make no difference.
        centre: the scores' median, from which their covariance is taken.
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

        Of more than `FITTED` rows every few are fitted; the posterior is then one of all rows.

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
        # Length scales of half the cube's side, noise of a fifth: wide priors that only few points feel.
        mean = np.append(np.full(dimensions, np.log(0.5)), [0.0, -3.0, -2.0])
        spread = np.append(np.ones(dimensions), [1.5, 3.0, 1.5])
        # Scores that come in steps, like errors of a count, are not known better than to a step.
        rounding = np.log(max(_smallest_step(y) ** 2 / 12, 1e-9))
        bounds = [(-3.0, 5.0)] * dimensions + [(-4.0, 6.0), (min(rounding, 2.0), 2.0), (-5.0, 3.0)]
        best = np.clip(mean if start is None else start, *np.transpose(bounds))
        if iterations:
            rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), FITTED)).astype(np.int64))
            shared = _shared(batches[rows])

            def loss(log_scales: Array) -> tuple[float, Array]:
                away = (log_scales - mean) / spread
                likelihood, gradient = _negative_log_likelihood(log_scales, points[rows], y[rows], shared)
                return likelihood + 0.5 * float(away @ away), gradient + away / spread

            options = {"maxiter": iterations}
            best = minimize(loss, best, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        covariance = _kernel(best, points, points)
        _add_noise(best, covariance, _shared(batches))
        factor = np.linalg.cholesky(covariance)
        weights = np.asarray(cho_solve((factor, True), y, check_finite=False))
        return cls(points, best, centre, unit, np.asarray(factor, np.float64), weights)

    @property
    def noise(self) -> float:
        """Standard deviation of one trial's own noise, in the scores' unit."""
        return self.unit * float(np.exp(self.log_scales[-2] / 2))

    def mean(self, points: Array) -> Array:
        """Posterior mean of the function at points, (m,), in the scores' unit."""
        return self.centre + self.unit * (_kernel(self.log_scales, points, self.points) @ self.weights)

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """Posterior mean, (m,), and covariance, (m, m), of the function at points."""
        cross = _kernel(self.log_scales, points, self.points)
        explained = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        covariance = _kernel(self.log_scales, points, points) - explained.T @ explained
        covariance[np.diag_indices_from(covariance)] += ROUNDING * (LEVEL + np.exp(self.log_scales[-3]))
        return self.centre + self.unit * (cross @ self.weights), self.unit**2 * covariance


def _shared(batches: NDArray[np.int64]) -> Array:
    """1 where two scores are of one batch, else 0, (n, n)."""
    return (batches[:, None] == batches).astype(np.float64)


def _add_noise(log_scales: Array, covariance: Array, shared: Array) -> None:
    """Add the noise of each score, and the shift that its batch shares, to a covariance in place."""
    signal, noise, ratio = np.exp(log_scales[-3:])
    covariance += ratio * noise * shared
    covariance[np.diag_indices_from(covariance)] += noise + JITTER * signal


def _smallest_step(y: Array) -> float:
    """Between distinct values of the better half, or of the best two; 0 if all are the same."""
    values = np.unique(y)
    steps = np.diff(values[: max(2, int((values <= np.median(y)).sum()))])
    return float(steps.min(initial=np.inf, where=steps > 1e-9)) if np.any(steps > 1e-9) else 0.0


def _squared_distances(log_scales: Array, a: Array, b: Array) -> Array:
    """Squared distances in length scales, times 5, (n, m)."""
    scales = np.exp(log_scales[: a.shape[1]]) / np.sqrt(5)
    a, b = a / scales, b / scales
    squared = a @ (-2 * b.T)
    squared += (a * a).sum(1)[:, None]
    squared += (b * b).sum(1)
    return np.maximum(squared, 0, out=squared)


def _kernel(log_scales: Array, a: Array, b: Array) -> Array:
    values = np.empty((len(a), len(b)))
    signal = np.exp(log_scales[a.shape[1]])
    rows = max(1, BLOCK // max(1, len(b)))
    for start in range(0, len(a), rows):
        block = values[start : start + rows]
        squared = _squared_distances(log_scales, a[start : start + rows], b)
        r = np.sqrt(squared)
        squared /= 3
        squared += r
        squared += 1
        np.exp(np.negative(r, out=r), out=block)
        block *= squared
        block *= signal
        block += LEVEL
    return values


def _negative_log_likelihood(
    log_scales: Array, points: Array, y: Array, shared: Array
) -> tuple[float, Array]:
    """Value and gradient, up to a constant (Rasmussen & Williams, equations 5.8 and 5.9)."""
    signal, own, ratio = np.exp(log_scales[-3:])
    z = points / np.exp(log_scales[:-3])
    squared = _squared_distances(log_scales, points, points)
    r = np.sqrt(squared)
    decay = signal * np.exp(-r)
    kernel = (1 + r + squared / 3) * decay
    covariance = kernel + LEVEL
    _add_noise(log_scales, covariance, shared)
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(log_scales)
    (invert,) = get_lapack_funcs(("potri",), (factor,))
    half = np.tril(invert(factor, lower=1)[0])
    inverse = half + half.T
    inverse[np.diag_indices_from(inverse)] /= 2
    weights = inverse @ y
    slope = 0.5 * (inverse - np.outer(weights, weights))  # of the covariance
    pull = slope * (5 / 3 * (1 + r) * decay)
    of_shift = ratio * own * np.sum(slope * shared)
    trace = float(np.diag(slope) @ np.ones(len(slope)))  # np.trace rounds differently: other searches
    gradient = np.append(
        2 * (pull.sum(1) @ (z * z) - np.sum(z * (pull @ z), axis=0)),
        [
            np.sum(slope * kernel) + JITTER * signal * np.trace(slope),
            own * trace + of_shift,
            of_shift,
        ],
    )
    return 0.5 * float(y @ weights) + float(np.log(np.diag(factor)).sum()), gradient
