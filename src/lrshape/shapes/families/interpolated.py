"""Families that interpolate between knots whose places are searched."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, final

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Family, Numeric, WarmupFamily, namespace, parameter
from lrshape.shapes.interpolation import linear, pchip


@dataclass(frozen=True, kw_only=True)
class _TwoPoint(WarmupFamily):
    """Interpolation through (0, 1), (u1, y1), (u2, y2) and an end at u = 1.

    Positions are stick-breaking fractions of what is left. In progress t the same knots are x0 = warmup,
    x1 = x0 + delta_x1 (1 - x0), x2 = x1 + delta_x2 (1 - x1): the map between u and t is linear, which changes
    neither interpolation. The defaults are the straight line from 1 to 0.
    """

    interpolate: ClassVar[Callable[..., Numeric]] = staticmethod(pchip)
    y_end: ClassVar[Numeric] = 0.0
    y1: Numeric = parameter(2 / 3)
    delta_x1: Numeric = parameter(1 / 3)
    delta_x2: Numeric = parameter(0.5)
    delta_y2: Numeric = parameter(0.5)

    @final
    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        u1 = self.delta_x1
        u2 = u1 + self.delta_x2 * (1.0 - u1)
        y2 = self.delta_y2 * self.y1
        return self.interpolate(u, (0.0, u1, u2, 1.0), (1.0, self.y1, y2, self.y_end * y2))


@FAMILIES.register("two_point_linear")
@dataclass(frozen=True, kw_only=True)
class TwoPointLinear(_TwoPoint):
    """Straight lines through two free points: (warmup, 1), (x1, y1), (x2, y2), (1, 0).

    With x1 = warmup + delta_x1 (1 - warmup), x2 = x1 + delta_x2 (1 - x1), y2 = delta_y2 y1; points that
    coincide in x make a step.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        y1: value at x1, in [0, 1].
        delta_x1: x1 as a fraction of the progress after warmup, in [0, 1].
        delta_x2: x2 as a fraction of the progress after x1, in [0, 1].
        delta_y2: y2 as a fraction of y1, in [0, 1].

    Source: arXiv:2603.10301.

    Example:
        >>> shape = TwoPointLinear(y1=0.8, delta_x1=0.5, delta_x2=0.5, delta_y2=0.5)
        >>> shape([0.25, 0.5, 0.75, 1.0]).round(6).tolist()
        [0.9, 0.8, 0.4, 0.0]
    """

    formula = "linear interpolation of (warmup, 1), (x1, y1), (x2, y2), (1, 0)"
    interpolate = staticmethod(linear)


@FAMILIES.register("two_point_spline")
@dataclass(frozen=True, kw_only=True)
class TwoPointSpline(_TwoPoint):
    """A monotone cubic spline (PCHIP) through two free points: (warmup, 1), (x1, y1), (x2, y2), (1, 0).

    With x1 = warmup + delta_x1 (1 - warmup), x2 = x1 + delta_x2 (1 - x1), y2 = delta_y2 y1; points that
    coincide in x make a step.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        y1: value at x1, in [0, 1].
        delta_x1: x1 as a fraction of the progress after warmup, in [0, 1].
        delta_x2: x2 as a fraction of the progress after x1, in [0, 1].
        delta_y2: y2 as a fraction of y1, in [0, 1].

    Source: arXiv:2603.10301; PCHIP is that of Fritsch & Butland (1984), as in SciPy.

    Example:
        >>> shape = TwoPointSpline(y1=0.8, delta_x1=0.5, delta_x2=0.5, delta_y2=0.5)
        >>> shape([0.25, 0.5, 0.75, 1.0]).round(6).tolist()
        [0.942857, 0.8, 0.4, 0.0]
    """

    formula = "PCHIP through (warmup, 1), (x1, y1), (x2, y2), (1, 0)"


@FAMILIES.register("two_point_spline_floor")
@dataclass(frozen=True, kw_only=True)
class TwoPointSplineFloor(_TwoPoint):
    """A monotone cubic spline (PCHIP) through (warmup, 1), (x1, y1), (x2, y2), (1, y_end y2).

    With x1 = warmup + delta_x1 (1 - warmup), x2 = x1 + delta_x2 (1 - x1), y2 = delta_y2 y1; points that
    coincide in x make a step.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        y1: value at x1, in [0, 1].
        delta_x1: x1 as a fraction of the progress after warmup, in [0, 1].
        delta_x2: x2 as a fraction of the progress after x1, in [0, 1].
        delta_y2: y2 as a fraction of y1, in [0, 1].
        y_end: final value as a fraction of y2, in [0, 1].

    Source: arXiv:2603.10301; PCHIP is that of Fritsch & Butland (1984), as in SciPy.

    Example:
        >>> shape = TwoPointSplineFloor(y1=0.8, delta_x1=0.5, delta_x2=0.5, delta_y2=0.5, y_end=0.5)
        >>> shape([0.5, 0.75, 1.0]).round(6).tolist()
        [0.8, 0.4, 0.2]
    """

    formula = "PCHIP through (warmup, 1), (x1, y1), (x2, y2), (1, y_end y2)"
    y_end: Numeric = parameter(0.1)


@FAMILIES.register("smooth_nonmonotonic")
@dataclass(frozen=True, kw_only=True)
class SmoothNonmonotonic(Family):
    """PCHIP through the knots (0, y_start), (x1, y1), (x2, y2), (x_peak, 1), (1, y_end), sorted by position.

    With x1 = delta_x1 and x2 = x1 + delta_x2 (1 - x1). There is no warmup: the start may be low instead. The
    value is 1 at x_peak, and below it elsewhere; where another knot coincides with the peak the curve jumps
    there, and reaches 1 on one side only.

    Parameters:
        y_start: value at the start, in [0, 1].
        y_end: value at the end, in [0, 1].
        x_peak: progress at which the value is 1, in [0, 1].
        y1: value at x1, in [0, 1].
        delta_x1: x1, in [0, 1].
        y2: value at x2, in [0, 1].
        delta_x2: x2 as a fraction of the progress after x1, in [0, 1].

    Source: arXiv:2603.10301; PCHIP is that of Fritsch & Butland (1984), as in SciPy.

    Example:
        >>> shape = SmoothNonmonotonic(y_start=0.1, x_peak=0.2, delta_x1=0.5, y1=0.5, delta_x2=0.5, y2=0.3)
        >>> shape([0.0, 0.2, 0.5, 0.75, 1.0]).round(6).tolist()
        [0.1, 1.0, 0.5, 0.3, 0.0]
    """

    formula = "PCHIP through the sorted (0, y_start), (x1, y1), (x2, y2), (x_peak, 1), (1, y_end)"
    reaches_one = False
    y_start: Numeric = parameter(0.0)
    y_end: Numeric = parameter(0.0)
    x_peak: Numeric = parameter(0.2)
    y1: Numeric = parameter(0.75)
    delta_x1: Numeric = parameter(0.5)
    y2: Numeric = parameter(0.25)
    delta_x2: Numeric = parameter(0.5)

    @override
    def multiplier(self, t: Numeric) -> Numeric:
        xp = namespace(t, *self.params.values())
        peak, x1 = self.x_peak, self.delta_x1
        x2 = x1 + self.delta_x2 * (1.0 - x1)
        # x1 <= x2 always, so that sorting is only placing the peak; at a tie it comes last.
        before_both, before_second = peak < x1, peak < x2
        xs = (0.0, xp.minimum(peak, x1), xp.maximum(x1, xp.minimum(peak, x2)), xp.maximum(peak, x2), 1.0)
        second = xp.where(before_both, 1.0, self.y1)
        third = xp.where(before_both, self.y1, xp.where(before_second, 1.0, self.y2))
        fourth = xp.where(before_second, self.y2, 1.0)
        return pchip(t, xs, (self.y_start, second, third, fourth, self.y_end))
