"""Search spaces: named dimensions, mapped to and from the unit cube."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, shown

Scale = Literal["linear", "log", "integer", "choice"]


@dataclass(frozen=True)
class Dimension:
    """One searched quantity.

    Args:
        name: the parameter's name.
        low: smallest value (``choice``: ignored).
        high: largest value, at least ``low`` (``choice``: ignored).
        scale: ``linear``; ``log`` (uniform in the logarithm, ``low`` > 0); ``integer`` (whole numbers, both
            ends included); or ``choice`` (one of ``choices``, with equal shares of the unit interval).
        choices: the values of a ``choice``.

    Raises:
        InputError: if the range is empty, not finite, or does not fit the scale.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    scale: Scale = "linear"
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.scale == "choice":
            if not self.choices:
                raise InputError(f"{self.name}: a choice needs at least one value, got none")
            return
        if self.scale not in ("linear", "log", "integer"):
            raise InputError(
                f"{self.name}: scale must be one of linear, log, integer, choice, got {self.scale!r}"
            )
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InputError(
                f"{self.name}: range must be finite with low <= high, got [{self.low}, {self.high}]"
            )
        if self.scale == "log" and self.low <= 0:
            raise InputError(f"{self.name}: a log range must be positive, got [{self.low}, {self.high}]")
        if self.scale == "integer" and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise InputError(f"{self.name}: an integer range has whole ends, got [{self.low}, {self.high}]")

    def from_unit(self, unit: ArrayLike) -> NDArray[Any]:
        """Map numbers in [0, 1], of any shape, to values of this dimension."""
        u = np.asarray(unit, np.float64)
        if self.scale == "choice":
            index = np.minimum((u * len(self.choices)).astype(int), len(self.choices) - 1)
            return np.asarray(self.choices, dtype=object)[index]
        if self.scale == "integer":
            count = self.high - self.low + 1
            return self.low + np.minimum(np.floor(u * count), count - 1)
        if self.scale == "log":
            value = self.low * np.exp(u * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        value = np.where(u == 1.0, self.high, value)  # both ends are exact: rounding might miss the upper one
        return np.clip(value, self.low, self.high)  # rounding must not leave the range

    def to_unit(self, value: ArrayLike) -> NDArray[np.float64]:
        """Inverse of `from_unit`; integers and choices map to the middle of their share."""
        if self.scale == "choice":
            values = np.atleast_1d(np.asarray(value, dtype=object)).ravel().tolist()
            for v in values:
                if v not in self.choices:
                    raise InputError(f"{self.name} must be one of {self.choices}, got {shown(v)}")
            indices = [self.choices.index(v) for v in values]
            unit = (np.asarray(indices, np.float64) + 0.5) / len(self.choices)
            return unit.reshape(np.shape(value))
        v = np.asarray(value, np.float64)
        if self.scale == "integer":
            return (v - self.low + 0.5) / (self.high - self.low + 1)
        if self.low == self.high:
            return np.full(v.shape, 0.5)
        if self.scale == "log":
            return (np.log(v) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (v - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Space:
    """An ordered set of dimensions.

    Example:
        >>> space = Space((Dimension("warmup", 0.0, 0.3), Dimension("beta", 0.01, 10.0, "log")))
        >>> {k: v.tolist() for k, v in space.from_unit([[0.0, 0.0], [1.0, 1.0]]).items()}
        {'warmup': [0.0, 0.3], 'beta': [0.01, 10.0]}
    """

    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        names = [d.name for d in self.dimensions]
        if len(set(names)) != len(names):
            raise InputError(f"dimension names must differ, got {', '.join(names)}")

    def __len__(self) -> int:
        return len(self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions' names, in order."""
        return tuple(d.name for d in self.dimensions)

    def from_unit(self, points: ArrayLike | Sequence[Sequence[float]]) -> dict[str, NDArray[Any]]:
        """Map points in the unit cube, shape ``(n, dimensions)``, to ``{name: values (n,)}``.

        Raises:
            InputError: if the array has another shape or leaves the cube.
        """
        p = np.asarray(points, np.float64)
        if p.ndim != 2 or p.shape[1] != len(self):
            raise InputError(f"points must have shape (n, {len(self)}), got {p.shape}")
        if not np.all((p >= 0) & (p <= 1)):
            raise InputError(f"points must lie in [0, 1], got {p[~((p >= 0) & (p <= 1))][0]}")
        return {d.name: d.from_unit(p[:, i]) for i, d in enumerate(self.dimensions)}

    def to_unit(self, values: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Inverse of `from_unit`: ``{name: values (n,)}`` to points of shape ``(n, dimensions)``."""
        missing = [name for name in self.names if name not in values]
        if missing:
            raise InputError(f"values must name {', '.join(self.names)}, got none for {', '.join(missing)}")
        columns = [np.atleast_1d(d.to_unit(values[d.name])) for d in self.dimensions]
        return np.stack(columns, axis=1) if columns else np.zeros((1, 0))
