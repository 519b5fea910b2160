"""Schedules of hyperparameters: a base value times a shape over training, or a number, which is constant.

A row has such a schedule as ``{"family": ..., "params": {...}, "base": 0.1}``. The learning rate of a
group of parameters is relative to the base LR; as a number it is a factor of the schedule of all others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.procedure.curves import PROGRESS
from lrshape.procedure.family_spec import FamilySpec
from lrshape.procedure.trial import Candidate, ShapeRecord, multipliers
from lrshape.shapes import FAMILIES, Family, evaluate
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import GROUP_LR
from lrshape.shapes.space import Dimension
from lrshape.shapes.steps import StepRule
from lrshape.store import params_of

Array = NDArray[np.float64]

CONSTANT = 0.2
"""Share of a scheduled hyperparameter's schedules that are constant."""


def base_of(value: Any) -> Any:
    """What the shape of a hyperparameter is multiplied by."""
    return value["base"] if isinstance(value, Mapping) else value


def shape_of(name: str, value: Any, lr_shape: Family) -> Family:
    """The shape of a hyperparameter, beside a shape of the learning rate."""
    if isinstance(value, Mapping):
        return FAMILIES[value["family"]].from_params(value["params"])
    return lr_shape if name.startswith(GROUP_LR) else FAMILIES["constant"]()


def factor(name: str, value: Any, base_lr: float) -> float:
    """What the shape is multiplied by: the base value, of a group's learning rate relative to the base LR."""
    return float(base_of(value)) * (base_lr if name.startswith(GROUP_LR) else 1.0)


def series(
    name: str,
    values: Sequence[Any],
    candidates: Sequence[Candidate],
    steps: int,
    step_rule: StepRule,
    min_lr: float = 0.0,
) -> Array:
    """A hyperparameter's value at every step, (candidates, steps).

    Args:
        name: of the hyperparameter.
        values: numbers or schedules, one for each candidate.
        candidates: that have them.
        steps: of the training.
        step_rule: where in a step the shapes are read.
        min_lr: the lowest learning rate of the other parameters, which a group's constant factor multiplies.
    """
    pairs = list(zip(values, candidates, strict=True))
    shapes = [shape_of(name, value, one.shape.family) for value, one in pairs]
    factors = np.array([factor(name, value, one.base_lr) for value, one in pairs])
    floors = np.array([value * min_lr if _follows(name, value) else 0.0 for value in values])
    return np.maximum(multipliers(shapes, steps, step_rule) * factors[:, None], floors[:, None])


def _follows(name: str, value: Any) -> bool:
    """Whether it is a group's learning rate that is that of the other parameters times a number."""
    return name.startswith(GROUP_LR) and not isinstance(value, Mapping)


def schedule(name: str, value: Any, lr: Schedule, base_lr: float) -> Schedule:
    """A hyperparameter as a schedule; its base LR is the base value.

    Args:
        name: of the hyperparameter.
        value: a number or a schedule.
        lr: the learning rate's schedule.
        base_lr: of the trial; it is below ``lr.base_lr`` where the lowest LR allowed is above it.
    """
    if _follows(name, value):
        return lr.replace(base_lr=value * lr.base_lr, min_lr=value * lr.min_lr)
    return Schedule(shape_of(name, value, lr.shape), {}, factor(name, value, base_lr), lr.steps, lr.step_rule)


def value_at(family: FamilySpec, base: float, unit: Sequence[float]) -> Any:
    """The value whose base is known at the other coordinates: whether it is constant, and parameters."""
    if unit[0] < CONSTANT:
        return base
    space = family.space()
    found = space.from_unit([unit[1:]])
    own = {one.name: _rounded(one, found[one.name][0]) for one in space.dimensions}
    shape = FAMILIES[family.name].from_params({**family.fixed, **own})
    return {"base": base, "family": family.name, "params": params_of(ShapeRecord("", shape).params)}


def units_of(family: FamilySpec, value: Any) -> list[float]:
    """The inverse of `value_at`; a number has the middle of each parameter's range."""
    space = family.space()
    if not isinstance(value, Mapping):
        return [0.0] + [0.5] * len(space)
    params = FAMILIES[family.name].from_params(value["params"]).params  # with those that have their default
    own = space.to_unit({name: params[name] for name in space.names})[0]
    return [(1 + CONSTANT) / 2, *np.clip(own, 0, 1).tolist()]


def curves_at(family: FamilySpec, units: Array, constant: Array) -> Array:
    """Multipliers at `PROGRESS`, (n, 200), at coordinates, (n, 1 + parameters).

    Args:
        family: that is searched.
        units: see `value_at`.
        constant: multipliers of what is constant, (n, 200).
    """
    curves = constant.copy()
    rows = np.flatnonzero(units[:, 0] >= CONSTANT)
    if len(rows):
        params = {**family.fixed, **family.space().from_unit(units[rows, 1:])}
        curves[rows] = evaluate(FAMILIES[family.name], params, PROGRESS)
    return curves


def _rounded(dimension: Dimension, value: Any) -> Any:
    """A parameter with 6 digits, inside its range."""
    if dimension.scale == "choice":
        return value
    return min(max(float(f"{value:.6g}"), dimension.low), dimension.high)
