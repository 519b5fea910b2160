"""The smallest difference between two schedules that matters."""

import math

import numpy as np

from lrshape.analysis.design import Scale
from lrshape.analysis.intervals import Array
from lrshape.analysis.scale import on_scale

NORMAL_MAD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


def margin_of_effects(given: float | None, own: Array, scale: Scale) -> float:
    """The margin in the unit of effects: of log ratios on the scale ``log``, else of the metric.

    Args:
        given: in units of the metric; None: half of the own spread over seeds.
        own: the winner's losses, shape ``(seeds,)``, at least one.
        scale: of the metric.

    Returns:
        At least 0; NaN where the winner's losses do not tell.
    """
    if given is None:
        return half_spread(own, scale)
    if scale != "log":
        return given
    median = float(np.median(own))
    return math.log1p(given / median) if math.isfinite(median) else math.nan


def half_spread(losses: Array, scale: Scale) -> float:
    """Half of the standard deviation of finite losses, in the unit of effects, robust against outliers.

    Where half of the losses are equal it is that of all of them, and never below the precision of float32, so
    that schedules without any noise can be equal. NaN without a finite loss.
    """
    values = losses[np.isfinite(losses)]
    if not len(values):
        return math.nan
    precision = float(np.finfo(np.float32).eps)
    if scale == "log":
        values = on_scale(values, "log")
    else:
        precision *= float(np.abs(values).max()) or 1.0
    robust = NORMAL_MAD * float(np.median(np.abs(values - np.median(values))))
    return max(0.5 * (robust or float(np.std(values))), precision)
