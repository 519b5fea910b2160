"""A Gaussian process learns the scores; its posterior draws the next points and names the best one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr
from threadpoolctl import threadpool_limits

from lrshape.procedure.landscape import Landscape, around
from lrshape.procedure.sampler import (
    SAMPLERS,
    Belief,
    Choice,
    History,
    LearningSampler,
    Points,
    every,
)
from lrshape.procedure.samplers.sobol import sobol_points

MOST = 400
"""Scores that the model knows at most: its cost grows with their cube."""

REFIT = 1.1
"""Growth of the history after which length scales are fitted again: that is most of the cost."""


def _coordinates(points: Points) -> Points:
    return points


@SAMPLERS.register("gp")
class GP(LearningSampler):
    """Thompson sampling from a Gaussian process that knows noise and shared seeds.

    First come Sobol' points. Then each batch has the point that the model holds for the best and, for each
    other place, the minimum of one draw from the posterior: where much is uncertain the draws differ, and
    when nothing is they agree. The model sees logarithms of positive scores, with bad ones moved nearer, for
    it matters little how bad they are; a batch's common shift (its seed) is part of the model, so that lucky
    seeds do not mislead.

    Source: Thompson sampling: Kandasamy et al., "Parallelised Bayesian optimisation via Thompson sampling"
    (2018). Written here because the kept libraries have no shift of a batch, or need PyTorch.

    Example:
        >>> sampler = GP(batch_size=8, initial=8)
        >>> state = sampler.init(dimensions=2, seed=0)
        >>> for batch in range(4):
        ...     points, state = sampler.ask(state, 8)
        ...     state = sampler.tell(state, points, 1 + ((points - 0.3) ** 2).sum(axis=1))
        >>> sampler.recommend(state, 1).round(1).tolist()
        [[0.3, 0.3]]
    """

    batch_size: int = Field(default=16, ge=2, description="points per batch")
    initial: int = Field(default=32, ge=4, description="Sobol' points before the first model is fitted")
    _features: Callable[[Points], Points] = PrivateAttr(default_factory=lambda: _coordinates)

    @property
    def batch(self) -> int:
        """As many as share a seed and a model."""
        return self.batch_size

    def seeing(self, features: Callable[[Points], Points], scale=None) -> "GP":
        """Return the sampler whose model is one of features, not of coordinates."""
        seen = self.model_copy()
        seen._features = features
        return seen

    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Sobol' points first; then the model's best point and minima of draws from its posterior."""
        dimensions, asked = state["dimensions"], state["asked"]
        told = self.history(state)
        spread = max(0, min(n, self.initial - max(asked, len(told.points))))
        if not _enough(told) or dimensions == 0:
            spread = n
        first = sobol_points(dimensions, state["seed"], asked, spread)
        if spread == n:
            return first, state["own"]
        random = self.random(state, asked)
        landscape = self._landscape(state, told)
        pool = landscape.pool(random, every)
        minima = _draws(*landscape.posterior(pool), 2 * n, random).argmin(axis=1)
        chosen = list(dict.fromkeys([0, *minima.tolist()]))[: n - spread]
        near = around(pool[:1], n - spread - len(chosen), random)
        return np.concatenate([first, pool[chosen], near]), state["own"]

    def favourites(self, state: Mapping[str, Any], n: int, among: Choice) -> Points:
        """What the model is sure is good; without a model, the points with the best scores."""
        told = self.history(state)
        if not _enough(told) or state["dimensions"] == 0:
            return super().favourites(state, n, among)
        landscape = self._landscape(state, told)
        random = self.random(state, 2**32 - 1, len(told.points))
        return landscape.favourites(random, n, among)

    def belief(self, state: Mapping[str, Any], n: int) -> Belief | None:
        """Draws from the posterior; None before the first points have been scored."""
        told = self.history(state)
        if not _enough(told) or len(told.points) < self.initial or state["dimensions"] == 0:
            return None
        landscape = self._landscape(state, told)
        random = self.random(state, 2**32 - 2, len(told.points))
        drawn = _draws(*landscape.posterior(landscape.pool(random, every)), n, random)
        return Belief(
            drawn[:, 0],
            drawn.min(axis=1),
            landscape.process.unit * float(np.exp(0.5 * landscape.process.log_scales[-2])),
        )

    def reflect(self, state: Mapping[str, Any]) -> Any:
        """Fit the length scales again, if the history has grown enough."""
        told, own = self.history(state), state["own"]
        start, fitted_at = own.get("log_scales"), own.get("fitted_at", 0)
        if not _enough(told) or state["dimensions"] == 0 or len(told.points) < REFIT * fitted_at:
            return own
        landscape = self._landscape(state, told, iterations=60 if start is None else 20)
        return own | {"log_scales": landscape.process.log_scales.tolist(), "fitted_at": len(told.points)}

    def _landscape(self, state: Mapping[str, Any], told: History, iterations: int = 0) -> Landscape:
        from lrshape.procedure.gaussian_process import GaussianProcess  # scipy.optimize is slow to import

        known = _most_telling(told)
        scales = state["own"].get("log_scales")
        # One thread: the same bits whatever the machine, and matrices of this size gain little from more.
        with threadpool_limits(1):
            process = GaussianProcess.fitted(
                self._features(told.points[known]),
                _learnable(told.scores[known]),
                told.batches[known],
                None if scales is None else np.array(scales),
                iterations,
            )
        return Landscape(process, told.points[known], self._features)


def _enough(told: History) -> bool:
    return bool(np.isfinite(told.scores).sum() >= 4)


def _most_telling(told: History) -> NDArray[np.int64]:
    """Which scores the model is to know: all, or else the best half of as many as it can, and the latest."""
    if len(told.scores) <= MOST:
        return np.arange(len(told.scores))
    best = np.argsort(told.scores, kind="stable")[: MOST // 2]
    others = np.setdiff1d(np.arange(len(told.scores)), best)
    return np.sort(np.concatenate([best, others[-MOST // 2 :]]))


def _positive(scores: NDArray[np.float64]) -> bool:
    return bool((scores > 0).all())


def _learnable(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores that a smooth function can follow: logarithms, the worse half moved nearer, all finite."""
    y = np.log(scores, where=np.isfinite(scores), out=scores.copy()) if _positive(scores) else scores
    finite = np.isfinite(y)
    y = np.where(finite, y, y[finite].max())
    middle = np.median(y)
    better, worse = y[y <= middle], y > middle
    unit = 2 * max(float(better.std()), 1e-6 * max(1.0, abs(middle)))
    return np.where(worse, middle + unit * np.log1p(np.where(worse, y - middle, 0) / unit), y)


def _draws(
    mean: NDArray[np.float64], covariance: NDArray[np.float64], count: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Draws of a normal distribution, (count, m)."""
    scale = float(np.diag(covariance).max())
    factor = np.linalg.cholesky(covariance + 1e-6 * max(scale, 1e-300) * np.eye(len(mean)))
    return mean + random.standard_normal((count, len(mean))) @ factor.T
