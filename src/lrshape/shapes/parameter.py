"""What a family says about one of its parameters, and the check of a value against it."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from lrshape.errors import InputError, shown
from lrshape.shapes.space import Dimension
from lrshape.values import plain, scalar

ParameterScale = Literal["linear", "log", "integer", "choice", "list"]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family.

    Attributes:
        name: the field's name.
        default: value when none is given.
        low: smallest legal value, also the low end of its search range (unused by a ``choice``).
        high: largest legal value (unused by a ``choice``).
        scale: ``linear``, ``log``, ``integer``, ``choice`` (one of ``choices``) or ``list`` (a sequence of
            numbers, each in [low, high]).
        choices: legal values of a ``choice``.
        searched: whether the family's search space contains it.
        share: whether it is a share of all steps, so that a schedule may have it in steps.
        rule: a further check of a ``list``, which raises `InputError`.
    """

    name: str
    default: Any
    low: float = 0.0
    high: float = 1.0
    scale: ParameterScale = "linear"
    choices: tuple[str, ...] = ()
    searched: bool = True
    rule: Callable[[tuple[float, ...]], None] | None = None
    share: bool = False

    @property
    def batched(self) -> bool:
        """Whether a value may be an array that broadcasts against progress."""
        return self.scale not in ("choice", "list")

    @property
    def dimension(self) -> Dimension:
        """The parameter as a dimension of a search space.

        Raises:
            InputError: for a ``list``, which cannot be searched.
        """
        if self.scale == "list":
            raise InputError(f"{self.name} is a list of values: there is nothing to search")
        return Dimension(self.name, self.low, self.high, self.scale, self.choices)

    def validated(self, value: Any) -> Any:
        """Return the value in its plain form: float, int, str, tuple, or a float64 array of the same shape.

        Arrays of other libraries (JAX) pass as they are: while they are traced they hold no number.

        Raises:
            InputError: if the value breaks the parameter's rule.
        """
        if self.scale == "choice":
            if not isinstance(value, str) or value not in self.choices:
                raise InputError(f"{self.name} must be one of {', '.join(self.choices)}, got {shown(value)}")
            return str(value)
        if self.scale == "list":
            return self._list(value)
        if isinstance(value, np.ndarray) and value.ndim > 0:
            return self._array(value)
        if hasattr(value, "__array_namespace__") and not isinstance(value, (np.ndarray, np.generic)):
            return value
        return self._number(value)

    @property
    def _what(self) -> str:
        kind = "a whole number" if self.scale == "integer" else "a number"
        return f"{self.name} must be {kind} in [{self.low:g}, {self.high:g}]"

    def _number(self, value: Any) -> float | int:
        number: Any = scalar(value)
        if not _is_number(number):  # e.g. a tensor on its graph, or a Decimal
            number = plain(number)
        if not _is_number(number):
            raise InputError(f"{self._what}, got {shown(value)}")
        # Compared in the value's own precision: float32(0.3) is a legal 0.3, although above it in float64.
        if not (self.low <= number <= self.high) or (self.scale == "integer" and number % 1 != 0):
            raise InputError(f"{self._what}, got {shown(value)}")
        if self.scale == "integer":
            return int(number)
        return min(max(float(number), self.low), self.high) + 0.0  # + 0.0 turns -0.0 into 0.0

    def _array(self, value: np.ndarray) -> np.ndarray:
        if value.dtype.kind not in "fiu":
            raise InputError(f"{self._what}, got an array of {value.dtype}")
        good = (value >= self.low) & (value <= self.high)
        if self.scale == "integer":
            good &= np.floor(value) == value
        if not good.all():
            raise InputError(f"{self._what}, got {shown(value[~good][0])}")
        return np.clip(value.astype(np.float64), self.low, self.high)

    def _list(self, value: Any) -> tuple[float, ...]:
        value = plain(value)
        what = f"{self.name} must be a non-empty list of numbers in [{self.low:g}, {self.high:g}]"
        if not isinstance(value, list) or not value:
            raise InputError(f"{what}, got {shown(value)}")
        numbers = []
        for item in value:
            if not _is_number(item) or not (self.low <= item <= self.high):
                raise InputError(f"{what}, got {shown(item)} in it")
            numbers.append(float(item) + 0.0)
        if self.rule is not None:
            self.rule(tuple(numbers))
        return tuple(numbers)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: ``name, default, scale, searched`` and ``low, high`` or ``choices``."""
        default = list(self.default) if self.scale == "list" else self.default
        start = {"name": self.name, "default": default, "scale": self.scale, "searched": self.searched}
        if self.scale == "choice":
            return start | {"choices": list(self.choices)}
        return start | {"low": self.low, "high": self.high}


def parameter(
    default: Any,
    low: float = 0.0,
    high: float = 1.0,
    *,
    scale: ParameterScale = "linear",
    choices: tuple[str, ...] = (),
    searched: bool = True,
    rule: Callable[[tuple[float, ...]], None] | None = None,
    share: bool = False,
) -> Any:
    """Declare a parameter: a dataclass field with its default, legal range and scale (see `Parameter`).

    A range has to be finite, with ``low <= default <= high``.
    """
    if scale in ("linear", "log", "integer") and not (
        math.isfinite(low) and math.isfinite(high) and low <= default <= high
    ):
        raise TypeError(f"a parameter needs low <= default <= high, got {low}, {default}, {high}")
    # The name is the field's, which a field learns only when its class is complete.
    declared = Parameter("", default, low, high, scale, choices, searched, rule, share)
    return dataclasses.field(default=default, metadata={"parameter": declared})
