"""The scores over the cube as a Gaussian process sees them, and the points that are worth a thought."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrshape.procedure.sampler import Among, Points, every

if TYPE_CHECKING:  # it imports scipy.optimize
    from lrshape.procedure.gaussian_process import GaussianProcess

Array = NDArray[np.float64]

POOL = 800
"""Points among which the posterior's samples are compared."""

SCATTER = 2000
"""Points all over the cube from which a search for the lowest mean starts."""


@dataclass(frozen=True, eq=False)
class Rivals:
    """Points that may be best, and what their scores may be.

    Attributes:
        points: (m, dimensions); the first has about the lowest mean.
        mean: (m,).
        factor: (m, m), lower Cholesky factor of the covariance.
    """

    points: Points
    mean: Array
    factor: Array

    def draws(self, count: int, random: np.random.Generator, widths: Sequence[float] = (1.0,)) -> Array:
        """Draws of the scores without noise, (count, m), so many times as far from the mean, in turn."""
        deviations = random.standard_normal((count, len(self.mean))) @ self.factor.T
        return self.mean + np.resize(widths, (count, 1)) * deviations


@dataclass(frozen=True, eq=False)
class Landscape:
    """What a sampler knows.

    Attributes:
        process: of features.
        told: (n, dimensions), the points whose scores are known.
        features: of points.
        seed: of the random numbers of each search over it.
    """

    process: "GaussianProcess"
    told: Points
    features: Callable[[Points], Points]
    seed: tuple[int, ...]

    def mean(self, points: Points) -> Array:
        """Posterior mean, (m,)."""
        return self.process.mean(self.features(points))

    def favourites(self, count: int, among: Among) -> Points:
        """Points that are sure to be good, each of other features than those before it."""
        random = np.random.default_rng(self.seed)
        found = self._minima(random, self._scattered(random, among), among)
        points = np.concatenate([found, self._best_told(among)])
        features = self.features(points)
        mean, covariance = self.process.posterior(features)
        sure = mean + np.sqrt(np.maximum(np.diag(covariance), 0))
        order = np.argsort(sure, kind="stable")
        return points[order][_apart(features[order], count, 0.02)]

    @cached_property
    def rivals(self) -> Rivals:
        """Points that may be best: near the one of the lowest mean, near its rivals, and anywhere."""
        random = np.random.default_rng(self.seed)
        scattered = self._scattered(random, every)
        best = self._minima(random, scattered, every)
        told = self._best_told(every)
        # Another valley looks worse while the model is coarse, so some of its points stay in the race.
        others = [told[_apart(told, 4, 0.15)], scattered[_apart(scattered, 8, 0.15)]]
        apart = np.concatenate([told[:4], *others])
        near = [around(best, POOL // 2, random), around(apart, POOL // 4, random)]
        anywhere = random.random((POOL // 8, self.told.shape[1]))
        points = np.concatenate([best, *near, scattered[: POOL // 8], anywhere])
        mean, covariance = self.process.posterior(self.features(points))
        smallest = 1e-6 * max(float(np.diag(covariance).max()), 1e-300)
        factor = np.linalg.cholesky(covariance + smallest * np.eye(len(mean)))
        return Rivals(points, mean, np.asarray(factor, np.float64))

    @cached_property
    def _told_by_mean(self) -> Points:
        return self._ordered(self.told)

    def _best_told(self, among: Among) -> Points:
        """Known points, the lowest mean first."""
        return self._told_by_mean[among(self._told_by_mean)]

    def _scattered(self, random: np.random.Generator, among: Among) -> Points:
        """Points all over the cube, the lowest mean first.

        Far from all known points in the cube there may be others that are the same to the model. Many are at
        the cube's faces, where families have their limits, and many have some coordinates of a good point:
        those that are right for all, like the scale of the LRs.
        """
        points = random.random((SCATTER, self.told.shape[1]))
        points = np.where(random.random(points.shape) < 0.3, np.round(points), points)
        good = self._best_told(among)[:8]
        if len(good):
            taken = random.random(points.shape) < random.choice([0.0, 0.3, 0.7], (SCATTER, 1))
            points = np.where(taken, good[random.integers(len(good), size=SCATTER)], points)
        return self._ordered(points[among(points)])

    def _minima(self, random: np.random.Generator, scattered: Points, among: Among) -> Points:
        """A few points of low mean, the lowest first, by local search from known and scattered ones."""
        best = np.concatenate([self._best_told(among)[:8], scattered[:16]])
        for _ in range(8 if len(best) else 0):
            tried = around(best, 400, random)
            best = self._ordered(np.concatenate([best, tried[among(tried)]]))[:8]
        return best[:3]

    def _ordered(self, points: Points) -> Points:
        return points[np.argsort(self.mean(points), kind="stable")]


def around(centres: Points, count: int, random: np.random.Generator) -> Points:
    """Points at all distances from centres: 0.001 to 0.3 in each coordinate, some coordinates unchanged."""
    dimensions = centres.shape[1]
    step = 10 ** random.uniform(-3, -0.5, (count, 1)) * random.standard_normal((count, dimensions))
    moved = random.random((count, dimensions)) < random.choice([0.3, 1.0], (count, 1))
    moved[np.arange(count), random.integers(dimensions, size=count)] = True
    return np.clip(centres[random.integers(len(centres), size=count)] + step * moved, 0, 1)


def _apart(values: Array, count: int, distance: float) -> list[int]:
    """The first rows of which no two are closer than a distance in every column, at most so many."""
    kept: list[int] = []
    for i, value in enumerate(values):
        if all(np.abs(value - values[j]).max() > distance for j in kept):
            kept.append(i)
        if len(kept) == count:
            break
    return kept
