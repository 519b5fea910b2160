"""Laws of whole loss curves: their parameters are fitted to every logged loss, under priors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.changes import losses_and_gradients
from lrshape.predict.compressed import Stretches, compress
from lrshape.predict.law import FittedLaw
from lrshape.predict.runs import Run, checked_lrs, checked_points

SKIPPED = 0.05
"""Share of a run's steps, at its start, whose losses are left out: no law holds there."""

BINS = 40
"""Losses of a run that a fit sees, each the mean of neighbouring ones."""

MISFIT, MISFIT_GROWTH, MISFIT_LENGTH = 1e-3, 1.0, 1.5
"""Standard deviation of log loss by which a law is wrong at a run's end, how its logarithm grows backwards,
and over which distance errors are alike, both in the logarithm of the step."""

STARTS = (5.0, 100.0)
"""Values of the rate of forgetting from which fits start; the best end is kept."""

CHANGE = 0.9
"""A run tells how changes are forgotten if its LR falls below this share of its largest."""


def is_fitted(run: Run) -> NDArray[np.bool_]:
    """Whether a fit sees each logged loss of a run: those of its first steps are left out."""
    return run.points >= SKIPPED * run.steps


@dataclass(frozen=True, eq=False)
class CurveLaw:
    """A law that is a case of `lrshape.predict.changes.losses_and_gradients`.

    The fit is in units in which the longest run has length 1, and the runs' largest LR and lowest final loss
    are 1. It minimises, by least squares with exact gradients, the squared priors plus the squared errors
    of log loss, whitened by a covariance: the noise of the log, and a misfit that is correlated along
    the curve (exponentially in the logarithm of the step) and grows towards its start, so that a hundred
    logged losses do not count as a hundred facts and the ends count most.

    Attributes:
        name: of the law.
        priors: mean and standard deviation of each fitted parameter's normal prior.
        fixed: the other parameters.

    Example:
        >>> from lrshape.predict.laws.curves import FORCING_MEMORY
        >>> points = np.arange(10, 1001, 10)
        >>> lrs = np.where(np.arange(1000) < 800, 1e-3, 1e-4)
        >>> run = Run("mine", lrs, points, 3 + 2 * points**-0.5 - 0.1 * (points > 850))
        >>> FORCING_MEMORY.fit([run]).predict([np.linspace(1e-3, 0, 1000)]).shape
        (1,)
    """

    name: str
    priors: Mapping[str, tuple[float, float]]
    fixed: Mapping[str, float]

    def fit(self, runs: Sequence[Run]) -> "FittedCurve":
        """Fit the parameters.

        Args:
            runs: at least one, in any order; their order and names do not matter.

        Raises:
            InputError: if these runs cannot identify the law.
        """
        from scipy.optimize import least_squares  # slow to import

        if not any(run.lrs_of_loss[-1] < CHANGE * run.lrs_of_loss.max() for run in runs):
            raise InputError(
                f"the law {self.name} needs a run whose LR falls, at its last logged loss, below "
                f"{CHANGE:g} of its largest, got none in {', '.join(run.name for run in runs)}"
            )
        units = Units(
            max(run.steps for run in runs),
            float(max(run.lrs.max() for run in runs)),
            min(run.final_loss for run in runs),
        )
        if units.loss <= 0:
            raise InputError(f"the law {self.name} needs final losses above 0, got {units.loss:g}")
        if early := [run.name for run in runs if not is_fitted(run).any()]:
            raise InputError(
                f"the law {self.name} needs logged losses after the first {SKIPPED:.0%} of the steps, got "
                f"none in {', '.join(early)}"
            )
        curves = [_Curve.of(run, units) for run in runs]
        for run, curve in zip(runs, curves, strict=True):
            if curve.losses.min() <= 0:
                least = curve.losses.min() * units.loss
                raise InputError(
                    f"the law {self.name} needs logged losses above 0, got {least:g} in {run.name}"
                )
        names = list(self.priors)
        mean, deviation = np.array(list(self.priors.values())).T
        if (count := sum(len(curve.times) for curve in curves)) <= len(names):
            raise InputError(
                f"the law {self.name} needs more than {len(names)} logged losses after the first "
                f"{SKIPPED:.0%} of the steps, got {count}"
            )
        known: dict[bytes, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

        def errors(parameters: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            if (key := parameters.tobytes()) not in known:
                values = {**self.fixed, **dict(zip(names, parameters, strict=True))}
                parts = [curve.errors(values, names) for curve in curves]
                parts.append(((parameters - mean) / deviation, np.diag(1 / deviation)))
                known.clear()  # SciPy asks for residuals and gradients at the same parameters in turn
                known[key] = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
            return known[key]

        rate = names.index("log_rate")
        ends = []
        for start in STARTS:
            first = mean.copy()
            first[rate] = np.log(start)
            ends.append(
                least_squares(
                    lambda x: errors(x)[0],
                    first,
                    lambda x: errors(x)[1],  # pyright: ignore[reportArgumentType] - SciPy takes a function
                    x_scale="jac",
                    ftol=1e-7,
                    max_nfev=150,
                )
            )
        best = min(ends, key=lambda end: end.cost)
        covariance = np.linalg.inv(best.jac.T @ best.jac)  # the priors make it regular
        return FittedCurve(self, units, best.x, covariance)


@dataclass(frozen=True)
class Units:
    """Of a fit's time (in steps), LR and loss."""

    steps: int
    lr: float
    loss: float


@dataclass(frozen=True, eq=False)
class _Curve:
    """What a fit sees of a run, in its units: the losses of bins, and what whitens their errors."""

    schedule: Stretches
    times: NDArray[np.float64]
    losses: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @classmethod
    def of(cls, run: Run, units: Units) -> "_Curve":
        seen = is_fitted(run)
        points, losses = run.points[seen].astype(float), run.losses[seen]
        width = (points[-1] - points[0]) / BINS if len(points) > BINS else 0.0
        bins = np.minimum((points - points[0]) // width, BINS - 1) if width else np.arange(len(points))
        _, bins, counts = np.unique(bins, return_inverse=True, return_counts=True)
        points, losses = np.bincount(bins, points) / counts, np.bincount(bins, losses) / counts
        log = np.log(points)
        misfit = MISFIT * np.exp(MISFIT_GROWTH * (log[-1] - log))
        alike = np.exp(-np.abs(log[:, None] - log) / MISFIT_LENGTH)
        noise = max(run.noise / abs(run.final_loss), 1e-4)
        covariance = misfit[:, None] * alike * misfit + np.diag(noise**2 / counts)
        schedule = compress(run.lrs).scaled(units.steps, units.lr)
        whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        return cls(schedule, points / units.steps, losses / units.loss, whitening)

    def errors(
        self, values: Mapping[str, float], names: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return whitened errors of log loss and their derivatives."""
        losses, gradients = losses_and_gradients(values, names, self.schedule, self.times)
        losses = np.maximum(losses, 1e-3 * self.losses)  # parameters on the way may predict losses below 0
        return self.whitening @ np.log(losses / self.losses), self.whitening @ (gradients / losses[:, None])


@dataclass(frozen=True, eq=False)
class FittedCurve(FittedLaw):
    """A law of curves with its parameters.

    Attributes:
        law: the law.
        units: of the parameters.
        parameters: as in the law's priors, in their order.
        covariance: of the parameters, from the curvature of the fit.
    """

    law: CurveLaw
    units: Units
    parameters: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def draws(self, count: int) -> "list[FittedCurve]":
        """Return the law with parameters drawn from what the fit leaves open."""
        rng = np.random.default_rng(0)
        # Rounding may leave an eigenvalue just below 0.
        drawn = rng.multivariate_normal(self.parameters, self.covariance, size=count, check_valid="ignore")
        return [FittedCurve(self.law, self.units, row, self.covariance) for row in drawn]

    @override
    def final_losses(self, schedules: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        return self.ends([compress(lrs) for lrs in schedules])

    def ends(self, schedules: Sequence[Stretches]) -> NDArray[np.float64]:
        """Return the final losses of compressed schedules, ``(n,)``."""
        return np.array([self._losses(schedule, schedule.end[-1:])[0] for schedule in schedules])

    def curve(self, lrs: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
        """Return one schedule's loss at each point, ``(k,)``.

        Args:
            lrs: the LR of every step from step 0, ``(steps,)``.
            points: numbers of finished steps, ``(k,)``, that rise from at least 1 to at most ``steps``.

        Raises:
            InputError: if a value breaks these rules.
        """
        row = checked_lrs(lrs)
        schedule, given = compress(row), checked_points(points, len(row))
        # The formula needs arrays of points x stretches: a part at a time, so that long logs fit in memory.
        parts = np.array_split(given, 1 + len(given) // 512)
        return np.concatenate([self._losses(schedule, part) for part in parts])

    def _losses(self, schedule: Stretches, points: NDArray[Any]) -> NDArray[np.float64]:
        values = {**self.law.fixed, **dict(zip(self.law.priors, self.parameters, strict=True))}
        scaled = schedule.scaled(self.units.steps, self.units.lr)
        return self.units.loss * losses_and_gradients(values, (), scaled, points / self.units.steps)[0]
