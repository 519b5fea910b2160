"""The tables of a spec: families, the phases, baselines and shapes to start from."""

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
    ranges: dict[str, tuple[float, float]] = Field(default={}, description="(low, high) of what is searched")

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
            rule = parameters[key]
            if not rule.batched or not rule.low <= low <= high <= rule.high:
                raise ValueError(
                    f"{self.name}: the range of {key} must be within [{rule.low:g}, {rule.high:g}], "
                    f"got [{low:g}, {high:g}]"
                )
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


class ScreenSpec(Settings):
    """Phase 1: sampled shapes at the base LRs of the strategy."""

    shapes: int = Field(
        default=64, ge=1, le=MAX_SHAPES, description="shapes a family; on average, where they share"
    )
    seeds: int = Field(default=2, ge=1, le=10_000, description="seeds a shape and base LR")
    share_families: bool = Field(
        default=False, description="families share their shapes: the likelier the best, the more (sampler gp)"
    )
    stop_gain: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="end when less gain, as a share of the score, is expected (sampler gp); 0: never",
    )


class RescoreSpec(Settings):
    """Phase 2: the best shapes again, on fresh seeds and base LRs around their best."""

    top: int = Field(
        default=12,
        ge=1,
        le=MAX_SHAPES,
        description="best shapes over all families; each family's best is always added",
    )
    seeds: int = Field(default=10, ge=1, le=10_000, description="fresh seeds")
    base_lrs: int = Field(
        default=3,
        ge=1,
        le=99,
        description="base LRs within a grid step around a shape's best; 1: the best",
    )
    race: bool = Field(
        default=False, description="after 1, 3, 10, 30, ... seeds go on only with what may still win"
    )
    race_alpha: float = Field(
        default=0.05, gt=0, lt=1, description="chance that a race drops the best of its shapes, at most"
    )


class ConfirmSpec(Settings):
    """Phase 3: the winner, each family's best and the baselines, on seeds that chose nothing."""

    seeds: int = Field(default=20, ge=1, le=10_000, description="fresh seeds; at least 6 for a 95% interval")


class BaselineSpec(Settings):
    """A schedule to compare with; it gets a base-LR sweep of its own."""

    family: str
    params: dict[str, Any] = Field(default={}, description="its parameters; the others take their defaults")

    @model_validator(mode="after")
    def _is_a_shape(self) -> "BaselineSpec":
        FAMILIES[self.family].from_params(self.params)
        return self


class InitialShape(Settings):
    """A shape to start from, at a base LR; the search of its family tries it first."""

    family: str
    params: dict[str, Any] = Field(default={}, description="its parameters; the others take their defaults")
    base_lr: float = Field(gt=0, lt=1e30, description="its base LR")

    @model_validator(mode="after")
    def _is_a_shape(self) -> "InitialShape":
        full = FAMILIES[self.family].from_params(self.params).params
        object.__setattr__(self, "params", full)
        return self


STANDARD_BASELINES = {
    "constant": BaselineSpec(family="constant", params={"warmup": 0.05}),
    "linear": BaselineSpec(family="linear", params={"warmup": 0.05, "floor": 0.0}),
    "cosine": BaselineSpec(family="cosine", params={"warmup": 0.05}),
    "wsd": BaselineSpec(family="wsd", params={"warmup": 0.05, "decay": 0.2, "floor": 0.0, "exponent": 1.0}),
}
