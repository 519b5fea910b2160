"""Each family at its exact best: shapes and base LR optimised together against the final loss.

Screen: shapes spread over the family's space, each at base LRs over two and a half decades, by the workload's
own vectorised recursion. Refine: from the best of them, L-BFGS-B in the unit cube of the parameters and the
logarithm of the base LR. Shake: samples around the best at several widths find what a gradient cannot see,
steps of staircases and numbers of cycles, and refine again wherever they do better.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lrshape.procedure.sampler import SAMPLERS
from lrshape.shapes import FAMILIES
from lrshape.shapes.cube import Cube
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.space import Space
from lrshape.shapes.steps import StepRule

Array = NDArray[np.float64]

SCREENED_LRS = np.geomspace(0.03, 10.0, 12)
"""Base LRs of the screen, in units of `Objective.lr_scale`."""

WIDTHS = (0.2, 0.05, 0.01, 0.002)
"""Standard deviations of the shake's samples, in the unit cube."""

Losses = Callable[[Array], Array]
"""Final losses, shape (n,), of schedules, shape (n, steps), to about single precision; +inf if diverged."""


class Objective(Protocol):
    """What a schedule is optimised against: a smooth function of all its learning rates."""

    @property
    def lr_scale(self) -> float:
        """A natural unit of learning rates."""
        ...

    def losses(self, lrs: Array) -> Array:
        """Positive losses, shape (n,), of schedules, shape (n, steps); +inf where they overflow."""
        ...

    def value_and_gradient(self, lrs: Array) -> tuple[float, Array]:
        """A smooth rising function of the loss, and its gradient by the learning rates, shape (steps,)."""
        ...


@dataclass(frozen=True)
class FamilyOptimum:
    """A family's best schedule.

    Attributes:
        schedule: family, parameters, base LR, steps.
        loss: its final loss.
        refined: final losses at which refinements ended that began elsewhere, best first, without equal ones.
        edges: names of parameters that ended at an end of their range.
    """

    schedule: Schedule
    loss: float
    refined: tuple[float, ...]
    edges: tuple[str, ...]

    @property
    def family(self) -> str:
        """The family's name."""
        return self.schedule.family

    @property
    def spread(self) -> float:
        """How much worse than the best the second best refinement is, as a fraction; NaN if there is none."""
        return self.refined[1] / self.refined[0] - 1 if len(self.refined) > 1 else math.nan


def best_of_family(
    family: str,
    dynamics: Objective,
    losses: Losses,
    steps: int,
    *,
    space: Space | None = None,
    fixed: Mapping[str, Any] | None = None,
    step_rule: StepRule = "midpoint",
    shapes: int = 1024,
    refinements: int = 8,
    shakes: int = 6,
    seed: int = 0,
) -> FamilyOptimum:
    """Find a family's best parameters and base LR.

    Args:
        family: the family's name.
        dynamics: what maps learning rates to the final loss.
        losses: a fast approximation of the same for many schedules at once, used to choose where to refine.
        steps: training steps.
        space: what is searched; default: the family's space. An empty one leaves the base LR.
        fixed: values of parameters that are not searched; default: the family's defaults.
        step_rule: where in a step the shape is read.
        shapes: how many are screened.
        refinements: from how many different shapes of the screen L-BFGS-B begins.
        shakes: at most so many rounds of samples around the best.
        seed: of the sampled shapes.
    """
    space = FAMILIES[family].space() if space is None else space
    cube = Cube(family, space, fixed or {}, dynamics.lr_scale, steps, step_rule)
    candidates = _screen(cube, losses, shapes if len(space) else 1, refinements, seed)
    refined = sorted((_refine(cube, dynamics, point) for point in candidates), key=lambda r: r[1])
    ends = [loss for _, loss in refined]
    point, loss = refined[0]
    rng = np.random.default_rng(seed)
    in_vain = 0
    for _ in range(shakes):
        near = np.concatenate([point + w * rng.standard_normal((64, point.size)) for w in WIDTHS])
        near[rng.random(near.shape) < 0.5] = np.nan  # some coordinates stay as they are
        near = np.clip(np.where(np.isnan(near), point, near), 0.0, 1.0)
        here, *found = losses(cube.lrs(np.concatenate([point[None], near])))
        order = np.argsort(found)[:2]
        tries = [_refine(cube, dynamics, near[i]) for i in order if found[i] < here * 1.001]
        better = min(tries, key=lambda r: r[1], default=(point, loss))
        gained = 1 - better[1] / loss
        if gained > 0:
            point, loss = better
        in_vain = 0 if gained > 1e-5 else in_vain + 1
        if in_vain == 2:
            break
    return FamilyOptimum(cube.schedule(point), loss, tuple(sorted({loss, *ends})), cube.at_edge(point))


def _screen(cube: Cube, losses: Losses, shapes: int, count: int, seed: int) -> Array:
    """The best points of the screen, each of another shape, best first, shape (at most count, dimensions)."""
    sampler = SAMPLERS["sobol"]()
    units, _ = sampler.ask(sampler.init(len(cube.space), seed), shapes)
    base_lrs = cube.base_lr.to_unit(cube.scale * SCREENED_LRS)
    points = np.concatenate(
        [np.repeat(units, len(base_lrs), axis=0), np.tile(base_lrs, len(units))[:, None]], axis=1
    )
    table = losses(cube.lrs(points)).reshape(len(units), len(base_lrs))
    order = np.argsort(table.min(axis=1), kind="stable")[:count]
    return np.stack([points[i * len(base_lrs) + table[i].argmin()] for i in order])


def _refine(cube: Cube, dynamics: Objective, start: Array) -> tuple[Array, float]:
    """Go downhill from a point in its smooth coordinates; the end and its final loss."""

    def objective(smooth: Array) -> tuple[float, Array]:
        point = start.copy()
        point[cube.smooth] = smooth
        lrs, jacobian = cube.jacobian(point)
        value, gradient = dynamics.value_and_gradient(lrs)
        gradient = gradient @ jacobian
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return 1e6, np.zeros_like(smooth)
        return value, gradient

    result = minimize(
        objective,
        start[cube.smooth],
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * int(cube.smooth.sum()),
        options={"maxiter": 300, "ftol": 1e-13, "gtol": 1e-8},
    )
    point = start.copy()
    point[cube.smooth] = np.clip(result.x, 0.0, 1.0)
    return point, float(dynamics.losses(cube.lrs(point[None]))[0])
