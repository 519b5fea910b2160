"""Families of half cosines: one, with restarts, or up and down again."""

import math
from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Family, Numeric, WarmupFamily, namespace, parameter, passed, power


def root_of_cosine(u: Numeric) -> Numeric:
    """Return the square root of c = (1 + cos(pi u))/2.

    As a sine of 1 - u it is exactly 1 at u = 0 and 0 at u = 1, and keeps its relative precision near the end,
    where 1 + cos cancels: small powers of c would show the difference.
    """
    return namespace(u).sin(math.pi / 2 * (1.0 - u))


@FAMILIES.register("cosine")
@dataclass(frozen=True, kw_only=True)
class Cosine(WarmupFamily):
    """Half a cosine to 0: m = c with c = (1 + cos(pi u))/2.

    Parameters:
        warmup: fraction of training, in [0, 0.3].

    Source: Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (arXiv:1608.03983),
    without restarts.

    Example:
        >>> Cosine()([0.0, 0.5, 1.0]).round(6).tolist()
        [1.0, 0.5, 0.0]
    """

    formula = "(1 + cos(pi u))/2"

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return root_of_cosine(u) ** 2


@FAMILIES.register("generalized_cosine")
@dataclass(frozen=True, kw_only=True)
class GeneralizedCosine(WarmupFamily):
    """A power of half a cosine: m = floor + (1 - floor) c^exponent with c = (1 + cos(pi u))/2.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        exponent: in [0.1, 4], log scale; 1 is `Cosine`, less holds the LR high for longer.
        floor: final value, in [0, 0.5]; 0 and not searched, as in the paper.

    Source: arXiv:2603.10301.

    Example:
        >>> GeneralizedCosine(exponent=2.0)([0.0, 0.5, 1.0]).round(6).tolist()
        [1.0, 0.25, 0.0]
    """

    formula = "floor + (1 - floor) ((1 + cos(pi u))/2)^exponent"
    exponent: Numeric = parameter(1.0, 0.1, 4.0, scale="log")
    floor: Numeric = parameter(0.0, 0.0, 0.5, searched=False)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return self.floor + (1.0 - self.floor) * power(root_of_cosine(u), 2.0 * self.exponent)


@FAMILIES.register("cosine_floor")
@dataclass(frozen=True, kw_only=True)
class CosineFloor(WarmupFamily):
    """Half a cosine to a floor: m = floor + (1 - floor) c with c = (1 + cos(pi u))/2.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        floor: final value, in [0, 0.5].

    Source: Loshchilov & Hutter (arXiv:1608.03983), whose minimal LR is base LR x floor; arXiv:2603.10301.

    Example:
        >>> CosineFloor(floor=0.2)([0.0, 0.5, 1.0]).round(6).tolist()
        [1.0, 0.6, 0.2]
    """

    formula = "floor + (1 - floor) (1 + cos(pi u))/2"
    floor: Numeric = parameter(0.1, 0.0, 0.5)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return self.floor + (1.0 - self.floor) * root_of_cosine(u) ** 2


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
        cosine = root_of_cosine(total - done) ** 2
        return self.floor + (1.0 - self.floor) * xp.exp(done * xp.log(self.restart)) * cosine


@FAMILIES.register("one_cycle")
@dataclass(frozen=True, kw_only=True)
class OneCycle(Family):
    """Half a cosine from ``start`` up to 1 at ``peak``, and half a cosine down to ``end``.

    Up to the peak m = start + (1 - start)(1 - cos(pi t/peak))/2, after it, with v = (t - peak)/(1 - peak),
    m = end + (1 - end)(1 + cos(pi v))/2. There is no other warmup.

    Parameters:
        start: value at t = 0, in [0.001, 1], log scale.
        peak: progress at which m = 1, in [0, 0.6].
        end: value at t = 1, in [0, 0.5].

    Source: Smith & Topin, "Super-convergence" (arXiv:1708.07120), with cosines for their lines, as PyTorch's
    ``OneCycleLR`` has it. The defaults are near its.

    Example:
        >>> OneCycle(start=0.2, peak=0.4)([0.0, 0.2, 0.4, 0.7, 1.0]).round(6).tolist()
        [0.2, 0.6, 1.0, 0.5, 0.0]
    """

    formula = "start + (1 - start)(1 - cos(pi t/peak))/2, then end + (1 - end)(1 + cos(pi v))/2"
    start: Numeric = parameter(0.04, 0.001, 1.0, scale="log")
    peak: Numeric = parameter(0.3, 0.0, 0.6)
    end: Numeric = parameter(0.0, 0.0, 0.5)

    @override
    def multiplier(self, t: Numeric) -> Numeric:
        xp = namespace(t, self.start, self.peak, self.end)
        rise = xp.sin(math.pi / 2 * passed(t, self.peak)) ** 2
        fall = xp.sin(math.pi / 2 * xp.clip((1.0 - t) / (1.0 - self.peak), 0.0, 1.0)) ** 2
        # One of the two factors is always 1.
        return (self.start + (1.0 - self.start) * rise) * (self.end + (1.0 - self.end) * fall)
