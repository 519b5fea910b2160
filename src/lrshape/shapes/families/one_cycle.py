"""One cycle: up and down again."""

import math
from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Family, Numeric, namespace, parameter, passed


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
