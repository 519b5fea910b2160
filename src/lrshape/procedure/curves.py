"""Schedules as curves: what a model compares, whatever family they are of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrshape.procedure.trial import multipliers
from lrshape.shapes import Family
from lrshape.shapes.steps import progress

BINS = (0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Ends of the parts of training over which a curve is averaged: short ones where schedules differ quickly."""

PROGRESS = progress(200, "midpoint")
"""Where curves are read."""

SMALLEST_RMS = 0.02
"""Root mean square below which a shape counts as having this one, so that its base LR stays in bounds."""

_FIRST = np.searchsorted(PROGRESS, BINS[:-1])
_COUNTS = np.diff(np.append(_FIRST, len(PROGRESS)))


def curve_features(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the scores depend on besides the size of the LRs, (n, len(BINS) - 1).

    Square roots of the multiplier's means over parts of training, in units of its root mean square: where an
    LR is small its changes matter more. Shapes that make the same schedule, of one family or of two, have
    the same row, so that a model knows about one what it has learnt about the other.

    Args:
        values: multipliers at `PROGRESS`, (n, 200).
    """
    rms = root_mean_square(values)[:, None]
    means = np.add.reduceat(values, _FIRST, axis=1) / _COUNTS
    # Two thirds to bring them to about the unit interval, as coordinates of the cube are.
    return np.sqrt(np.maximum(means / rms, 0)) * (2 / 3)


def curves_of(shapes: Sequence[Family]) -> NDArray[np.float64]:
    """Shapes' multipliers at `PROGRESS`, (shapes, 200)."""
    return multipliers(shapes, len(PROGRESS), "midpoint")


def multiplier_rms(shapes: Sequence[Family]) -> NDArray[np.float64]:
    """Root mean squares of shapes' multipliers over training, (shapes,), at least `SMALLEST_RMS`."""
    return root_mean_square(curves_of(shapes))


def root_mean_square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean squares of rows, (n,), at least `SMALLEST_RMS`."""
    return np.maximum(np.sqrt(np.mean(values**2, axis=1)), SMALLEST_RMS)
