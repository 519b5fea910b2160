"""How well the bound predicts the runs that are there: each from the others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lrshape.errors import InputError
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import transfer_sweep

LEAST_RUNS = 3
"""Runs from which they are left out in turn: two that remain give a base LR at all."""


class HeldOut(NamedTuple):
    """A run that was predicted from the others.

    Attributes:
        name: of the run.
        difference: its final loss less that of the best of the others.
        predicted: the same by the law.
        error: standard deviation that the law expected.
    """

    name: str
    difference: float
    predicted: float
    error: float


def held_out(runs: Sequence[Run]) -> list[HeldOut]:
    """Predict each run from the others; nothing for less than `LEAST_RUNS` of them.

    Runs that the law cannot predict from the others, because their LRs lie too far above, are left out.
    """
    if len(runs) < LEAST_RUNS:
        return []
    found = []
    for run in runs:
        others = [other for other in runs if other is not run]
        try:
            forecast = transfer_sweep(others, [run.lrs_of_loss], [[1.0]]).forecasts[0]
        except InputError:
            continue
        difference = run.final_loss - min(other.final_loss for other in others)
        found.append(HeldOut(run.name, difference, forecast.difference, forecast.error))
    return found


def widening(found: Sequence[HeldOut]) -> float:
    """Return the factor, at least 1, on the law's errors that makes them as large as the held-out ones."""
    if not found:
        return 1.0
    return max(1.0, float(np.sqrt(np.mean([((o.difference - o.predicted) / o.error) ** 2 for o in found]))))
