"""Half a cosine from 1 down to a floor, and its power."""

import math
from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace, parameter, power


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
