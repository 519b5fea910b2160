"""Shapes of one or several families as points of a unit cube, and as curves that a model can compare."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.procedure.base_lr import SMALLEST_RMS, multiplier_rms
from lrshape.procedure.sampler import Points
from lrshape.procedure.spec import FamilySpec
from lrshape.shapes import FAMILIES, Family, evaluate
from lrshape.shapes.schedule import progress
from lrshape.shapes.space import Dimension

BINS = (0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Ends of the parts of training over which a curve is averaged: short ones where schedules differ quickly."""

_T = progress(200, "midpoint")
_FIRST = np.searchsorted(_T, BINS[:-1])
_COUNTS = np.diff(np.append(_FIRST, len(_T)))


class ShapeSpace:
    """A unit cube whose points are shapes, with a base LR if that is searched too.

    Its coordinates are the family in equal shares (if there are several); the family's parameters in their
    order, of which a family with fewer ignores the last; and the root mean square of the LRs.

    Args:
        families: those searched.
        lr_rms: range of the LRs' root mean square; None if it is not the sampler's concern.
    """

    def __init__(self, families: Sequence[FamilySpec], lr_rms: Dimension | None):
        self.families = tuple(families)
        self.lr_rms_range = lr_rms
        self._spaces = [family.space() for family in families]
        self._first = 1 if len(families) > 1 else 0
        self._parameters = max(len(space) for space in self._spaces)

    def __len__(self) -> int:
        return self._first + self._parameters + (self.lr_rms_range is not None)

    def family(self, points: Points) -> NDArray[np.int64]:
        """Which family each point is of, (n,)."""
        if not self._first:
            return np.zeros(len(points), np.int64)
        return np.minimum((points[:, 0] * len(self.families)).astype(np.int64), len(self.families) - 1)

    def shapes(self, points: Points) -> list[Family]:
        """The shape at every point."""
        found: dict[int, Family] = {}
        for family, rows, columns in self._by_family(points):
            for i, row in enumerate(rows):
                own = {name: values[i] for name, values in columns.items()}
                found[row] = FAMILIES[family.name].from_params({**family.fixed, **own})
        return [found[row] for row in range(len(points))]

    def lr_rms(self, points: Points) -> NDArray[np.float64]:
        """Root mean square of the LRs, (n,), where it is a coordinate."""
        assert self.lr_rms_range is not None
        return self.lr_rms_range.from_unit(points[:, -1])

    def curves(self, points: Points) -> NDArray[np.float64]:
        """What the scores depend on, (n, len(BINS) - 1, and 1 more where there is a base LR).

        Square roots of the LR's means over parts of training, in units of the LR's root mean square: where an
        LR is small its changes matter more. Points that make the same schedule, of one family or of two, have
        the same row, so that a model knows about one what it has learnt about the other.
        """
        values = np.empty((len(points), len(_T)))
        for family, rows, columns in self._by_family(points):
            values[rows] = evaluate(FAMILIES[family.name], {**family.fixed, **columns}, _T)
        rms = np.maximum(np.sqrt(np.mean(values**2, axis=1, keepdims=True)), SMALLEST_RMS)
        means = np.add.reduceat(values, _FIRST, axis=1) / _COUNTS
        # A third to bring them to about the unit interval, as coordinates of the cube are.
        features = np.sqrt(np.maximum(means / rms, 0)) * (2 / 3)
        return features if self.lr_rms_range is None else np.concatenate([features, points[:, -1:]], axis=1)

    def point(self, shape: Family, base_lr: float) -> NDArray[np.float64]:
        """The point of a shape, moved into the cube where it lies outside the ranges that are searched."""
        index = [family.name for family in self.families].index(shape.name)
        own = [
            _unit(dimension, getattr(shape, dimension.name)) for dimension in self._spaces[index].dimensions
        ]
        family = [(index + 0.5) / len(self.families)] if self._first else []
        rms = base_lr * float(multiplier_rms([shape])[0])
        last = [] if self.lr_rms_range is None else [_unit(self.lr_rms_range, rms)]
        return np.array(family + own + [0.5] * (self._parameters - len(own)) + last)

    def _by_family(self, points: Points) -> Iterator[tuple[FamilySpec, NDArray, Mapping[str, NDArray]]]:
        """Each family with its points' rows, and their parameters by name."""
        index = self.family(points)
        for i, (family, space) in enumerate(zip(self.families, self._spaces, strict=True)):
            rows = np.flatnonzero(index == i)
            if len(rows):
                own = points[rows, self._first : self._first + len(space)]
                yield family, rows, space.from_unit(own)


def _unit(dimension: Dimension, value: Any) -> float:
    if dimension.scale == "choice":
        return float(dimension.to_unit(value))
    unit = float(dimension.to_unit(min(max(float(value), dimension.low), dimension.high)))
    return unit if math.isfinite(unit) else 0.5
