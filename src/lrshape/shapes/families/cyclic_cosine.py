"""Cosine with restarts."""

import math
from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace, parameter


@FAMILIES.register("cyclic_cosine")
@dataclass(frozen=True, kw_only=True)
class CyclicCosine(WarmupFamily):
    """Equal half cosines, each from a restart down to the floor: m = floor + (1 - floor) restart^k c.

    k = 0, 1, ... counts the cycles done, v in [0, 1] is progress in the present one, c = (1 + cos(pi v))/2.
    The last cycle ends with training, at the floor.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        cycles: a whole number in [1, 6]; 1 is `CosineFloor`.
        floor: value at the end of each cycle, in [0, 0.5].
        restart: by which each restart multiplies the height above the floor, in [0.1, 1].

    Source: Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (arXiv:1608.03983),
    with cycles of equal length.

    Example:
        >>> CyclicCosine(cycles=2, restart=0.5)([0.0, 0.25, 0.5, 0.75, 1.0]).round(6).tolist()
        [1.0, 0.5, 0.5, 0.25, 0.0]
    """

    formula = "floor + (1 - floor) restart^k (1 + cos(pi v))/2, v = cycles u - k"
    cycles: Numeric = parameter(3, 1, 6, scale="integer")
    floor: Numeric = parameter(0.0, 0.0, 0.5)
    restart: Numeric = parameter(1.0, 0.1, 1.0)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        xp = namespace(u, self.cycles, self.floor, self.restart)
        total = u * self.cycles
        done = xp.clip(xp.floor(total), 0.0, self.cycles - 1.0)
        cosine = xp.sin(math.pi / 2 * (1.0 - (total - done))) ** 2
        return self.floor + (1.0 - self.floor) * xp.exp(done * xp.log(self.restart)) * cosine
