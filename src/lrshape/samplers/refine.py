"""Local search: points around the best ones, in a region that shrinks unless it finds better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrshape.errors import InputError
from lrshape.samplers._sobol import sobol_points
from lrshape.samplers.base import LearningSampler, Points, require_whole
from lrshape.samplers.registry import SAMPLERS

SMALLEST = 1e-4


@SAMPLERS.register("refine")
@dataclass(frozen=True)
class Refine(LearningSampler):
    """Boxes around the best points so far: they shrink after a batch without a better one, else they grow.

    The first batch, unless points were told before, is spread over the whole cube.

    Args:
        population: points of a batch, at least 2.
        top: how many of the best points have a box, at least 1.
        radius: first half width of a box, as a share of every dimension, in (0, 1].

    Raises:
        InputError: if a setting is out of range.

    Example:
        >>> sampler = Refine(population=8, top=2)
        >>> state = sampler.init(dimensions=2, seed=0)
        >>> for batch in range(30):
        ...     points, state = sampler.ask(state, 8)
        ...     state = sampler.tell(state, points, ((points - 0.3) ** 2).sum(axis=1))
        >>> sampler.recommend(state, 1).round(1).tolist()
        [[0.3, 0.3]]
    """

    population: int = 16
    top: int = 4
    radius: float = 0.25

    def __post_init__(self) -> None:
        require_whole("population", self.population, 2)
        require_whole("top", self.top, 1)
        if not 0 < self.radius <= 1:
            raise InputError(f"radius must be in (0, 1], got {self.radius!r}")

    @property
    def batch(self) -> int:
        """A batch that the radius is judged by."""
        return self.population

    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Points in the boxes, in turn; some coordinates of a point stay as they are."""
        asked, dimensions = state["asked"], state["dimensions"]
        centres = self.recommend(state, self.top)
        if len(centres) == 0:
            return sobol_points(dimensions, state["seed"], asked, n), state["own"]
        radius = self._radius(state)
        points = np.empty((n, dimensions))
        for i in range(n):
            random = self.random(state, asked + i)
            centre = centres[(asked + i) % len(centres)]
            moved = random.random(dimensions) < random.choice([0.5, 1.0])
            points[i] = centre + radius * random.uniform(-1, 1, dimensions) * moved
        return np.clip(points, 0, 1), state["own"]

    def _radius(self, state: Mapping[str, Any]) -> float:
        told = self.history(state)
        radius, best = self.radius, np.inf
        for batch in np.unique(told.batches):
            lowest = told.scores[told.batches == batch].min()
            if np.isfinite(best):
                radius *= 1.2 if lowest < best else 0.7
            best = min(best, lowest)
        return float(np.clip(radius, SMALLEST, 1.0))
