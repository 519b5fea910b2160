"""The member of a family that is nearest to given learning rates, by least squares on progress."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from lrshape.errors import InputError
from lrshape.procedure.family_optimum import Array, best_of_family
from lrshape.shapes import FAMILIES
from lrshape.shapes.cube import Cube
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.space import Space
from lrshape.shapes.steps import StepRule, progress

SEARCHED_STEPS = 500
"""Curves of more steps are thinned to so many points for the search, and used whole to polish its result."""


EXACT = 1e-9
"""A fit whose error is below this is the curve itself."""


@dataclass(frozen=True)
class Fit:
    """A member of a family beside the curve that it was fitted to.

    Attributes:
        schedule: the member.
        error: root of the mean squared difference, as a share of the curve's largest learning rate.
        worst: the largest difference, as the same share.
    """

    schedule: Schedule
    error: float
    worst: float


class Distance:
    """Mean squared difference from target learning rates, shape (steps,), in units of the largest."""

    def __init__(self, target: Array):
        self._target = target

    @property
    def lr_scale(self) -> float:
        """The largest learning rate."""
        return float(self._target.max())

    def losses(self, lrs: Array) -> Array:
        """Of schedules of shape (n, steps); never quite 0, because the search compares by quotients."""
        return np.maximum(np.mean(((lrs - self._target) / self.lr_scale) ** 2, axis=1), 1e-30)

    def value_and_gradient(self, lrs: Array) -> tuple[float, Array]:
        """The distance and its derivatives by the learning rates."""
        left = (lrs - self._target) / self.lr_scale
        return float(np.mean(left**2)), 2 * left / (self.lr_scale * left.size)


def fit(lrs: Array, family: str, *, step_rule: StepRule = "midpoint", shapes: int = 256) -> Fit:
    """Fit a family's parameters and the base LR to learning rates.

    The search is that of `best_of_family`, with the squared difference in place of a trial's loss; from
    where it ends, Gauss-Newton with exact derivatives (a trust region, SciPy's ``least_squares``) goes on.

    Args:
        lrs: the learning rate of every step, shape (steps,), none negative, not all 0.
        family: the family's name; parameters that it does not search keep their defaults.
        step_rule: where in a step the family's shapes are read.
        shapes: how many are tried before the best are refined.

    Raises:
        InputError: if the learning rates are not as said, or the family is a list of values.
    """
    lrs = np.asarray(lrs, np.float64)
    if lrs.ndim != 1 or not np.isfinite(lrs).all() or lrs.min(initial=0.0) < 0 or not lrs.any():
        raise InputError("a fit needs finite learning rates of at least 0, not all 0, of shape (steps,)")
    if not has_fit(family):
        raise InputError(f"{family} holds any list of values, so there is nothing to fit")
    thinned = min(len(lrs), SEARCHED_STEPS)
    target = np.interp(progress(thinned, step_rule), progress(len(lrs), step_rule), lrs)
    distance = Distance(target)
    space = FAMILIES[family].space()
    smooth = Space(tuple(d for d in space.dimensions if d.scale in ("linear", "log")))

    def fitted(fixed: dict[str, Any], tried: int, shakes: int) -> Fit:
        start = best_of_family(
            family,
            distance,
            distance.losses,
            thinned,
            space=smooth,
            fixed=fixed,
            step_rule=step_rule,
            shapes=tried,
            shakes=shakes,
        ).schedule
        schedule = _polished(start, smooth, lrs)
        difference = (schedule.values() - lrs) / lrs.max()
        return Fit(schedule, float(np.sqrt(np.mean(difference**2))), float(np.abs(difference).max()))

    # Whole numbers, of cycles or drops, are tried one by one: no gradient leads from one to the next.
    first = sorted(
        ((fitted(fixed, shapes, 0), fixed) for fixed in _combinations(space)), key=lambda one: one[0].error
    )
    if first[0][0].error < EXACT:
        return first[0][0]
    again = [fitted(fixed, 4 * shapes, 12) for _, fixed in first[:2]]
    return min([first[0][0], *again], key=lambda one: one.error)


def has_fit(family: str) -> bool:
    """Whether a family can be fitted to a curve: lists of values cannot, because they hold any."""
    return all(p.scale != "list" for p in FAMILIES[family].parameters())


def fit_nearest(lrs: Array, families: Sequence[str], *, step_rule: StepRule = "midpoint") -> list[Fit]:
    """Fit several families, see `fit`; the nearest comes first."""
    fits = [fit(lrs, family, step_rule=step_rule) for family in dict.fromkeys(families)]
    return sorted(fits, key=lambda one: one.error)


def _combinations(space: Space) -> list[dict[str, Any]]:
    """All values of the coordinates that are whole numbers or choices, as fixed parameters."""
    values = {
        d.name: list(d.choices) if d.scale == "choice" else list(range(int(d.low), int(d.high) + 1))
        for d in space.dimensions
        if d.scale in ("integer", "choice")
    }
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def _polished(start: Schedule, space: Space, lrs: Array) -> Schedule:
    """The schedule at the bottom of the valley where ``start`` lies, over the steps of ``lrs``."""
    largest = float(lrs.max())
    fixed = {name: value for name, value in start.params.items() if name not in space.names}
    cube = Cube(start.family, space, fixed, largest, len(lrs), start.step_rule)
    units = space.to_unit({name: [start.params[name]] for name in space.names})[0]
    point = np.append(units, cube.base_lr.to_unit(start.base_lr))

    def moved(smooth: Array) -> Array:
        new = point.copy()
        new[cube.smooth] = smooth
        return new

    result = least_squares(
        lambda smooth: (cube.jacobian(moved(smooth))[0] - lrs) / largest,
        point[cube.smooth],
        jac=lambda smooth: cube.jacobian(moved(smooth))[1] / largest,  # pyright: ignore[reportArgumentType]
        bounds=(0.0, 1.0),
        ftol=1e-15,
        xtol=1e-15,
        gtol=1e-15,
        max_nfev=200,
    )
    ends = cube.lrs(np.stack([point, moved(result.x)]))
    better = int(np.argmin(Distance(lrs).losses(ends)))
    return cube.schedule((point, moved(result.x))[better])
