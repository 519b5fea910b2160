"""A family whose shapes are searched, as a spec names it."""

from typing import Any

from pydantic import Field, model_validator

from lrshape.settings import Settings, unknown_key
from lrshape.shapes import FAMILIES
from lrshape.shapes.space import Dimension, Space

MAX_SHAPES = 1_000_000


class FamilySpec(Settings):
    """A family to search, by name; some parameters may be fixed, some ranges narrowed or opened."""

    name: str
    shapes: int | None = Field(default=None, ge=1, le=MAX_SHAPES, description="default: screen.shapes")
    fixed: dict[str, Any] = Field(default={}, description="values of parameters that are not searched")
    ranges: dict[str, tuple[float, float]] = Field(
        default={}, description="(low, high) of searched parameters"
    )

    @model_validator(mode="after")
    def _fits_the_family(self) -> "FamilySpec":
        family = FAMILIES[self.name]
        family.from_params(self.fixed)
        parameters = {p.name: p for p in family.parameters()}
        for key, (low, high) in self.ranges.items():
            if key not in parameters:
                raise ValueError(f"{self.name}: {unknown_key(key, parameters)}")
            if key in self.fixed:
                raise ValueError(f"{self.name}: {key} is both fixed and given a range")
            if low > high:
                raise ValueError(
                    f"{self.name}: the range of {key} must begin with its lower end, got [{low:g}, {high:g}]"
                )
            rule = parameters[key]
            if not rule.batched or not rule.low <= low <= high <= rule.high:
                raise ValueError(
                    f"{self.name}: the range of {key} must be within [{rule.low:g}, {rule.high:g}], "
                    f"got [{low:g}, {high:g}]"
                )
        self.space()  # which refuses a fractional range of a whole number
        return self

    def space(self) -> Space:
        """What is searched: the family's space with this spec's ranges, less what is fixed."""
        family = FAMILIES[self.name]
        dimensions = []
        for parameter in family.parameters():
            if parameter.name in self.fixed or not (parameter.searched or parameter.name in self.ranges):
                continue
            rule = parameter.dimension
            low, high = self.ranges.get(parameter.name, (rule.low, rule.high))
            dimensions.append(Dimension(rule.name, low, high, rule.scale, rule.choices))
        return Space(tuple(dimensions))
