"""Shapes that decay as a power of a sine."""

from dataclasses import dataclass

import numpy as np

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace, parameter, power


@FAMILIES.register("half_sine")
@dataclass(frozen=True, kw_only=True)
class HalfSine(WarmupFamily):
    """Decay as a power of a sine: m = sin(pi/2 (1 - u))^exponent.

    Parameters:
        exponent: linear in [1, 4], default 1.

    Source: none.

    Example:
        >>> float(HalfSine()(1.0))
        0.0
    """

    formula = "sin(pi/2 (1 - u))^exponent"

    exponent: Numeric = parameter(1.0, 1.0, 4.0)

    def after_warmup(self, u: Numeric) -> Numeric:
        """The decay."""
        xp = namespace(u, self.exponent)
        return power(xp.sin(np.pi / 2 * (1.0 - u)), self.exponent)
