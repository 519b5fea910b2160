"""The search for the best base LR of one shape, with its best hyperparameters, among points of a pool."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

AHEAD = 0.25
"""How far beyond what was tried the best hyperparameters are sought, in units of their ranges."""

ABOUT, START, ROUNDS, KEPT = 150, 1500, 8, 8
"""Points about the best, points to start from, rounds of the search, and the points that a round keeps."""


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

    def clipped(self, base_lrs: Array, box: Array) -> "Pool":
        """These points moved between two base LRs and the corners of a box, (2, dimensions)."""
        return Pool(np.clip(self.base_lrs, *base_lrs), np.clip(self.units, *box))


@dataclass(frozen=True, eq=False)
class Region:
    """Where the best of one shape is sought.

    Attributes:
        grid: binary logarithms of base LRs, those between the ones tried first.
        inside: how many these are.
        box: smallest and largest coordinates of hyperparameters that were tried, (2, dimensions).
        bounds: the same of legal ones.
    """

    grid: Array
    inside: int
    box: Array
    bounds: Array


def search_pool(
    mean: Callable[[Pool], Array], region: Region, known: Array, random: np.random.Generator
) -> Pool:
    """Find what may be best: the grid, with hyperparameters at the best ones, and points all about that.

    Args:
        mean: posterior means, (n,), of n points; the lowest is the best.
        region: where to look.
        known: coordinates of hyperparameters that were tried, for any shape, (m, dimensions).
        random: for the points.
    """
    grid, box = region.grid, region.box
    if not box.shape[1]:
        return Pool(grid, np.empty((len(grid), 0)), np.arange(len(grid)) < region.inside)
    tried = np.array([grid[: region.inside].min(), grid[: region.inside].max()])
    every = np.array([grid.min(), grid.max()])
    wide = np.clip(box + np.array([[-AHEAD], [AHEAD]]), *region.bounds)
    anywhere = wide[0] + random.random((ABOUT, box.shape[1])) * (wide[1] - wide[0])
    known = np.concatenate([known, anywhere])
    start = Pool(random.choice(grid, START), np.clip(known[random.integers(len(known), size=START)], *wide))
    lowest: list[Pool] = []
    for corners in ((tried, box), (every, wide)):
        kept = start.clipped(*corners)
        for _ in range(ROUNDS):
            kept = kept.take(np.argsort(mean(kept), kind="stable")[:KEPT])
            kept = kept.join(kept.scattered(ABOUT, random).clipped(*corners))
        lowest.append(kept.take([int(np.argmin(mean(kept)))]))
    best, ahead = lowest
    about = best.join(ahead).scattered(ABOUT, random).clipped(every, wide)
    along = Pool(grid, np.repeat(best.units, len(grid), axis=0))
    pool = along.join(best).join(ahead).join(about).join(start.take(range(ABOUT // 4)))
    inside = (pool.base_lrs >= tried[0]) & (pool.base_lrs <= tried[1])
    inside &= ((pool.units >= box[0]) & (pool.units <= box[1])).all(axis=1)
    return Pool(pool.base_lrs, pool.units, inside)
