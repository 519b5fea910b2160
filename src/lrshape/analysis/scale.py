"""The scale of a metric: where its noise is about the same for good and bad schedules."""

import numpy as np
from numpy.typing import ArrayLike

from lrshape.analysis.design import Scale
from lrshape.analysis.intervals import Array, penalised
from lrshape.averages import last_word
from lrshape.errors import InputError

_SHARES = ("error", "accuracy")
"""Last parts of the names of metrics that are shares of the examples."""


def choose_scale(metric_name: str, losses: ArrayLike, given: Scale | None = None) -> Scale:
    """Choose the scale of a metric from its name and its values.

    Args:
        metric_name: e.g. ``final/train_error``.
        losses: any shape, lower is better; what is not finite is ignored.
        given: what the user asks for; ignored if the losses do not allow it.

    Returns:
        ``logit`` if the name ends in error or accuracy and all losses lie in [0, 1], or in [-1, 0] as those
        of a maximised accuracy do; else ``log`` if all are above 0; else ``linear``, which is always allowed.

    Example:
        >>> choose_scale("final/train_error@ema-0.1", [0.0, 0.2]), choose_scale("loss", [0.2])
        ('logit', 'log')
    """
    values = np.asarray(losses, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return given or "linear"
    low, high = values.min(), values.max()
    is_share = bool((low >= 0 and high <= 1) or (low >= -1 and high <= 0))
    allowed = {"linear": True, "log": low > 0, "logit": is_share}
    if given and allowed[given]:
        return given
    if is_share and last_word(metric_name) in _SHARES:
        return "logit"
    return "log" if low > 0 else "linear"


def on_scale(losses: ArrayLike, scale: Scale) -> Array:
    """Transform losses to a scale; what is not finite is +inf, and better stays lower.

    A logit of 0 or 1 would be infinite: such a loss is moved by half of the smallest distance that any other
    loss has from it. So give all losses at once.

    Args:
        losses: any shape, lower is better.
        scale: of the metric.

    Returns:
        The same shape.

    Raises:
        InputError: if the scale does not allow a loss.

    Example:
        >>> on_scale([1.0, float("inf")], "log").tolist(), on_scale([-0.5, 0.0], "logit").round(3).tolist()
        ([0.0, inf], [0.0, 1.099])
    """
    values = penalised(losses)
    known = np.isfinite(values)
    finite = values[known]
    if scale != "linear" and len(finite) and choose_scale("", finite, scale) != scale:
        rule = "above 0" if scale == "log" else "in [0, 1] or in [-1, 0]"
        raise InputError(
            f"on the scale {scale} all losses must be {rule}, got {finite.min():g} to {finite.max():g}"
        )
    if scale == "log":
        values[known] = np.log(finite)
    elif scale == "logit":
        values[known] = _logit(finite + 1.0 if finite.min(initial=0.0) < 0 else finite)
    return values


def _logit(shares: Array) -> Array:
    inner = shares[(shares > 0) & (shares < 1)]
    lowest, highest = 0.5 * inner.min(initial=0.5), 1.0 - 0.5 * (1.0 - inner).min(initial=0.5)
    inside = np.clip(shares, max(lowest, np.nextafter(0, 1)), min(highest, np.nextafter(1, 0)))
    return np.log(inside) - np.log1p(-inside)
