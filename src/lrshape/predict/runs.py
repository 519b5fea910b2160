"""A training run as laws see it: the LR of every step and the losses that were logged."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError

SAME_STEPS = 1.02
"""Ratio of numbers of steps up to which runs count as equally long: logs end before runs do."""
FINAL_WINDOW = 0.05
"""Share of a run's steps, at its end, from which its final loss is estimated."""


@dataclass(frozen=True, eq=False)
class Run:
    """One training run, from its first step to its last.

    Args:
        name: what messages and pages call it.
        lrs: LR of every step from step 0, warmup included, shape ``(steps,)``, finite, at least 0, not all 0.
        points: how many steps were finished when each loss was logged: whole numbers that rise from at least
            1 to at most ``steps``, shape ``(k,)`` with k at least 1. A loss that is logged after the
            whole run has the point ``steps``.
        losses: finite losses at ``points``, shape ``(k,)``; the last may be inf: the run diverged there.

    Raises:
        InputError: if a value breaks these rules.
    """

    name: str
    lrs: NDArray[np.float64]
    points: NDArray[np.int64]
    losses: NDArray[np.float64]

    def __post_init__(self) -> None:
        lrs = checked_lrs(self.lrs, self.name)
        points = checked_points(self.points, len(lrs), self.name)
        if not lrs[: points[-1]].any():
            raise InputError(f"{self.name}: an LR before the last loss must be above 0, got 0 for all")
        losses = np.array(self.losses, np.float64)
        if losses.shape != points.shape or not (np.isfinite(losses[:-1]).all() and losses[-1] > -np.inf):
            what = f"shape {losses.shape}" if losses.shape != points.shape else "one that is not"
            raise InputError(
                f"{self.name}: needs {len(points)} finite losses, one for each point, got {what}"
            )
        for name, values in (("lrs", lrs), ("points", points), ("losses", losses)):
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @property
    def steps(self) -> int:
        """Number of steps of the whole run; the last loss may have been logged before."""
        return len(self.lrs)

    @property
    def lrs_of_loss(self) -> NDArray[np.float64]:
        """The LRs of the steps before the last loss, which led to it."""
        return self.lrs[: self.points[-1]]

    @property
    def diverged(self) -> bool:
        """Whether its losses ceased to be finite, at the last point."""
        return bool(np.isinf(self.losses[-1]))

    @cached_property
    def noise(self) -> float:
        """Standard deviation of a single logged loss about a smooth curve; 0 where the log is too short.

        Each loss is compared with the line through its two neighbours, in the later half of the log, where
        the curve bends least; the median of the absolute deviations is robust to spikes.
        """
        p, y = self.points[len(self.points) // 2 :], self.losses[len(self.points) // 2 :]
        if len(p) < 3:
            return 0.0
        left = (p[2:] - p[1:-1]) / (p[2:] - p[:-2])
        deviation = y[1:-1] - left * y[:-2] - (1 - left) * y[2:]
        scaled = deviation / np.sqrt(1 + left**2 + (1 - left) ** 2)
        return float(np.median(np.abs(scaled)) / 0.6745)

    @cached_property
    def final_loss(self) -> float:
        """The loss at the last point: the mean of the last m logged losses.

        m has the smallest expected squared error: the noise's variance / m, plus the square of how far the
        curve falls within them, by the slope of a line through the losses in the last 5% of the steps.
        Where the log has little noise, or has less than three losses there, m is 1. A run that diverged has
        inf.
        """
        if self.diverged:
            return np.inf
        last = self.points > self.points[-1] - FINAL_WINDOW * self.steps
        p, y = self.points[last][::-1].astype(float), self.losses[last][::-1]
        if len(p) < 3:
            return float(y[0])
        count = np.arange(1, len(p) + 1)
        slope = np.polyfit(p - p[0], y, 1)[0]
        lag = p[0] - np.cumsum(p) / count
        error = self.noise**2 / count + (slope * lag) ** 2
        return float(y[: 1 + int(error.argmin())].mean())


def equally_long(steps: int, others: int) -> bool:
    """Whether two numbers of steps differ by `SAME_STEPS` at most."""
    return 1 / SAME_STEPS <= steps / others <= SAME_STEPS


def checked_lrs(lrs: ArrayLike, name: str = "lrs") -> NDArray[np.float64]:
    """Return LRs of a whole schedule as float64, shape ``(steps,)``.

    Raises:
        InputError: if they are not one row of finite numbers of at least 0, or all of them are 0.
    """
    values = np.array(lrs, np.float64)
    if values.ndim != 1 or not np.all(np.isfinite(values) & (values >= 0)) or not values.any():
        wrong = (
            f"{len(values)} numbers, of which {_fault(values)}"
            if values.ndim == 1
            else f"shape {values.shape}"
        )
        raise InputError(
            f"{name}: LRs must be one row of finite numbers of at least 0, not all 0, got {wrong}"
        )
    return values


def checked_points(points: ArrayLike, steps: int, name: str = "points") -> NDArray[np.int64]:
    """Return numbers of finished steps as int64, shape ``(k,)``.

    Raises:
        InputError: if there is none, or they do not rise from at least 1 to at most ``steps``.
    """
    given = np.asarray(points)
    values = given.astype(np.int64)
    rises = values.ndim == 1 and len(values) > 0 and values[0] >= 1 and np.all(np.diff(values) > 0)
    if not rises or np.any(values != given) or values[-1] > steps:
        span = f"{given.flat[0]} to {given.flat[-1]}" if given.size else "none"
        raise InputError(f"{name}: points must be whole numbers that rise, from 1 to {steps}, got {span}")
    return values


def _fault(values: NDArray[np.float64]) -> str:
    wrong = values[~(np.isfinite(values) & (values >= 0))]
    return f"one is {wrong[0]:g}" if len(wrong) else "all are 0"
