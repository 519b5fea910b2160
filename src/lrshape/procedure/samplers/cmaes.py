"""CMA-ES, by the cmaes package."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrshape.procedure.sampler import SAMPLERS, Among, LearningSampler, Points

WARM = 4
"""Points told in advance, at least, from which a first distribution is estimated."""


@SAMPLERS.register("cmaes")
class CMAES(LearningSampler):
    """A normal distribution that moves, generation by generation, to where ranks are best.

    Only ranks count, so noise and scale of scores matter little; a score that is not finite ranks last. When
    it has converged it starts again elsewhere, with twice the population. What was told before the first ask
    sets the first distribution.

    Source: Hansen, "The CMA evolution strategy: a tutorial" (2016); restarts: Auger & Hansen (2005); warm
    start: Nomura et al. (2021); all as in the ``cmaes`` package.

    Example:
        >>> sampler = CMAES(batch_size=8)
        >>> state = sampler.init(dimensions=2, seed=0)
        >>> for generation in range(30):
        ...     points, state = sampler.ask(state, 8)
        ...     state = sampler.tell(state, points, ((points - 0.3) ** 2).sum(axis=1))
        >>> sampler.recommend(state, 1).round(2).tolist()
        [[0.3, 0.3]]
    """

    batch_size: int = Field(default=16, ge=4, description="points per generation")
    sigma: float = Field(
        default=0.3, gt=0, le=1, description="initial standard deviation, as a fraction of every dimension"
    )

    @property
    def batch(self) -> int:
        """A generation."""
        return self.batch_size

    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Draw from the distribution that the history leads to."""
        evolution = self._evolved(state)
        points = np.empty((n, len(evolution.mean)))
        for i in range(n):
            # Each point has a seed of its own, so that it does not depend on how many are asked at a time.
            evolution.reseed_rng(int(self.random(state, state["asked"] + i).integers(2**32)))
            points[i] = evolution.ask()
        return points[:, : state["dimensions"]], state["own"]

    def favourites(self, state: Mapping[str, Any], n: int, among: Among) -> Points:
        """The mean of the distribution, which averages noise away; then the points with the best scores."""
        best = super().favourites(state, n, among)
        evolution = self._evolved(state)
        if not evolution.generation:
            return best
        mean = np.clip(evolution.mean, 0, 1)[None, : state["dimensions"]]
        return np.concatenate([mean[among(mean)], best])[:n]

    def _evolved(self, state: Mapping[str, Any]) -> Any:
        """The distribution after all whole generations of the history."""
        # CMA-ES needs two dimensions; one that nothing depends on does no harm.
        told, dimensions = self.history(state), max(2, state["dimensions"])
        points = np.pad(told.points, ((0, 0), (0, dimensions - told.points.shape[1])), constant_values=0.5)
        warm = told.batches < 0
        evolution = self._first(points[warm], told.scores[warm], dimensions)
        points, scores = points[~warm], _finite(told.scores[~warm])
        start = 0
        while start + evolution.population_size <= len(points):
            generation = slice(start, start + evolution.population_size)
            evolution.tell(list(zip(points[generation], scores[generation], strict=True)))
            start = generation.stop
            if evolution.should_stop():
                middle = self.random(state, 2**32 - 1, start).random(dimensions)
                evolution = self._new(middle, self.sigma, 2 * evolution.population_size)
        return evolution

    def _first(self, points: Points, scores: NDArray[np.float64], dimensions: int) -> Any:
        finite = np.isfinite(scores)
        if finite.sum() < max(WARM, dimensions + 1):
            return self._new(np.full(dimensions, 0.5), self.sigma, self.batch_size)
        from cmaes import get_warm_start_mgd

        solutions = list(zip(points[finite], scores[finite], strict=True))
        share = max(0.1, 2 / len(solutions))  # at least two points, or there is no distribution
        mean, sigma, covariance = get_warm_start_mgd(solutions, gamma=share, alpha=0.1)
        return self._new(np.clip(mean, 0, 1), min(sigma, self.sigma), self.batch_size, covariance)

    def _new(self, mean: Points, sigma: float, population: int, covariance: Any = None) -> Any:
        from cmaes import CMA

        bounds = np.tile([0.0, 1.0], (len(mean), 1))
        return CMA(mean=mean, sigma=sigma, bounds=bounds, population_size=population, cov=covariance, seed=0)


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores with a finite one, worse than all others, in place of those that are not: ranks stay."""
    finite = scores[np.isfinite(scores)]
    worst = 1.0 if len(finite) == 0 else float(finite.max() + np.ptp(finite) + 1)
    return np.where(np.isfinite(scores), scores, worst)
