"""Move an LR sweep of one shape to other shapes: which shape, at which base LR, and how sure that is."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from lrshape.errors import InputError
from lrshape.predict.laws.convex_bound import ConvexBound, FittedBound, told_unstable
from lrshape.predict.runs import Run, checked_lrs

CAUTION = 0.25
"""Law errors by which a shape must be better: far from what was run, the law errs more."""
LARGEST_STEP = 2.0
"""Highest LR that is suggested, relative to the highest that was run: above it, trainings may diverge."""
MISFIT = 0.01
"""Probability of a worse fit, below which the runs do not follow the law."""
REACH = float(norm.ppf(0.975))
"""Standard deviations from the mean to the end of an interval that holds 95%."""


def interval_95(difference: float, error: float) -> tuple[float, float]:
    """Return where a difference of that standard deviation lies with a probability of 95%."""
    return difference - REACH * error, difference + REACH * error


def chance(difference: float, error: float) -> float:
    """Return the probability that a difference of that standard deviation is below 0."""
    return float(norm.cdf(-difference / error))


class Forecast(NamedTuple):
    """What is expected of one shape at one base LR.

    Attributes:
        shape: its index among those that were asked for.
        base_lr: the factor on its multipliers.
        loss: predicted final loss.
        difference: predicted final loss less that of the best run, or of what is done today.
        error: standard deviation of the difference of two such trainings, noise included.
    """

    shape: int
    base_lr: float
    loss: float
    difference: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """Where the difference lies with a probability of 95%."""
        return interval_95(self.difference, self.error)


class Transfer(NamedTuple):
    """Forecasts of shapes, the one to run first at the front.

    Attributes:
        forecasts: one for each shape, or for each shape and base LR.
        doubts: sentences that say why the forecasts may be wrong; empty where nothing speaks against them.
        fitted: the law that forecasts.
        limit: the highest LR that is suggested.
    """

    forecasts: list[Forecast]
    doubts: list[str]
    fitted: FittedBound
    limit: float


def transfer_sweep(
    runs: Sequence[Run],
    shapes: Iterable[ArrayLike],
    base_lrs: Sequence[ArrayLike] | None = None,
    law: ConvexBound | None = None,
    caution: float = CAUTION,
    today: ArrayLike | None = None,
) -> Transfer:
    """Rank shapes by the convex bound, fitted on the runs that there are.

    The best base LR of a shape is that of the runs' shape, times the ratio of both by the bound. Shapes are
    ranked by the predicted loss plus ``caution`` law errors, so that of two that cannot be told apart the one
    closer to what was run comes first.

    Args:
        runs: at least one; best is an LR sweep of one shape, three LRs or more.
        shapes: multipliers of every step at the horizon that is asked for, rows of ``(steps,)``.
        base_lrs: for each shape those that can be chosen, each ``(k,)``; default: its best one.
        law: default: the law's own exponents.
        caution: law errors by which a shape must be better.
        today: LRs ``(steps,)`` of what differences are to; default: those of the best run.

    Raises:
        InputError: if the runs contradict the law, or every base LR is too high: above `LARGEST_STEP` times
            the LRs run, or too near that of an unstable run.
    """
    if not runs:
        raise InputError("a sweep can be moved to other shapes from at least 1 run, got 0")
    fitted = (law or ConvexBound()).fit(runs)
    terms = [fitted.law.terms(checked_lrs(shape, f"shape {i}")) for i, shape in enumerate(shapes)]
    limit = _highest_lr(fitted)
    candidates = [
        (i, float(base_lr))
        for i, (shape, best) in enumerate(zip(terms, fitted.best_factors(terms), strict=True))
        for base_lr in (np.atleast_1d(base_lrs[i]) if base_lrs else [min(best, limit / shape.peak)])
        if base_lr * shape.peak <= limit * (1 + 1e-9)
    ]
    if not candidates:
        raise InputError(f"a base LR must give LRs of at most {limit:.3g} after these runs")
    chosen = [terms[i].scaled(base_lr, fitted.law.rate) for i, base_lr in candidates]
    origin = None if today is None else fitted.law.terms(checked_lrs(today, "today"))
    mean, law_error, error = fitted.difference(chosen, origin)
    losses = fitted.rows(chosen) @ fitted.coefficients
    order = np.argsort(mean + caution * law_error, kind="stable")
    forecasts = [
        Forecast(
            shape=candidates[j][0],
            base_lr=candidates[j][1],
            loss=float(losses[j]),
            difference=float(mean[j]),
            error=float(error[j]),
        )
        for j in order
    ]
    return Transfer(forecasts, _doubts(fitted), fitted, limit)


def _highest_lr(fitted: FittedBound) -> float:
    """The highest LR that is suggested: below those that were unstable and higher than any stable one."""
    stable, unstable = ([float(run.lrs.max()) for run in runs] for runs in (fitted.runs, fitted.unstable))
    highest = max(stable)
    limits = [float(np.sqrt(highest * peak)) for peak in unstable if peak > highest]
    return min([LARGEST_STEP * highest, *limits])


def _doubts(fitted: FittedBound) -> list[str]:
    """Why a forecast may be wrong, by the runs."""
    runs = fitted.runs
    doubts = told_unstable(fitted.unstable)
    factors = fitted.best_factors([fitted.law.terms(run.lrs_of_loss) for run in runs])
    if len(runs) < 3:
        doubts.append(
            "The best base LR is a guess: lrshape needs at least three finished, stable runs to know it, and "
            f"has {len(runs)}."
        )
    elif factors.min() > 1 or factors.max() < 1:
        side = "above" if factors.min() > 1 else "below"
        stable = " stable" if fitted.unstable else ""  # the unstable ones may lie there
        doubts.append(f"For the shape of your runs, the best base LR lies {side} those of all{stable} runs.")
    return doubts
