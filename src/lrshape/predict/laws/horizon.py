"""Plain transfer between horizons: what was good at one number of steps is good at another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.law import LAWS, FittedLaw, Law
from lrshape.predict.laws.convex_bound import CURVATURE, LAW_ERROR, RELATIVE_NOISE
from lrshape.predict.runs import Run

Array = NDArray[np.float64]

PROGRESS = 64
"""Points of training progress at which shapes are compared."""
SAME_SHAPE = 0.05
"""Root mean square difference of multipliers, up to which two runs have the same shape."""
LARGEST_POWER = 0.5
"""What the convex bound gives for its worst case: the best base LR is proportional to steps^-1/2."""


@LAWS.register("horizon")
class Horizon(Law):
    """Shapes carry over to another horizon; the best base LR moves by a power of the number of steps.

    With u = log g + power log T, g the peak LR and T the number of steps, relative to the mean of all runs::

        loss = offset[shape] + slope log T - pull[shape] u + curvature u^2 / 2

    A schedule is predicted like the run whose shape is nearest, so that it is what the other laws have to
    beat. All parameters have normal priors; the power, in [0, 1/2], is averaged over its posterior. Its
    prior mean is where the convex bound with rate 1/2 has its best base LR: rate / (1 + rate) = 1/3.

    Raises:
        InputError: if a loss is not above 0; then the priors, which are relative to the loss, mean nothing.
    """

    power: float = Field(default=1 / 3, ge=0, le=LARGEST_POWER, description="prior mean of the power")
    power_sd: float = Field(default=0.15, gt=0, description="prior standard deviation of the power")

    @override
    def fit_runs(self, runs: Sequence[Run], steps: int) -> FittedLaw:
        """Solve the linear regression for each power, and weigh the powers by their evidence."""
        lowest = min(runs, key=lambda run: run.final_loss)
        if lowest.final_loss <= 0:
            raise InputError(
                f"the law {self.name} needs losses above 0, got {lowest.final_loss:.3g} of {lowest.name}"
            )
        return FittedHorizon(self, runs)


class FittedHorizon(FittedLaw):
    """The parameters that runs gave.

    Attributes:
        powers: of the number of steps, a grid ``(p,)``.
        weights: posterior of each power, ``(p,)``.
        coefficients: of `design` for each power, ``(p, 2 + 2 shapes)``.
    """

    def __init__(self, law: Horizon, runs: Sequence[Run]):
        losses = np.array([run.final_loss for run in runs])
        size = float(losses.min())
        self.shapes = _distinct([signature(run.lrs) for run in runs])
        self.centre = np.mean([(np.log(run.lrs.max()), np.log(run.steps)) for run in runs], axis=0)
        steps = np.array([run.steps for run in runs])
        lowest = np.array([losses[steps == own].min() for own in steps])
        variance = (RELATIVE_NOISE * size) ** 2 + (LAW_ERROR * (losses - lowest)) ** 2

        count, curvature = len(self.shapes), CURVATURE[0] * size
        mean = np.concatenate([[0, curvature], np.full(count, losses.mean()), np.zeros(count)])
        spread = np.concatenate([[0.1 * size, curvature], np.full(count, size), np.full(count, curvature)])
        self.powers = np.linspace(0, LARGEST_POWER, 11)
        evidence, self.coefficients = np.empty(len(self.powers)), np.empty((len(self.powers), len(mean)))
        for i, power in enumerate(self.powers):
            x = self.design([run.lrs for run in runs], power)
            covariance = (x * spread**2) @ x.T + np.diag(variance)
            rest = np.linalg.solve(covariance, losses - x @ mean)
            self.coefficients[i] = mean + spread**2 * (x.T @ rest)
            evidence[i] = -((losses - x @ mean) @ rest + np.linalg.slogdet(covariance)[1]) / 2
        evidence -= ((self.powers - law.power) / law.power_sd) ** 2 / 2
        self.weights: Array = np.exp(evidence - evidence.max())
        self.weights /= self.weights.sum()

    @property
    def power(self) -> float:
        """Posterior mean of the power by which the best base LR falls with the number of steps."""
        return float(self.weights @ self.powers)

    def design(self, schedules: Sequence[Array], power: float) -> Array:
        """Return what slope, curvature, offsets and pulls multiply, ``(n, 2 + 2 shapes)``."""
        points = np.array([(np.log(lrs.max()), np.log(len(lrs))) for lrs in schedules]) - self.centre
        strength = points[:, 0] + power * points[:, 1]
        own = np.eye(len(self.shapes))[[self.nearest(lrs) for lrs in schedules]]
        return np.column_stack([points[:, 1], strength**2 / 2, own, -own * strength[:, None]])

    def nearest(self, lrs: Array) -> int:
        """Return which of the shapes that were run is nearest."""
        return int(np.square(self.shapes - signature(lrs)).sum(axis=1).argmin())

    @override
    def final_losses(self, schedules: Sequence[Array]) -> Array:
        each = [
            self.design(schedules, power) @ row
            for power, row in zip(self.powers, self.coefficients, strict=True)
        ]
        return self.weights @ np.array(each)


def signature(lrs: Array) -> Array:
    """Return a schedule's multipliers at points of progress, ``(PROGRESS,)``."""
    steps = len(lrs)
    progress = (np.arange(PROGRESS) + 0.5) / PROGRESS
    return np.interp(progress, (np.arange(steps) + 0.5) / steps, lrs) / lrs.max()


def _distinct(signatures: Sequence[Array]) -> Array:
    """The different shapes, ``(n, PROGRESS)``: the first of each that are the same."""
    found: list[Array] = []
    for each in signatures:
        if all(np.sqrt(np.mean((each - other) ** 2)) > SAME_SHAPE for other in found):
            found.append(each)
    return np.array(found)
