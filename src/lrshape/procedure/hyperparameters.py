"""Hyperparameters that are tuned beside the base LR: their ranges, and the unit cube that they make."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lrshape.settings import Settings
from lrshape.shapes.space import Dimension
from lrshape.store import params_of, text_of

Array = NDArray[np.float64]

MOST = 4
"""Hyperparameters of a study: each costs a share of all trials."""

RESERVED = ("lr", "lrs", "seed", "steps", "base_lr")
"""Names that no hyperparameter can have: trials differ in these anyway."""

WIDENED = 3.0
"""How many times its own width a range may grow on each side; on a log scale, its width in logarithms."""

BEYOND = 0.5
"""How far beyond the best value at the end of a range the next one is tried, as a share of the range."""

EXTENSIONS = 4
"""How often that is done at most, of each hyperparameter of a schedule, in the screen."""

_NAME = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*")


class HyperparameterSpec(Settings):
    """A hyperparameter's range, or its choices; every schedule is judged at its own best value."""

    low: float | None = Field(default=None, description="smallest value of the first ones that are tried")
    high: float | None = Field(default=None, description="largest value of the first ones")
    scale: Literal["linear", "log", "integer"] = Field(
        default="linear", description="linear, log, or integer for whole numbers"
    )
    choices: tuple[Any, ...] = Field(
        default=(), description="numbers, texts, true or false, in place of a range"
    )
    limits: tuple[float, float] | None = Field(
        default=None,
        description="how far the range may widen where the best lies at its edge; default: as far as the "
        "workload's setting allows, but at most three times its width on each side; of a train function or a "
        "command only on a log scale",
    )
    default: Any = Field(
        default=None,
        description="the value that would be used without tuning, which the report compares with; default: "
        "that of the workload's setting, moved into the range; of a train function or a command the middle, "
        "or the first choice",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, values: Any) -> Any:
        """Take ``[low, high]`` and ``[low, high, scale]``, too."""
        if not isinstance(values, list | tuple):
            return values
        if len(values) not in (2, 3):
            raise ValueError(f"must be a table, [low, high] or [low, high, scale], got {list(values)}")
        return dict(zip(("low", "high", "scale"), values, strict=False))

    @model_validator(mode="after")
    def _is_a_range(self) -> "HyperparameterSpec":
        if self.choices:
            if self.low is not None or self.high is not None or self.limits is not None:
                raise ValueError("choices cannot be combined with low, high and limits")
            if len(self.choices) < 2 or len(set(map(repr, self.choices))) < len(self.choices):
                raise ValueError(f"choices must be two or more that differ, got {list(self.choices)}")
            if not all(isinstance(value, int | float | str) for value in self.choices):
                raise ValueError(f"choices must be numbers or texts, got {list(self.choices)}")
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
            inside = self.default is None or (number and least <= self.default <= most)
        if not inside:
            raise ValueError(f"default must be a value that may be tried, got {self.default!r}")
        return self

    def value(self, unit: float) -> Any:
        """The value at a coordinate, 0 and 1 being the ends of the range; numbers have 6 digits."""
        if self.choices:
            return self.choices[int(min(max(unit, 0.0) * len(self.choices), len(self.choices) - 1))]
        low, high = self._ends
        least, most = self.legal
        if self.scale == "integer":
            number = math.floor(low + unit * (high - low + 1))
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
        known = {"limits": self.legal, "default": self.fixed}
        return self.model_copy(update={"low": self.value(low), "high": self.value(high), **known})

    @property
    def legal(self) -> tuple[float, float]:
        """How far values may go."""
        low, high = self._ends
        if self.scale == "log":
            width = (high / low) ** WIDENED
            least, most = low / width, high * width
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
        return min(max(value, low), high)

    @property
    def values(self) -> tuple[Any, ...]:
        """The choices, or the ends of the range."""
        return self.choices or (self.low, self.high)

    @property
    def fixed(self) -> Any:
        """The value without tuning."""
        if self.default is not None:
            return self.default
        return self.choices[0] if self.choices else self.value(0.5)

    @property
    def _ends(self) -> tuple[float, float]:
        return self.low or 0.0, self.high or 0.0  # both are given where there are no choices


class HyperparameterSpace:
    """The unit cube whose points are values of all hyperparameters; beyond it their ranges are widened.

    Args:
        specs: by name.
    """

    def __init__(self, specs: Mapping[str, HyperparameterSpec]):
        self.specs = dict(sorted(specs.items()))

    def __len__(self) -> int:
        return len(self.specs)

    def texts(self, units: Array) -> list[str]:
        """The hyperparameters at each point, (n, dimensions), as the column of a row has them."""
        return [
            text_of({name: one.value(u) for (name, one), u in zip(self.specs.items(), row, strict=True)})
            for row in units.tolist()
        ]

    def units(self, texts: Sequence[str]) -> Array:
        """The inverse of `texts`, (n, dimensions)."""
        rows = [[one.unit(params_of(text)[name]) for name, one in self.specs.items()] for text in texts]
        return np.array(rows, np.float64).reshape(len(texts), len(self))

    def features(self, units: Array) -> Array:
        """What a model compares, (n, features): coordinates, and a column for each choice."""
        columns: list[Array] = []
        for one, column in zip(self.specs.values(), units.T, strict=True):
            if one.choices:
                place = np.minimum((column * len(one.choices)).astype(np.int64), len(one.choices) - 1)
                columns += [np.where(place == i, 0.5, 0.0) for i in range(len(one.choices))]
            else:
                columns.append(one.snapped(column))
        return np.stack(columns, axis=1) if columns else np.empty((len(units), 0))

    def beside(self, text: str, name: str, tried: Sequence[float]) -> dict[float, str]:
        """Values of one hyperparameter to try next, the others as they are, by their coordinates.

        The choices, or the ends of the range, come first; then values beyond an end that is the best one.

        Args:
            text: the best hyperparameters so far.
            name: of the one.
            tried: coordinates of values of it that were tried.
        """
        values = params_of(text)
        one, unit = self.specs[name], self.specs[name].unit(values[name])
        least, most = self.bounds[:, list(self.specs).index(name)]
        if one.choices:
            wanted = [one.unit(value) for value in one.choices]
        elif min(tried) > 0 or max(tried) < 1:
            wanted = [0.0, 1.0]
        else:
            wanted = [unit - BEYOND] if unit <= min(tried) else [unit + BEYOND] if unit >= max(tried) else []
        new = {float(np.clip(u, least, most)): None for u in wanted}
        texts = {
            u: text_of(values | {name: one.value(u)}) for u in new if all(abs(u - v) > 1e-9 for v in tried)
        }
        return {u: other for u, other in texts.items() if other != text}

    def covering(self, texts: Sequence[str]) -> "HyperparameterSpace":
        """The space with ranges so wide that none of these hyperparameters lies at an edge."""
        units = self.units(texts)
        if not len(self) or not len(units):
            return self
        low, high = np.clip(np.stack([units.min(axis=0) - BEYOND, units.max(axis=0) + BEYOND]), *self.bounds)
        return HyperparameterSpace(
            {
                name: one if one.choices else one.widened(min(0.0, low[i]), max(1.0, high[i]))
                for i, (name, one) in enumerate(self.specs.items())
            }
        )

    @property
    def sweep(self) -> int:
        """Values that are tried for a schedule which no sampler chose, before any extension."""
        return sum(len(one.choices) - 1 if one.choices else 2 for one in self.specs.values())

    @property
    def bounds(self) -> Array:
        """Smallest and largest legal coordinates, (2, dimensions)."""
        ends = [(0.0, 1.0) if one.choices else tuple(map(one.unit, one.legal)) for one in self.specs.values()]
        return np.array(ends, np.float64).reshape(len(self), 2).T

    @property
    def fixed(self) -> str:
        """The hyperparameters without tuning, as the column of a row has them."""
        return text_of({name: one.fixed for name, one in self.specs.items()})


def named(tables: Any, prefix: str = "") -> Any:
    """Hyperparameters by their full names, where TOML made tables of the dots in them."""
    if not isinstance(tables, Mapping):
        return tables
    found: dict[str, Any] = {}
    for key, value in tables.items():
        name = f"{prefix}{key}"
        is_name_of_more = isinstance(value, Mapping) and not any(
            k in HyperparameterSpec.model_fields for k in value
        )
        if (
            is_name_of_more
            and all(isinstance(inner, Mapping | list | tuple) for inner in value.values())
            and value
        ):
            found |= named(value, f"{name}.")
        else:
            found[name] = value
    return found


def require_names(names: Sequence[str]) -> None:
    """Raise `ValueError` unless hyperparameters may be called so."""
    if len(names) > MOST:
        raise ValueError(f"at most {MOST} hyperparameters can be tuned, got {len(names)}: {', '.join(names)}")
    for name in names:
        if name in RESERVED:
            raise ValueError(f"{name} cannot be tuned here: every trial has one of its own")
        if not _NAME.fullmatch(name):
            raise ValueError(f"names of hyperparameters must be words with dots between, got {name!r}")
