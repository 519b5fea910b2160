"""The unit cube of hyperparameters that are tuned beside the base LR."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lrshape.procedure.curves import curve_features, root_mean_square
from lrshape.procedure.hyperparameters import HyperparameterSpec
from lrshape.procedure.scheduled import curves_at
from lrshape.shapes.schedules import GROUP_LR
from lrshape.store import hyperparameters_of, text_of

Array = NDArray[np.float64]

BEYOND = 0.5
"""How far beyond the best value at the end of a range the next one is tried, as a share of the range."""
SAME = 1e-9
"""Coordinates that are no further apart are of one value."""


class HyperparameterSpace:
    """The unit cube whose points are values of all hyperparameters; beyond it their ranges are widened.

    Each is a coordinate. One that may have schedules is that of their base value; then comes whether it is
    constant, and the parameters of the family.

    Args:
        specs: by name.

    Attributes:
        specs: sorted by name.
        columns: the name of each coordinate's hyperparameter.
    """

    def __init__(self, specs: Mapping[str, HyperparameterSpec]):
        self.specs = dict(sorted(specs.items()))
        self.columns = [name for name, one in self.specs.items() for _ in range(one.width)]
        self._places = {
            name: slice(first := self.columns.index(name), first + one.width)
            for name, one in self.specs.items()
        }

    def __len__(self) -> int:
        return len(self.columns)

    def column(self, name: str) -> int:
        """Which coordinate is that of a hyperparameter's value, or of the base value of its schedule."""
        return self._places[name].start

    def texts(self, units: Array) -> list[str]:
        """The hyperparameters at each point, (n, dimensions), as the column of a row has them."""
        return [
            text_of({name: one.value_at(row[self._places[name]]) for name, one in self.specs.items()})
            for row in units.tolist()
        ]

    def units(self, texts: Sequence[str]) -> Array:
        """The inverse of `texts`, (n, dimensions)."""
        rows = [
            [unit for name, one in self.specs.items() for unit in one.units(hyperparameters_of(text)[name])]
            for text in texts
        ]
        return np.array(rows, np.float64).reshape(len(texts), len(self))

    def features(self, units: Array, lr_curves: Array) -> Array:
        """What a model compares, (n, features).

        Coordinates, and a column for each choice; of what may have a schedule the size, which is the base
        value times the shape's root mean square, and the shape's `curve_features`.

        Args:
            units: points, (n, dimensions).
            lr_curves: multipliers of the learning rate at `PROGRESS`, (n, 200).
        """
        columns: list[Array] = []
        for name, one in self.specs.items():
            own = units[:, self._places[name]]
            if one.shapes is not None:
                constant = lr_curves if name.startswith(GROUP_LR) else np.ones_like(lr_curves)
                curves = curves_at(one.shapes, own[:, 1:], constant)
                low, high = one.values
                size = own[:, 0] + np.log(root_mean_square(curves)) / np.log(high / low)
                columns += [size, *curve_features(curves).T]
            elif one.choices:
                place = np.minimum((own[:, 0] * len(one.choices)).astype(np.int64), len(one.choices) - 1)
                columns += [np.where(place == i, 0.5, 0.0) for i in range(len(one.choices))]
            else:
                columns.append(one.snapped(own[:, 0]))
        return np.stack(columns, axis=1) if columns else np.empty((len(units), 0))

    def beside(self, text: str, name: str, tried: Sequence[float]) -> dict[float, str]:
        """Values of one hyperparameter to try next, the others as they are, by their coordinates.

        The choices, or the ends of the range, come first; then values beyond an end that is the best one.

        Args:
            text: the best hyperparameters so far.
            name: of the one.
            tried: coordinates of values of it that were tried.
        """
        values = hyperparameters_of(text)
        one, unit = self.specs[name], self.specs[name].unit(values[name])
        least, most = self.bounds()[:, self.column(name)]
        low, high = (one.unit(one.value(end)) for end in (0.0, 1.0))
        if one.choices:
            wanted = [one.unit(value) for value in one.choices]
        elif min(tried) > low + SAME or max(tried) < high - SAME:
            wanted = [low, high]
        elif unit <= min(tried) + SAME:
            wanted = [unit - BEYOND]
        else:
            wanted = [unit + BEYOND] if unit >= max(tried) - SAME else []
        found = {}
        for value in (one.value(float(np.clip(at, least, most))) for at in wanted):
            at = one.unit(value)  # not the one asked for: values are rounded
            if all(abs(at - known) > SAME for known in tried):
                found[at] = text_of(values | {name: value})
        return {at: other for at, other in found.items() if other != text}

    def covering(self, texts: Sequence[str]) -> "HyperparameterSpace":
        """The space with ranges so wide that none of these hyperparameters lies at an edge."""
        units = self.units(texts)
        if not len(self) or not len(units):
            return self
        low, high = np.clip(
            np.stack([units.min(axis=0) - BEYOND, units.max(axis=0) + BEYOND]), *self.bounds()
        )
        return HyperparameterSpace(
            {
                name: one if one.choices else one.widened(min(0.0, low[i]), max(1.0, high[i]))
                for name, one in self.specs.items()
                for i in (self.column(name),)
            }
        )

    @property
    def sweep(self) -> int:
        """Values that are tried for a schedule which no sampler chose, before any extension."""
        return sum(len(one.choices) - 1 if one.choices else 2 for one in self.specs.values())

    def bounds(self, constant: bool = False) -> Array:
        """Smallest and largest legal coordinates, (2, dimensions).

        Args:
            constant: whether schedules of hyperparameters are none of them.
        """
        ends: list[tuple[float, float]] = []
        for one in self.specs.values():
            ends.append((0.0, 1.0) if one.choices else (one.unit(one.legal[0]), one.unit(one.legal[1])))
            if one.shapes is not None:
                ends += [(0.0, 0.0 if constant else 1.0)] + [(0.0, 1.0)] * (one.width - 2)
        return np.array(ends, np.float64).reshape(len(self), 2).T

    @property
    def untuned(self) -> str:
        """The hyperparameters without tuning, as the column of a row has them."""
        return text_of({name: one.untuned for name, one in self.specs.items()})
