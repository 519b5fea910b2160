"""Any list of values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.shapes.family import FAMILIES, Family, Numeric, namespace, parameter


def _peaks_at_one(values: tuple[float, ...]) -> None:
    if max(values) != 1.0:
        raise InputError(
            f"values must have maximum 1, got {max(values)!r}: divide them by it and put it into the base LR"
        )


@FAMILIES.register("table")
@dataclass(frozen=True, kw_only=True)
class Table(Family):
    """Any list of values, at equally spaced progress from 0 to 1, and straight lines between them.

    Parameters:
        values: numbers in [0, 1] with maximum 1; a single one is constant. Not searched, and the same for all
            shapes of a batch.

    Source: none; this is how a schedule that is no formula, or somebody else's, is brought in.

    Example:
        >>> Table(values=[0.0, 1.0, 0.5])([0.0, 0.25, 0.5, 1.0]).tolist()
        [0.0, 0.5, 1.0, 0.5]
    """

    formula = "linear interpolation of values[i] at t = i/(len(values) - 1)"
    reaches_one = False
    values: tuple[float, ...] = parameter((1.0, 0.0), scale="list", searched=False, rule=_peaks_at_one)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_array", np.array(self.values))  # for each call it would take too long

    @override
    def multiplier(self, t: Numeric) -> Numeric:
        xp = namespace(t)
        values: Any = vars(self)["_array"] if xp is np else xp.asarray(self.values)
        last = len(self.values) - 1
        place = t * last
        left = xp.clip(xp.floor(place), 0, max(last - 1, 0)).astype(int)
        below, above = values[left], values[xp.minimum(left + 1, last)]
        return below + (place - left) * (above - below)
