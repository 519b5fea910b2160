"""Hyperparameters that are tuned beside the base LR: their ranges and names, as a spec says them."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lrshape.errors import shown
from lrshape.procedure import scheduled
from lrshape.procedure.family_spec import FamilySpec
from lrshape.settings import Settings
from lrshape.shapes.space import Dimension

Array = NDArray[np.float64]

MOST = 4
"""Hyperparameters of a study: each costs a share of all trials."""

RESERVED = ("lr", "lrs", "seed", "steps", "base_lr")
"""Names that no hyperparameter can have: trials differ in these anyway."""

WIDENED = 3.0
"""How many times its own width a range may grow on each side; on a log scale, its width in logarithms."""

_WIDEST = 1e100
"""Ratio of a range's ends on a log scale of which a float holds the power `WIDENED`."""

EXTENSIONS = 4
"""How often that is done at most, of each hyperparameter of a schedule, in the screen."""

_NAME = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*")


class HyperparameterSpec(Settings):
    """A hyperparameter's range, or its choices; every schedule is judged at its own best value."""

    low: float | None = Field(default=None, description="smallest value that is tried at first")
    high: float | None = Field(default=None, description="largest value that is tried at first")
    scale: Literal["linear", "log", "integer"] = Field(
        default="linear", description="linear, log, or integer for whole numbers"
    )
    choices: tuple[Any, ...] = Field(
        default=(), description="numbers, texts, true or false, in place of a range"
    )
    limits: tuple[float, float] | None = Field(
        default=None,
        description="how far the range may widen where the best lies at its edge; default: as far as the "
        "workload's setting allows, but at most three times its width on each side; for a train function or "
        "a command only on a log scale",
    )
    default: Any = Field(
        default=None,
        description="the value that would be used without tuning, which the report compares with; default: "
        "that of the workload's setting, moved into the range; for a train function or a command the middle, "
        "or the first choice",
    )
    family: str | None = Field(
        default=None,
        description="family of the schedules that it may have: the range is then that of the base value, "
        "which a shape is multiplied with, on a log scale",
    )
    fixed: dict[str, Any] = Field(default={}, description="values of the family's parameters")
    ranges: dict[str, tuple[float, float]] = Field(
        default={}, description="(low, high) of the family's parameters"
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, values: Any) -> Any:
        """Take ``[low, high]`` and ``[low, high, scale]``, too."""
        if isinstance(values, Mapping) and values.get("family") is not None:
            return {"scale": "log", **values}
        if not isinstance(values, list | tuple):
            return values
        if len(values) not in (2, 3) or any(isinstance(one, str) for one in values[:2]):
            raise ValueError(
                "must be a table, [low, high] or [low, high, scale]; values that are no range of numbers "
                f"need a table with choices; got {list(values)}"
            )
        return dict(zip(("low", "high", "scale"), values, strict=False))

    @model_validator(mode="after")
    def _has_shapes(self) -> "HyperparameterSpec":
        if self.shapes is None and (self.fixed or self.ranges):
            raise ValueError("fixed and ranges need a family")
        if self.shapes is not None and self.choices:
            raise ValueError("choices cannot be combined with family")
        if self.shapes is not None and self.scale != "log":
            raise ValueError(f'the base value of a schedule needs scale = "log", got {self.scale!r}')
        return self

    @model_validator(mode="after")
    def _is_a_range(self) -> "HyperparameterSpec":
        if self.choices:
            if self.low is not None or self.high is not None or self.limits is not None:
                raise ValueError("choices cannot be combined with low, high and limits")
            if not all(isinstance(one, str) or _is_finite(one) for one in self.choices):
                raise ValueError(f"choices must be finite numbers or texts, got {list(self.choices)}")
            # 1, 1.0 and true are equal: a row could not say which of them it has.
            if len(self.choices) < 2 or len(set(self.choices)) < len(self.choices):
                raise ValueError(f"choices must be two or more that differ, got {list(self.choices)}")
            inside = self.default is None or self.default in self.choices
        else:
            if self.low is None or self.high is None:
                raise ValueError("low and high, or choices, must be given")
            if not self.low < self.high:
                raise ValueError(f"low must be less than high, got low = {self.low:g}, high = {self.high:g}")
            Dimension("the range", self.low, self.high, self.scale)
            least, most = self.limits or (self.low, self.high)
            if not least <= self.low < self.high <= most:
                raise ValueError(f"limits must enclose the range, got [{least:g}, {most:g}]")
            number = isinstance(self.default, int | float) and not isinstance(self.default, bool)
            if number and self.scale == "log" and self.default <= 0:
                raise ValueError(f"default must be above 0 on a log scale, got {shown(self.default)}")
            inside = self.default is None or (
                number
                and least <= self.default <= most
                and (self.scale != "integer" or float(self.default).is_integer())
            )
        if not inside:
            raise ValueError(f"default must be a value that may be tried, got {shown(self.default)}")
        return self

    @cached_property
    def shapes(self) -> FamilySpec | None:
        """The shapes that it may have; None if it is constant."""
        if self.family is None:
            return None
        return FamilySpec(name=self.family, fixed=self.fixed, ranges=self.ranges)

    @property
    def width(self) -> int:
        """How many coordinates it has."""
        return 1 if self.shapes is None else 2 + len(self.shapes.space())

    def value_at(self, units: Sequence[float]) -> Any:
        """The value at all coordinates, a schedule perhaps."""
        value = self.value(units[0])
        return value if self.shapes is None else scheduled.value_at(self.shapes, value, units[1:])

    def units(self, value: Any) -> list[float]:
        """The inverse of `value_at`."""
        first = self.unit(scheduled.base_of(value))
        return [first] if self.shapes is None else [first, *scheduled.units_of(self.shapes, value)]

    def value(self, unit: float) -> Any:
        """The value at a coordinate, or the base value of a schedule; 0 and 1 are the ends of the range.

        Numbers have 6 digits.
        """
        if self.choices:
            return self.choices[int(min(max(unit, 0.0) * len(self.choices), len(self.choices) - 1))]
        low, high = self._ends
        least, most = self.legal
        if self.scale == "integer":
            ends_a_share = 1e-9 if unit >= 1 else 0.0
            number = math.floor(low + unit * (high - low + 1) - ends_a_share)
            return int(min(max(number, math.ceil(least)), math.floor(most)))
        number = low * (high / low) ** unit if self.scale == "log" else low + unit * (high - low)
        return min(max(float(f"{number:.6g}"), least), most)

    def unit(self, value: Any) -> float:
        """The inverse of `value`; of a choice or a whole number the middle of its share."""
        if self.choices:
            return (self.choices.index(value) + 0.5) / len(self.choices)
        low, high = self._ends
        return float(Dimension("", low, high, self.scale).to_unit(value))

    def snapped(self, units: Array) -> Array:
        """Coordinates of a range moved to where their values are: whole numbers have one of their own."""
        if self.scale != "integer":
            return units
        low, high = self._ends
        count = high - low + 1
        return (np.floor(units * count) + 0.5) / count

    def widened(self, low: float, high: float) -> "HyperparameterSpec":
        """The range between two coordinates; what is legal, and the value without tuning, stay."""
        known = {"limits": self.legal, "default": self.untuned}
        return self.model_copy(update={"low": self.value(low), "high": self.value(high), **known})

    @property
    def legal(self) -> tuple[float, float]:
        """How far values may go."""
        low, high = self._ends
        if self.scale == "log":
            width = min(high / low, _WIDEST) ** WIDENED
            least, most = max(low / width, min(low, 1e-300)), min(high * width, max(high, 1e300))
        elif self.limits is None:
            return low, high
        else:
            width = WIDENED * (high - low)
            least, most = low - width, high + width
        given = self.limits or (least, most)
        return max(least, given[0]), min(most, given[1])

    def nearest(self, value: Any) -> Any:
        """The value of the range that is nearest to a number; None where nothing is near."""
        if self.choices:
            return value if value in self.choices else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        low, high = self._ends
        found = min(max(value, low), high)
        return int(found) if self.scale == "integer" else found

    @property
    def values(self) -> tuple[Any, ...]:
        """The choices, or the ends of the range."""
        return self.choices or (self.low, self.high)

    @property
    def untuned(self) -> Any:
        """The value without tuning."""
        if self.default is not None:
            return self.default
        return self.choices[0] if self.choices else self.value(0.5)

    @property
    def _ends(self) -> tuple[float, float]:
        return self.low or 0.0, self.high or 0.0  # both are given where there are no choices


def named(tables: Any, prefix: str = "") -> Any:
    """Hyperparameters by their full names, where TOML made tables of the dots in them."""
    if not isinstance(tables, Mapping):
        return tables
    found: dict[str, Any] = {}
    for key, value in tables.items():
        name = f"{prefix}{key}"
        found |= named(value, f"{name}.") if _holds_others(value) else {name: value}
    return found


_COMPOUND = {"choices", "limits", "fixed", "ranges"}
"""What a hyperparameter says in lists and tables."""


def _holds_others(table: Any) -> bool:
    """Whether a table is one of hyperparameters, not a hyperparameter itself."""
    if not isinstance(table, Mapping) or not table or table.keys() & _COMPOUND:
        return False
    return all(isinstance(inner, Mapping | list | tuple) for inner in table.values())


def _is_finite(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def require_names(names: Sequence[str]) -> None:
    """Raise `ValueError` unless hyperparameters may be called so."""
    if len(names) > MOST:
        raise ValueError(f"at most {MOST} hyperparameters can be tuned, got {len(names)}: {', '.join(names)}")
    for name in names:
        if name in RESERVED:
            raise ValueError(f"{name} cannot be tuned here: every trial has one of its own")
        if not _NAME.fullmatch(name):
            raise ValueError(f"names of hyperparameters must be words with dots between, got {name!r}")
