"""Interpolation through a few knots, batched over sets of knots and differentiable in them.

Both curves are written as a sum over segments, m = y_0 + sum_k [H_k(s_k) - y_k], where s_k is how much of
segment k has passed, clipped to [0, 1], and H_k is the segment's polynomial: a finished segment adds its
whole rise, one to come adds nothing, and no point has to look for its segment.

Knots may coincide. A segment counts as at least `NARROW` wide, which gives the limit of coinciding knots (a
step, left-continuous) and finite slopes beside it; the interpolant differs from the exact one of knots that
close only inside the step.
"""

from collections.abc import Sequence
from itertools import pairwise

from lrshape.shapes.family import NARROW, Numeric, namespace


def _rises_and_widths(xs: Sequence[Numeric], ys: Sequence[Numeric]) -> tuple[list[Numeric], list[Numeric]]:
    xp = namespace(*xs, *ys)
    widths = [xp.maximum(right - left, NARROW) for left, right in pairwise(xs)]
    rises = [above - below for below, above in pairwise(ys)]
    return rises, widths


def linear(t: Numeric, xs: Sequence[Numeric], ys: Sequence[Numeric]) -> Numeric:
    """Interpolate linearly through the knots.

    Args:
        t: where, an array; outside the knots the end values hold.
        xs: positions of the knots, at least two, each not less than the one before it; numbers or arrays that
            broadcast against ``t``.
        ys: values at the knots, in [0, 1].

    Returns:
        The values, in [0, 1].
    """
    xp = namespace(t, *xs, *ys)
    rises, widths = _rises_and_widths(xs, ys)
    total = ys[0]
    for x, rise, width in zip(xs, rises, widths, strict=False):
        total = total + rise * xp.clip((t - x) * (1.0 / width), 0.0, 1.0)
    return xp.clip(total, 0.0, 1.0)  # the sum's rounding must not leave the range


def pchip(t: Numeric, xs: Sequence[Numeric], ys: Sequence[Numeric]) -> Numeric:
    """Interpolate by a monotone piecewise cubic (PCHIP) through the knots.

    The derivative at an inner knot is the weighted harmonic mean of the slopes beside it, 0 where they differ
    in sign (Fritsch & Butland, "A method for constructing local monotone piecewise cubic interpolants",
    1984); at the ends it is the one-sided three-point estimate, limited to keep the curve monotone. These are
    the rules of ``scipy.interpolate.PchipInterpolator``.

    Args:
        t: where, an array; outside the knots the end values hold.
        xs: positions of the knots, at least three, each not less than the one before it; numbers or arrays
            that broadcast against ``t``.
        ys: values at the knots, in [0, 1].

    Returns:
        The values, in [0, 1].
    """
    xp = namespace(t, *xs, *ys)
    rises, widths = _rises_and_widths(xs, ys)
    # Only derivative x width of the segment enters: `starts[k]` and `ends[k]` are those of segment k.
    starts, ends = [_end_rise(widths[0], widths[1], rises[0], rises[1])], []
    for left in range(len(rises) - 1):
        on_left, on_right = _inner_rises(*widths[left : left + 2], *rises[left : left + 2])
        ends.append(on_left)
        starts.append(on_right)
    ends.append(_end_rise(widths[-1], widths[-2], rises[-1], rises[-2]))
    total = ys[0]
    for x, rise, width, start, end in zip(xs, rises, widths, starts, ends, strict=False):
        s = xp.clip((t - x) * (1.0 / width), 0.0, 1.0)
        total = total + s * (start + s * ((3.0 * rise - 2.0 * start - end) + s * (start + end - 2.0 * rise)))
    return xp.clip(total, 0.0, 1.0)  # the sum's rounding must not leave the range


def _inner_rises(h1: Numeric, h2: Numeric, d1: Numeric, d2: Numeric) -> tuple[Numeric, Numeric]:
    """Return derivative x h1 and derivative x h2 at the knot between segments of widths h and rises d.

    The harmonic mean of the slopes d1/h1 and d2/h2 with weights h1 + 2 h2 and 2 h1 + h2, multiplied out so
    that no slope, which may be infinite, is ever formed.
    """
    xp = namespace(h1, h2, d1, d2)
    a, b = h1 / (h1 + h2), h2 / (h1 + h2)
    below = (1.0 + b) * a * d2 + (1.0 + a) * b * d1
    # Rises below 1e-15 count as none: their quotients would overflow in gradients of float32.
    same_sign = (d1 * d2 > 0.0) & (xp.abs(below) > 1e-15)
    mean = xp.where(same_sign, 3.0 * d1 * d2 / xp.where(same_sign, below, 1.0), 0.0)
    return a * mean, b * mean


def _end_rise(h0: Numeric, h1: Numeric, d0: Numeric, d1: Numeric) -> Numeric:
    """Return derivative x h0 at the free end of a segment (h0, d0) whose inner neighbour is (h1, d1).

    SciPy sets it to 0 where its sign is not the segment's and to 3 slopes where it is larger than that and
    the slopes differ in sign; where they agree it is at most 2 slopes, so that both rules are one clip.
    """
    xp = namespace(h0, h1, d0, d1)
    a, b = h0 / (h0 + h1), h1 / (h0 + h1)
    estimate = (1.0 + a) * d0 - a * a / b * d1
    return xp.clip(estimate, xp.minimum(3.0 * d0, 0.0), xp.maximum(3.0 * d0, 0.0))
