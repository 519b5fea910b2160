"""The loss curve of one trial, as workloads give it and studies store it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import shown
from lrshape.values import plain

MAX_POINTS = 100_000
"""Of one curve."""


@dataclass(frozen=True, eq=False)
class LossCurve:
    """Losses on the way, NaN where one was not measured; each attribute has shape (points,).

    Attributes:
        step: int32, how many steps were finished, rising.
        train_loss: float32; of lrshape's own workloads the mean of the batch losses since the point before.
        valid_loss: float32.
    """

    step: NDArray[np.int32]
    train_loss: NDArray[np.float32]
    valid_loss: NDArray[np.float32]


def loss_curve(points: Any, steps: int, what: str) -> LossCurve:
    """Check the points that a trial gave.

    Args:
        points: rows (step, train loss) or (step, train loss, validation loss), also as an array; None is a
            loss that was not measured.
        steps: of the trial.
        what: the beginning of the messages.

    Raises:
        TypeError: if they are no such rows.
        ValueError: if there are more than `MAX_POINTS`, or the steps are not whole numbers from 0 to
            ``steps`` that rise.
    """
    rows = plain(points)
    if not isinstance(rows, list):
        raise TypeError(f"{what} a curve of rows (step, train loss[, validation loss]), got {shown(points)}")
    if len(rows) > MAX_POINTS:
        raise ValueError(f"{what} a curve of at most {MAX_POINTS:,} points, got {len(rows):,}")
    for row in rows:
        if not isinstance(row, list) or len(row) not in (2, 3):
            raise TypeError(f"{what} a curve of rows (step, train loss[, validation loss]), got {shown(row)}")
        if not all(value is None or type(value) in (int, float) for value in row):
            raise TypeError(f"{what} a curve of numbers, got {shown(row)}")
    table = np.array([[*row, None][:3] for row in rows], np.float64).reshape(-1, 3)
    step = table[:, 0]
    wrong = ~((step >= 0) & (step <= steps) & (step == np.floor(step)))
    if wrong.any():
        given = rows[int(wrong.argmax())][0]
        raise ValueError(f"{what} a curve whose steps are whole numbers from 0 to {steps:,}, got {given!r}")
    falls = np.flatnonzero(step[1:] <= step[:-1])
    if len(falls):
        before, after = step[falls[0] : falls[0] + 2]
        raise ValueError(f"{what} a curve whose steps rise, got {after:.0f} after {before:.0f}")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as in metrics
        losses = table[:, 1:].astype(np.float32)
    return LossCurve(step.astype(np.int32), losses[:, 0], losses[:, 1])
