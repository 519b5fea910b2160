"""A family's schedules as points of the unit cube, differentiable in its smooth coordinates."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from lrshape.shapes import FAMILIES, evaluate
from lrshape.shapes.family import as_number
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.space import Dimension, Space
from lrshape.shapes.steps import StepRule, progress

Array = NDArray[np.float64]

BASE_LR_RANGE = (1e-4, 1e2)
"""Bounds of the base LR, in units of the objective's `lr_scale`."""


class Cube:
    """The unit cube of a family's searched parameters and, last, the logarithm of the base LR.

    Args:
        family: the family's name.
        space: what is searched of it.
        fixed: values of other parameters.
        scale: the objective's `lr_scale`, see `lrshape.procedure.family_optimum.Objective`.
        steps: training steps.
        step_rule: where in a step the shape is read.

    Attributes:
        dimensions: all coordinates, in order.
        smooth: which coordinates a gradient can move, shape (dimensions,), bool.
    """

    def __init__(
        self,
        family: str,
        space: Space,
        fixed: Mapping[str, Any],
        scale: float,
        steps: int,
        step_rule: StepRule,
    ):
        self.family, self.fixed = FAMILIES[family], dict(fixed)
        self.steps, self.t = steps, progress(steps, step_rule)
        self.step_rule: StepRule = step_rule
        self.space, self.scale = space, scale
        self.base_lr = Dimension("base_lr", scale * BASE_LR_RANGE[0], scale * BASE_LR_RANGE[1], "log")
        self.dimensions = (*space.dimensions, self.base_lr)
        self.smooth = np.array([d.scale in ("linear", "log") and d.high > d.low for d in self.dimensions])
        self._moved = [d for d, smooth in zip(self.dimensions, self.smooth, strict=True) if smooth]
        self._compiled: dict[tuple[Any, ...], Callable[[jax.Array], Any]] = {}

    def lrs(self, points: Array) -> Array:
        """Learning rates, shape (n, steps), of points, shape (n, dimensions)."""
        shapes = evaluate(self.family, {**self.fixed, **self.space.from_unit(points[:, :-1])}, self.t)
        base_lrs = np.asarray(self.base_lr.from_unit(points[:, -1]), np.float64)
        return base_lrs[:, None] * np.broadcast_to(shapes, (len(points), self.steps))

    def schedule(self, point: Array) -> Schedule:
        """The schedule of one point."""
        params = {
            name: as_number(values[0]) for name, values in self.space.from_unit(point[None, :-1]).items()
        }
        base_lr = float(self.base_lr.from_unit(point[-1]))
        return Schedule(self.family.name, {**self.fixed, **params}, base_lr, self.steps, self.step_rule)

    def jacobian(self, point: Array) -> tuple[Array, Array]:
        """Learning rates, (steps,), and their derivatives by the smooth coordinates, (steps, smooth)."""
        pairs = zip(self.dimensions, point, self.smooth, strict=True)
        rest = {d.name: as_number(d.from_unit(unit)) for d, unit, smooth in pairs if not smooth}
        key = tuple(rest.values())
        if key not in self._compiled:
            self._compiled[key] = self._program(rest)
        with jax.enable_x64(True):
            values, derivatives = self._compiled[key](jnp.asarray(point[self.smooth]))
        return np.asarray(values), np.asarray(derivatives)

    def at_edge(self, point: Array) -> tuple[str, ...]:
        """Names of the smooth coordinates that lie at an end of their range."""
        ends = np.minimum(point[self.smooth], 1 - point[self.smooth]) < 1e-9
        return tuple(d.name for d, end in zip(self._moved, ends, strict=True) if end)

    def _program(self, rest: Mapping[str, Any]) -> Callable[[jax.Array], Any]:
        """Compiled learning rates and Jacobian, with the coordinates that do not move at these values."""

        def lrs(units: jax.Array) -> jax.Array:
            values = {d.name: _value(d, units[i]) for i, d in enumerate(self._moved)}
            base_lr = values.pop("base_lr")
            shape = self.family.from_params({**self.fixed, **rest, **values})
            return jnp.broadcast_to(base_lr * shape(jnp.asarray(self.t)), (self.steps,))

        return jax.jit(lambda units: (lrs(units), jax.jacfwd(lrs)(units)))


def _value(dimension: Dimension, unit: jax.Array) -> jax.Array:
    """`Dimension.from_unit` of a linear or log dimension, differentiable."""
    if dimension.scale == "log":
        return dimension.low * jnp.exp(unit * (math.log(dimension.high) - math.log(dimension.low)))
    return dimension.low + unit * (dimension.high - dimension.low)
