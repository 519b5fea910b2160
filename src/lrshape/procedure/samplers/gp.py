"""A Gaussian process learns the scores; its posterior draws the next points and names the best one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from lrshape.procedure.landscape import Landscape, around
from lrshape.procedure.sampler import (
    SAMPLERS,
    Among,
    Belief,
    Bend,
    History,
    LearningSampler,
    Points,
    Transform,
)
from lrshape.procedure.samplers.sobol import sobol_points
from lrshape.process_wide import one_blas_thread

MOST = 1500
"""Scores that the model knows at most: its cost grows with their cube."""

KEPT = 1200
"""Scores that it goes on knowing when there are more."""

REFIT = 1.2
"""Growth of the history after which length scales are fitted again."""

WIDTHS = (1.0, 2.0, 4.0)
"""How much further from the mean than the posterior's the draws are that choose points, in turn.

Thompson sampling (1) makes the points good; but what counts is the one that is recommended in the end, and
wider points tell more about where it lies, the more so the noisier the scores are.
"""


def _coordinates(points: Points) -> Points:
    return points


@SAMPLERS.register("gp")
class GP(LearningSampler):
    """Thompson sampling, widened, from a Gaussian process that knows noise and shared seeds.

    First come Sobol' points. Then each batch has the point that the model holds for the best and, for each
    other place, the minimum of one draw from the posterior, or from a wider one: where much is uncertain the
    draws differ, and when nothing is they agree. The model sees logarithms of positive scores, with bad ones
    moved nearer, for it matters little how bad they are; a batch's common shift (its seed) is part of the
    model, so that lucky seeds do not mislead.

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
    _scale: Transform = PrivateAttr(default_factory=lambda: _logarithms_if_positive)
    _latest: tuple[Any, Landscape] | None = PrivateAttr(default=None)

    @property
    def batch(self) -> int:
        """As many as share a seed and a model."""
        return self.batch_size

    def seeing(self, features: Callable[[Points], Points], scale: Transform | None = None) -> "GP":
        """Return the sampler whose model is one of features, not of coordinates, and of scores on a scale."""
        seen = self.model_copy()
        seen._features, seen._latest = features, None
        seen._scale = scale or _logarithms_if_positive
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
        with one_blas_thread():
            rivals = self._landscape(state, told).rivals
            minima = rivals.draws(2 * n, random, WIDTHS).argmin(axis=1)
        chosen = list(dict.fromkeys([0, *minima.tolist()]))[: n - spread]
        near = around(rivals.points[:1], n - spread - len(chosen), random)
        return np.concatenate([first, rivals.points[chosen], near]), state["own"]

    def favourites(self, state: Mapping[str, Any], n: int, among: Among) -> Points:
        """What the model is sure is good; without a model, the points with the best scores."""
        told = self.history(state)
        if not _enough(told) or state["dimensions"] == 0:
            return super().favourites(state, n, among)
        with one_blas_thread():
            return self._landscape(state, told).favourites(n, among)

    def belief(self, state: Mapping[str, Any], n: int) -> Belief | None:
        """Draws from the posterior; None before the first points have been scored."""
        told = self.history(state)
        if not _enough(told) or len(told.points) < self.initial or state["dimensions"] == 0:
            return None
        with one_blas_thread():
            landscape = self._landscape(state, told)
            drawn = landscape.rivals.draws(n, self.random(state, 2**32 - 2, len(told.points)))
        return Belief(drawn[:, 0], drawn.min(axis=1), landscape.process.noise)

    def reflect(self, state: Mapping[str, Any]) -> Any:
        """Fit the length scales again, if the history has grown enough; forget some of too many scores."""
        told, own = self.history(state), state["own"]
        if not _enough(told) or state["dimensions"] == 0:
            return own
        with one_blas_thread():
            if len(told.points) >= REFIT * own.get("fitted_at", 0):
                process = self._landscape(state, told, iterations=20 if "log_scales" in own else 60).process
                own = own | {"log_scales": process.log_scales.tolist(), "fitted_at": len(told.points)}
            known = _known(own)
            if len(known) > MOST:
                mean = self._landscape({**state, "own": own}, told).mean(told.points[known])
                kept = known[_most_telling(mean)]
                own = own | {"forgotten": np.setdiff1d(np.arange(len(told.points)), kept).tolist()}
        return own

    def _landscape(self, state: Mapping[str, Any], told: History, iterations: int = 0) -> Landscape:
        """The model of what was told; that of the latest state is remembered."""
        from lrshape.procedure.gaussian_process import GaussianProcess  # scipy.optimize is slow to import

        own, scales = state["own"], state["own"].get("log_scales")
        known = _evenly(_known(own), MOST)
        scores = self._scale(told.scores)[known]
        seen = told.points[known], Bend.of(scores)(scores), told.batches[known]
        key = [state["seed"], *(array.tobytes() for array in seen)]
        latest = self._latest  # another thread may replace it
        if latest is not None and latest[0] == [*key, scales] and not iterations:
            return latest[1]
        points, scores, batches = seen
        start = None if scales is None else np.array(scales)
        process = GaussianProcess.fitted(self._features(points), scores, batches, start, iterations)
        found = Landscape(process, points, self._features, (state["seed"], len(told.points)))
        self._latest = [*key, process.log_scales.tolist() if iterations else scales], found
        return found


def _enough(told: History) -> bool:
    return bool(np.isfinite(told.scores).sum() >= 4)


def _known(own: Mapping[str, Any]) -> NDArray[np.int64]:
    """Which scores the model knows: all but those forgotten."""
    return np.setdiff1d(np.arange(len(own["scores"])), np.array(own.get("forgotten", []), np.int64))


def _evenly(values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """So many of the values, or all if they are fewer, evenly chosen."""
    return values[np.linspace(0, len(values) - 1, min(len(values), count)).astype(np.int64)]


def _most_telling(mean: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which of too many scores to keep: half that the model holds for the best, the latest, and of others.

    By the mean, not the scores: of scores under noise the lowest are the luckiest.
    """
    rows = np.arange(len(mean))
    latest = rows[-KEPT // 4 :]
    best = np.argsort(mean[: len(mean) - KEPT // 4], kind="stable")[: KEPT // 2]
    others = np.setdiff1d(rows, np.concatenate([latest, best]))
    return np.sort(np.concatenate([best, latest, _evenly(others, KEPT // 4)]))


def _logarithms_if_positive(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if (scores > 0).all():
        return np.log(scores, where=np.isfinite(scores), out=scores.copy())
    return scores
