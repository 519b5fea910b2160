"""How small a difference the confirm phase can resolve, on the metric's scale."""

import math

import numpy as np
from numpy.typing import NDArray

from lrshape.analysis.design import Scale
from lrshape.analysis.scale import choose_scale, on_scale
from lrshape.procedure.spec import SearchSpec

MEDIAN = math.sqrt(math.pi / 2)
"""Standard error of a median in units of a mean's, for normal noise."""


def standard_error(noise: float, seeds: int) -> float:
    """Standard error of the median difference of two schedules.

    Args:
        noise: standard deviation of what a seed does to one schedule alone.
        seeds: that both are trained on.
    """
    return MEDIAN * math.sqrt(2 / seeds) * noise


def unit_on_scale(score: float, scale: Scale) -> float:
    """How far one unit of the metric reaches on its scale, near a score that is on the scale.

    Example:
        >>> import math
        >>> round(unit_on_scale(math.log(0.5), "log"), 3), unit_on_scale(0.0, "logit")
        (2.0, 4.0)
    """
    if scale == "log":
        return math.exp(-score)
    if scale == "logit":
        return 2 + math.exp(score) + math.exp(-score)
    return 1.0


def scale_of(spec: SearchSpec, losses: NDArray[np.float64]) -> Scale:
    """The scale of the metric that decides: the spec's, or what fits these values of it."""
    return choose_scale(spec.metric, losses, None if spec.metric_scale == "auto" else spec.metric_scale)


def scaled(spec: SearchSpec, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of the metric that decides on its scale; +inf stays."""
    return on_scale(losses, scale_of(spec, losses))
