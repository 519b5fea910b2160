"""Base LRs with hyperparameters among which a model seeks the best of one shape."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pool:
    """Base LRs with hyperparameters.

    Attributes:
        base_lrs: their binary logarithms, (n,).
        units: coordinates of the hyperparameters, (n, dimensions).
        inside: (n,), whether they lie between those tried.
    """

    base_lrs: Array
    units: Array
    inside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def take(self, rows: ArrayLike) -> "Pool":
        """Those rows."""
        return Pool(self.base_lrs[np.asarray(rows)], self.units[np.asarray(rows)])

    def join(self, other: "Pool") -> "Pool":
        """Both."""
        return Pool(np.append(self.base_lrs, other.base_lrs), np.concatenate([self.units, other.units]))

    def scattered(self, count: int, random: np.random.Generator) -> "Pool":
        """Points at all distances from these, some coordinates unchanged, a few anywhere in the unit cube."""
        centres = self.take(random.integers(len(self.base_lrs), size=count))
        step = 10 ** random.uniform(-2.5, -0.5, (count, 1)) * random.standard_normal(
            (count, self.units.shape[1])
        )
        step *= random.random(step.shape) < 0.7
        units = np.where(random.random(step.shape) < 0.1, random.random(step.shape), centres.units + step)
        octaves = 10 ** random.uniform(-1.5, 0.0, count) * random.standard_normal(count)
        return Pool(centres.base_lrs + octaves * (random.random(count) < 0.7), units)
