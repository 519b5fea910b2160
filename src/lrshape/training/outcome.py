"""What a batch of trials came to, and one call of a user's training code.

Nothing heavy is imported: worker processes import this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Complex, Real
from typing import TYPE_CHECKING, Any

from lrshape.errors import message_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lrshape.loss_curve import LossCurve


class Outcome(dict[str, "NDArray[np.float64]"]):
    """``{metric: values (members,)}``, and how each trial ended.

    Attributes:
        status: ``ok``, ``diverged`` or ``failed``, (members,); of a workload that is called ``diverged`` says
            that the first metric is not finite. Each metric is judged by itself: +inf is what is not finite,
            and all metrics of a trial that failed.
        first_bad_step: the step whose loss showed the divergence, -1 if none, (members,).
        message: the error of a failed trial, else "", (members,).
        curves: the loss curve of each trial, None where there is none, (members,).
    """

    def __init__(
        self,
        metrics: dict[str, NDArray[np.float64]],
        status: NDArray[np.str_],
        first_bad_step: NDArray[np.int64],
        message: list[str],
        curves: Sequence[LossCurve | None] | None = None,
    ):
        super().__init__(metrics)
        self.status = status
        self.first_bad_step = first_bad_step
        self.message = message
        self.curves = [None] * len(message) if curves is None else list(curves)


@dataclass(frozen=True)
class Progress:
    """How far a running batch of trials is.

    Attributes:
        done: share of the steps that are done, in [0, 1].
        diverged: members that have diverged or failed so far.
    """

    done: float
    diverged: int


MESSAGE_LENGTH = 500


@dataclass(frozen=True)
class Result:
    """A trial that returned its scores, or failed with a message.

    Attributes:
        scores: a number for each metric, which need not be finite; None if the trial failed.
        message: why it failed.
        curve: its loss curve, if it gave one.
    """

    scores: dict[str, float] | None
    message: str = ""
    curve: LossCurve | None = None


def failure(error: BaseException) -> Result:
    """A failed trial with an exception's name and text."""
    return Result(None, storable(f"{type(error).__name__}: {message_of(error)}"))


def storable(message: str) -> str:
    """A message of at most `MESSAGE_LENGTH` characters, as text that any file can hold."""
    return message[:MESSAGE_LENGTH].encode("utf-8", "backslashreplace").decode("utf-8")


CURVE = "curve"
"""The name of the loss curve beside the metrics of a trial."""


def full_name(metric: str) -> str:
    """A metric's name as it is stored: ``final/`` goes before a name without a moment."""
    return metric if "/" in metric else f"final/{metric}"


def _short(*metrics: str) -> str:
    """Metrics' names as users write them."""
    return ", ".join(metric.removeprefix("final/") for metric in metrics)


def scores(result: Any, names: Sequence[str], what: str = "train must return") -> dict[str, float]:
    """Check what a trial gave.

    Args:
        result: a number or a mapping of metric names to numbers; metrics that are not asked for are ignored.
            None beside a number in a mapping stands for a metric that this trial does not have, as NaN does.
        names: full names of the metrics.
        what: the beginning of the messages.

    Raises:
        TypeError: if it is neither a number nor a mapping with numbers for all the stated metrics.
    """
    named = result if isinstance(result, Mapping) else {names[0]: result}
    given = {full_name(str(name)): value for name, value in named.items()}
    missing = [name for name in names if name not in given]
    if missing:
        raise TypeError(
            f"{what} the metrics {_short(*names)}; missing: {_short(*missing)}; "
            f"got: {_short(*map(str, named)) or 'none'} (NaN stands for one that a trial does not have)"
        )
    if any(given[name] is not None for name in names):
        given = {name: float("nan") if value is None else value for name, value in given.items()}
    return {name: _number(given[name], f"{what} a number for {_short(name)}") for name in names}


def curve(result: Any, steps: int) -> LossCurve | None:
    """Return the loss curve that a train function returned as ``curve`` among its metrics; None without one.

    Raises:
        TypeError, ValueError: see `lrshape.loss_curve.loss_curve`.
    """
    points = result.get(CURVE) if isinstance(result, Mapping) else None
    if points is None:
        return None
    from lrshape.loss_curve import loss_curve

    return loss_curve(points, steps, "train must return")


def _number(value: Any, rule: str) -> float:
    """A number of any library, also as an array or a tensor that holds nothing else."""
    shape = getattr(value, "shape", None)
    if hasattr(value, "item") and shape is not None:
        if any(size != 1 for size in shape):
            raise TypeError(f"{rule}, got an array of shape {tuple(shape)}")
        from numpy import ma

        value = math.nan if ma.is_masked(value) else value.item()  # what is behind a mask is no result
    if not _is_real(value):
        raise TypeError(f"{rule}, got {value!r:.80}")
    try:
        return float(value)
    except OverflowError:  # a whole number or a fraction beyond the floats
        return math.inf


def _is_real(value: Any) -> bool:
    if isinstance(value, str | bytes | bool) or (isinstance(value, Complex) and not isinstance(value, Real)):
        return False
    return hasattr(value, "__float__")
