"""Minimise the final loss over the learning rate of every step, and certify what was found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from lrshape.paper.dynamics import Array, Dynamics

CERTIFIED_STEPS = 1000
"""Up to so many steps the Hessian is computed; its cost grows with the cube of their number."""

CONVERGED = 1e-6
"""A projected gradient below this (of the log loss, by learning rates in units of `Dynamics.lr_scale`, at
typical values of 0.01 to 1) promises no more than about a millionth of the loss."""


@dataclass(frozen=True)
class Descent:
    """Where one descent ended.

    Attributes:
        start: the name of where it began.
        lrs: the learning rates, shape (steps,), none negative.
        loss: the final loss.
        gradient: norm of the projected gradient of log(loss) by learning rates in units of ``lr_scale``; a
            learning rate at 0 that the loss would push below 0 does not count.
        evaluations: of the loss and its gradient.
    """

    start: str
    lrs: Array
    loss: float
    gradient: float
    evaluations: int


@dataclass(frozen=True)
class Certificate:
    """Whether a point is a strict local minimum, by the sufficient conditions of the second order.

    Attributes:
        smallest_eigenvalue: of the Hessian of log(loss), learning rates in units of ``lr_scale``, restricted
            to those above 0.
        largest_eigenvalue: of the same.
        smallest_multiplier: least derivative of log(loss) among learning rates at 0; +inf if none is.
        at_zero: how many learning rates are 0.
        improvement: by which fraction the loss would fall at most if it were quadratic with this gradient
            and Hessian: g^T H^-1 g / 2; NaN where the Hessian is not positive definite.
    """

    smallest_eigenvalue: float
    largest_eigenvalue: float
    smallest_multiplier: float
    at_zero: int
    improvement: float

    @property
    def holds(self) -> bool:
        """Whether the Hessian is positive definite, all multipliers are positive, and nothing is left."""
        curved = self.smallest_eigenvalue > 0 and self.smallest_multiplier > 0
        return bool(curved and self.improvement < CONVERGED)


def descend(dynamics: Dynamics, start: str, lrs: Array) -> Descent:
    """Go downhill from a schedule by L-BFGS-B over all learning rates, none of which may become negative.

    Args:
        dynamics: what maps learning rates to the final loss.
        start: a name for the start.
        lrs: the start, shape (steps,); its final loss must be finite.

    Source: Byrd, Lu, Nocedal & Zhu, "A limited memory algorithm for bound constrained optimization" (1995),
    as in SciPy.
    """
    unit = dynamics.lr_scale
    result = minimize(
        scaled_metric(dynamics),
        np.asarray(lrs, np.float64) / unit,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * len(lrs),
        options={"maxiter": 3000, "maxfun": 6000, "maxcor": 40, "ftol": 1e-15, "gtol": 1e-9},
    )
    value, gradient = dynamics.value_and_gradient(unit * result.x)
    left = projected(result.x, unit * gradient)
    return Descent(
        start, unit * result.x, float(np.exp(value)), float(np.linalg.norm(left)), int(result.nfev)
    )


def scaled_metric(dynamics: Dynamics) -> Callable[[Array], tuple[float, Array]]:
    """log(loss) and its gradient by learning rates in units of ``lr_scale``; 1e6 where it overflows."""
    unit = dynamics.lr_scale

    def metric(x: Array) -> tuple[float, Array]:
        value, gradient = dynamics.value_and_gradient(unit * x)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return 1e6, np.zeros_like(x)  # the line search then takes a shorter step
        return value, unit * gradient

    return metric


def projected(x: Array, gradient: Array) -> Array:
    """The gradient without what points out of x >= 0."""
    return np.where((x <= 0) & (gradient > 0), 0.0, gradient)


def certify(dynamics: Dynamics, lrs: Array) -> Certificate | None:
    """Check the sufficient conditions of a local minimum; None above `CERTIFIED_STEPS` steps."""
    if len(lrs) > CERTIFIED_STEPS:
        return None
    unit = dynamics.lr_scale
    _, gradient = dynamics.value_and_gradient(lrs)
    gradient, free = unit * gradient, lrs > 0
    bound = gradient[~free]
    hessian = unit**2 * dynamics.hessian(lrs)[np.ix_(free, free)]
    eigenvalues, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    along = vectors.T @ gradient[free]
    smallest = float(eigenvalues[0])
    improvement = 0.5 * float(np.sum(along**2 / eigenvalues)) if smallest > 0 else float("nan")
    return Certificate(
        smallest,
        float(eigenvalues[-1]),
        float(bound.min()) if bound.size else float("inf"),
        int(bound.size),
        improvement,
    )


def starts(
    steps: int, lr_scale: float, guesses: Mapping[str, Array], count: int, seed: int
) -> dict[str, Array]:
    """Schedules to descend from, by name: two guesses, constants over a decade, and noisy ones.

    Without noise in the batches (B = D) the loss is symmetric in its steps: descents from constants end in a
    saddle then, those from the others do not.

    Args:
        steps: number of steps.
        lr_scale: unit of learning rates, see `Dynamics.lr_scale`.
        guesses: schedules that are good already, best first, each of shape (steps,).
        count: how many to return, at least 1.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    found = {f"best {name}": np.asarray(lrs, np.float64) for name, lrs in list(guesses.items())[:2]}
    for factor in (0.1, 0.3, 0.03):
        found[f"constant {factor * lr_scale:.3g}"] = np.full(steps, factor * lr_scale)
    base = next(iter(guesses.values()), np.full(steps, 0.1 * lr_scale))
    number = 0
    while len(found) < count:
        number += 1
        spread = (0.3, 1.0)[number % 2]
        found[f"noise {number}"] = base * np.exp(spread * rng.standard_normal(steps))
    return dict(list(found.items())[:count])


@dataclass(frozen=True)
class Jaggedness:
    """How far a schedule is from a smooth curve.

    Attributes:
        variation: total variation over the range (maximum minus minimum): 1 for a monotone schedule, 2 for
            one peak.
        maxima: number of local maxima, those at the ends included, that stand out by more than 1% of the
            highest learning rate.
    """

    variation: float
    maxima: int

    @property
    def jagged(self) -> bool:
        """Whether it goes up and down more often than families do at their usual settings."""
        return self.variation > 10


def jaggedness(lrs: Array) -> Jaggedness:
    """Measure how jagged a schedule is.

    Example:
        >>> jaggedness(np.array([0.0, 1.0, 0.5, 1.0, 0.0]))
        Jaggedness(variation=3.0, maxima=2)
    """
    from scipy.signal import find_peaks

    span = float(np.ptp(lrs))
    if span == 0:
        return Jaggedness(0.0, 1)
    padded = np.concatenate([[-span], lrs, [-span]])
    peaks, _ = find_peaks(padded, prominence=0.01 * float(np.max(lrs)))
    return Jaggedness(float(np.abs(np.diff(lrs)).sum()) / span, len(peaks))
