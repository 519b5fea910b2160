"""A regular grid."""

import math
from dataclasses import dataclass

import numpy as np

from lrshape.errors import InputError
from lrshape.samplers.base import Points, SequenceSampler
from lrshape.samplers.registry import SAMPLERS


@SAMPLERS.register("grid")
@dataclass(frozen=True)
class Grid(SequenceSampler):
    """All combinations of equally spaced values, ends included; the seed has no influence.

    Points come in an order in which the first few are already spread over the whole grid.

    Args:
        levels: number of values of each dimension, or of one dimension each; 1 means the middle.

    Raises:
        InputError: if a number of levels is not a whole number of at least 1.

    Example:
        >>> sampler = Grid(levels=(3, 1))
        >>> points, _ = sampler.ask(sampler.init(dimensions=2, seed=0), 10)
        >>> sorted(points.tolist())
        [[0.0, 0.5], [0.5, 0.5], [1.0, 0.5]]
    """

    levels: int | tuple[int, ...] = 5

    def __post_init__(self) -> None:
        if isinstance(self.levels, list):  # as TOML and JSON give it
            object.__setattr__(self, "levels", tuple(self.levels))
        for n in self.levels if isinstance(self.levels, tuple) else (self.levels,):
            if isinstance(n, bool) or not isinstance(n, int) or n < 1:
                raise InputError(f"levels must be whole numbers of at least 1, got {n!r}")

    def start(self, dimensions: int, seed: int) -> None:
        """Keep nothing; the levels have to fit the dimensions."""
        self.shape(dimensions)

    def shape(self, dimensions: int) -> tuple[int, ...]:
        """Return the number of levels of each dimension; their product is the number of points.

        Raises:
            InputError: if levels are given one by one for another number of dimensions.
        """
        if isinstance(self.levels, int):
            return (self.levels,) * dimensions
        if len(self.levels) != dimensions:
            raise InputError(f"levels must be one number or {dimensions}, got {len(self.levels)}")
        return self.levels

    def sequence(self, dimensions: int, seed: int, start: int, count: int) -> Points:
        """Return points ``start`` to ``start + count``, fewer at the end of the grid."""
        shape = self.shape(dimensions)
        total = math.prod(shape)
        stride = _spreading_stride(total)
        points = np.empty((max(0, min(total - start, count)), dimensions))
        for row in range(len(points)):
            cell = (start + row) * stride % total  # Python's integers: a grid may have more points than 2^63
            for column in reversed(range(dimensions)):
                cell, level = divmod(cell, shape[column])
                points[row, column] = level / (shape[column] - 1) if shape[column] > 1 else 0.5
        return points


def _spreading_stride(total: int) -> int:
    """Return a stride that visits each of ``total`` cells once, in steps close to the golden section of it.

    Multiples of the golden section stay far apart for every number of steps.
    """
    stride = max(1, round(total * (math.sqrt(5) - 1) / 2)) if total < 2**53 else total * 618 // 1000
    while math.gcd(stride, total) != 1:
        stride += 1
    return stride
