"""The last-iterate bound of convex optimisation, with the two exponents that neural networks show."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import chi2
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.law import FittedLaw
from lrshape.predict.runs import Run
from lrshape.settings import Settings

Array = NDArray[np.float64]

RELATIVE_NOISE = 4e-4
"""Standard deviation of a run's final loss, relative to it: 0.0012 of 3 in repeats of language models."""
LAW_ERROR = 0.2
"""How far the law may be off, relative to how much a run is worse than the best one."""
DISTANCE_ERROR = 0.5
"""How far the law may be off between shapes whose best base LRs differ e-fold, relative to the curvature.

The standard deviation grows with the root of the log of their ratio, like a random walk.
"""
CURVATURE = (0.01, 1.0)
"""Prior of the loss's curvature in log(base LR), relative to the loss: median, and sd of its log."""
SPREAD = 1.5
"""Prior standard deviation of log(best base LR / geometric mean of the runs')."""


class Terms(NamedTuple):
    """What the bound needs to know of a schedule.

    Attributes:
        distance: term of the way to go, up to its factor.
        noise: term of the noise that is left, up to its factor.
        peak: the highest LR.
    """

    distance: float
    noise: float
    peak: float

    def scaled(self, factor: float, rate: float) -> "Terms":
        """Return the terms of the schedule whose LRs are ``factor`` times as high."""
        return Terms(self.distance * factor**-rate, self.noise * factor, self.peak * factor)


def bound_terms(lrs: Array, rate: float = 1.0, memory: float = 1.0) -> Terms:
    """Return the terms of the bound, up to their unknown factors.

    With S the sum of the LRs and R_k the sum from step k on::

        loss <= floor + x S^-rate + y sum_k lr_k (lr_k / R_k)^memory

    Theorem 1 of arXiv:2501.18965 (after arXiv:2310.07831) is rate = memory = 1, x = D^2 / 2 and
    y = G^2 / 2, for D the distance to the optimum and G the norm of the gradients, because its second sum
    telescopes to::

        lr_T + sum_{k<T} lr_k^2 / R_{k+1}

    Here a step's own LR is in R_k. Otherwise a schedule whose last LR is tiny would cost without limit; steps
    with LR 0 then cost nothing.

    Args:
        lrs: LR of every step, ``(steps,)``, not all 0.
        rate: of the way to go; 1 is the worst case.
        memory: how fast later steps average noise out; 1 is the worst case.
    """
    moving = lrs[lrs > 0]
    share = moving / np.cumsum(moving[::-1])[::-1]
    return Terms(float(moving.sum() ** -rate), float(moving @ share**memory), float(moving.max()))


class ConvexBound(Settings):
    """loss = floor + x S^-rate + y sum_k lr_k (lr_k / R_k)^memory, of which runs give floor, x and y.

    S is the sum of all LRs and R_k the sum of those from step k on. A base LR g scales the terms by g^-rate
    and g, so that every shape has one best base LR, and the law says by which factor it differs from
    that of another shape, whatever x and y are. That is what one LR sweep can be moved by.

    The theorem (see `bound_terms`) has both exponents 1. They are worst cases: the losses of language models
    of 25M and 400M parameters under nine schedules each (data of arXiv:2503.12811) have rate 0.49 to 0.52
    and memory 1.13 to 1.36. With memory 1, a final LR above 0 costs too little: at 50,000 steps the best
    base LR of a cosine to 10% would be 0.78 of that of a linear decay; in a 124M model it was 0.49, as it is
    with memory 1.25.

    Without runs it ranks schedules, each at its best base LR, by x = y = 1.
    """

    rate: float = Field(default=0.5, gt=0, le=1, description="exponent of the sum of LRs; the theorem has 1")
    memory: float = Field(
        default=1.25, ge=1, le=2, description="exponent by which later steps average noise; the theorem has 1"
    )

    def fit(self, runs: Sequence[Run]) -> "FittedBound":
        """Average over the floor, the best base LR and the curvature, by their posterior.

        Args:
            runs: at least one.

        Raises:
            InputError: where the runs contradict the law whatever floor >= 0, x and y are; see
                `split_unstable`.
        """
        return FittedBound(self, *split_unstable(runs))

    def lowest(self, lrs: Array) -> tuple[float, float]:
        """Return the best factor on all LRs, and the bound there, for floor 0 and x = y = 1."""
        distance, noise, _ = self.terms(lrs)
        factor = (self.rate * distance / noise) ** (1 / (self.rate + 1))
        return factor, distance * factor**-self.rate + noise * factor

    def terms(self, lrs: Array) -> Terms:
        """Return `bound_terms` with these exponents."""
        return bound_terms(lrs, self.rate, self.memory)


def split_unstable(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Return the runs that the bound may describe, and those whose LRs were too high for it.

    A sum of three terms that are not negative cannot grow by more than its fastest term does. A run with more
    noise than another, whose loss is higher by more than that allows, left the region where training is
    stable; the bound knows of no such limit. The theorem's own exponents allow most. A run that diverged left
    it, too.

    Raises:
        InputError: if all runs diverged; or if the loss of a run with less noise is higher by more than its
            way to go allows. No floor >= 0, x and y give such losses, and the bound does not hold: they fall
            to 0 exponentially in the number of steps, as in least squares without label noise.
    """
    losses = np.array([run.final_loss for run in runs])
    diverged = np.isinf(losses)
    if diverged.all():
        raise InputError(f"the bound needs a run that did not diverge, got {len(runs)} that did")
    if losses.min() <= 0:
        return _split(runs, diverged)
    terms = np.array([bound_terms(run.lrs if run.diverged else run.lrs_of_loss)[:2] for run in runs])
    ratios = terms[:, None] / terms
    allowed = np.maximum(1, ratios.max(axis=2)) * (1 + 4 * RELATIVE_NOISE)
    broken = losses[:, None] > losses * allowed
    noisier = ratios[:, :, 1] > ratios[:, :, 0]
    unstable = diverged | (broken & noisier).any(axis=1)
    for worse, better in np.argwhere(broken & ~noisier).tolist():
        if not (unstable[worse] or unstable[better]):
            times = losses[worse] / losses[better]
            raise InputError(
                f"the bound does not hold: the loss of {runs[worse].name} is {times:.5g} times "
                f"that of {runs[better].name}, where it allows {allowed[worse, better]:.5g}"
            )
    return _split(runs, unstable)


def _split(runs: Sequence[Run], unstable: NDArray[np.bool_]) -> tuple[list[Run], list[Run]]:
    return (
        [run for run, left_out in zip(runs, unstable, strict=True) if not left_out],
        [run for run, left_out in zip(runs, unstable, strict=True) if left_out],
    )


def told_unstable(unstable: Sequence[Run]) -> list[str]:
    """Return what users are told of unstable runs, a sentence each."""
    return [
        f"{run.name}, with LRs up to {run.lrs.max():.3g}, "
        f"{f'diverged at step {run.points[-1]:,}' if run.diverged else 'ended higher than the bound allows'} "
        "and is left out."
        for run in unstable
    ]


class Difference(NamedTuple):
    """Predicted final losses less that of another schedule, each ``(n,)``.

    Attributes:
        mean: of the difference.
        law_error: standard deviation, because the law is not exact between shapes; `DISTANCE_ERROR`.
        error: standard deviation of the difference of two runs: this, the noise of both, and what the runs
            leave uncertain of floor, x and y.
    """

    mean: Array
    law_error: Array
    error: Array


class FittedBound(FittedLaw):
    """The bound with the posterior of its floor, x and y.

    Runs count by the noise of a run and by `LAW_ERROR` of how much worse than the best they are: what is
    decided lies near the best. The floor has no prior; the best base LR and the curvature there have weak
    ones, so that two runs, or a sweep whose best run is at its edge, give wide intervals and not nonsense.

    Attributes:
        coefficients: posterior mean of floor, x and y, ``(3,)``, for terms relative to those of the best run.
        covariance: of them, ``(3, 3)``.
        curvature: posterior mean of the second derivative of the loss in log(base LR) at the best one.
        noise: standard deviation of a run's final loss, above 0.
        runs: those that were fitted.
        unstable: those left out; see `split_unstable`.
        misfit: probability that runs which follow the law fit it worse than these; 1 for three or fewer.
    """

    def __init__(self, law: ConvexBound, runs: Sequence[Run], unstable: Sequence[Run] = ()):
        self.law, self.runs, self.unstable = law, runs, unstable
        losses = np.array([run.final_loss for run in runs])
        given = [law.terms(run.lrs_of_loss) for run in runs]
        best = int(losses.argmin())
        self.reference = given[best]
        terms = self.rows(given)[:, 1:]
        strength = np.log(terms[:, 1] / terms[:, 0]) / (law.rate + 1)
        size = max(abs(losses[best]), 1e-12)
        self.noise = RELATIVE_NOISE * size
        variance = self.noise**2 + (LAW_ERROR * (losses - losses[best])) ** 2

        rate = law.rate
        scale, curve = _posterior_grid(strength)
        curvature = np.exp(curve) * size
        x = curvature / (rate * (rate + 1)) * np.exp(rate * scale)
        y = curvature / (rate + 1) * np.exp(-scale)
        rest = losses - np.stack([x, y], axis=1) @ terms.T
        floor = (rest / variance).sum(axis=1) / (1 / variance).sum()
        misfit = ((rest - floor[:, None]) ** 2 / variance).sum(axis=1)
        freedom = len(runs) - 3
        self.misfit = float(chi2.sf(misfit.min(), freedom)) if freedom > 0 else 1.0
        prior = ((scale - strength.mean()) / SPREAD) ** 2
        prior += ((curve - np.log(CURVATURE[0])) / CURVATURE[1]) ** 2
        weight = np.exp(-(misfit + prior - (misfit + prior).min()) / 2)
        weight /= weight.sum()

        drawn = np.stack([floor, x, y])
        self.coefficients: Array = drawn @ weight
        centred = drawn - self.coefficients[:, None]
        self.covariance: Array = (centred * weight) @ centred.T
        self.curvature = float(curvature @ weight)

    def rows(self, terms: Sequence[Terms]) -> Array:
        """Return what the coefficients multiply, ``(n, 3)``: 1 and both terms relative to the best run's."""
        relative = np.array([each[:2] for each in terms]) / self.reference[:2]
        return np.column_stack([np.ones(len(relative)), relative])

    @override
    def final_losses(self, schedules: Sequence[Array]) -> Array:
        return self.rows([self.law.terms(lrs) for lrs in schedules]) @ self.coefficients

    def best_factors(self, terms: Sequence[Terms]) -> Array:
        """Return the factors on all LRs for which predicted final losses are lowest, ``(n,)``."""
        _, x, y = (self.rows(terms) * self.coefficients).T
        return (self.law.rate * x / y) ** (1 / (self.law.rate + 1))

    def difference(self, terms: Sequence[Terms], today: Terms | None = None) -> Difference:
        """Return predicted final losses less that of another schedule (default: of the best run)."""
        today = today or self.reference
        change = self.rows(terms) - self.rows([today])
        fit_error = np.sqrt(np.einsum("ni,ij,nj->n", change, self.covariance, change))
        all_terms = (today, *terms)
        best = np.log(self.best_factors(all_terms) * [each.peak for each in all_terms])
        law_error = DISTANCE_ERROR * self.curvature * np.sqrt(np.abs(best[1:] - best[0]))
        error = np.sqrt(fit_error**2 + law_error**2 + 2 * self.noise**2)
        return Difference(change @ self.coefficients, law_error, error)


def _posterior_grid(strength: Array) -> tuple[Array, Array]:
    """Pairs of log(best base LR / the best run's) and log relative curvature, each ``(n,)``.

    Args:
        strength: log base LRs relative to the best run's; of another shape, that which is as good for it.
    """
    scale = np.linspace(strength.min() - 2 * SPREAD, strength.max() + 2 * SPREAD, 121)
    median, sd = CURVATURE
    curve = np.log(median) + np.linspace(-3, 5, 49) * sd
    grid = np.meshgrid(scale, curve, indexing="ij")
    return grid[0].ravel(), grid[1].ravel()
