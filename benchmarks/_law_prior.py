"""A law as the prior mean of a search's Gaussian process: tried, measured, and not part of lrshape.

The law is forcing memory (`lrshape.predict.laws.forcing_memory`), fitted to the better half of the scores
that the search has, so that no curves are needed. The process learns what is left of the scores after a share
of the law's prediction: of none, a half and all of it the one under which the scores are most probable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr
from scipy.optimize import least_squares

from lrshape.procedure.curves import BINS
from lrshape.procedure.gaussian_process import GaussianProcess
from lrshape.procedure.landscape import Landscape
from lrshape.procedure.sampler import SAMPLERS, Bend, History, Points, Scale
from lrshape.procedure.samplers.gp import GP

Array = NDArray[np.float64]
Law = Callable[[Array], Array]

SHARES = (0.0, 0.5, 1.0)
DOUBT = 2.0
"""By how much the log probability of the scores must be higher for a share of a law than for none."""

LEAST = 16
"""Scores that a law is fitted to, at least."""

MISFIT = 0.02
"""Standard deviation of a log score about the law."""

PRIORS = {
    "floor": (-1.0, 3.0),
    "progress": (-1.5, 3.0),
    "alpha": (-0.84, 1.4),
    "forcing": (-3.3, 3.0),
    "rate": (5.0, 4.0),
    "beta": (-0.9, 2.0),
    "clock": (0.5, 0.6),
    "level": (0.83, 0.6),
}
"""Mean and standard deviation; logarithms, but for the exponents ``clock`` and ``level``.

The means are those of language models, which `lrshape.predict` has; here they say little.
"""


def fit_law(lrs: Array, widths: Array, scores: Array) -> Law:
    """Fit forcing memory to final scores.

    Args:
        lrs: mean LR of each part of training, (n, parts).
        widths: of the parts, as shares of training, (parts,).
        scores: logarithms of the final losses, (n,).

    Returns:
        ``law(lrs (m, parts)) -> (m,)``, predicted logarithms of final losses.
    """
    unit, low = np.exp(np.log(lrs.max(axis=1)).mean()), scores.min()
    mean, deviation = np.array(list(PRIORS.values())).T
    relative = np.maximum(lrs / unit, 1e-9)

    def errors(parameters: Array) -> Array:
        misfits = _log_losses(parameters, relative, widths) - (scores - low)
        return np.concatenate([misfits / MISFIT, (parameters - mean) / deviation])

    ends = []
    for rate in (3.0, 6.0):
        start = np.where(np.array(list(PRIORS)) == "rate", rate, mean)
        limits = mean - 4 * deviation, mean + 4 * deviation
        ends.append(least_squares(errors, start, bounds=limits, x_scale=deviation, max_nfev=25))
    best = min(ends, key=lambda end: end.cost).x
    return lambda given: low + _log_losses(best, np.maximum(given / unit, 1e-9), widths)


def _log_losses(parameters: Array, lrs: Array, widths: Array) -> Array:
    floor, progress, alpha, forcing, rate, beta, clock, level = parameters
    passed = lrs**clock * widths
    time = np.cumsum(passed, axis=1)
    age = time[:, -1:] - time + passed
    forgotten = -np.expm1(-np.exp(beta) * np.log1p(np.exp(rate) * age)) / np.exp(beta)
    noise = (forgotten * np.diff(lrs**level, axis=1, prepend=0.0)).sum(axis=1)
    loss = np.exp(floor) + np.exp(progress) * time[:, -1] ** -np.exp(alpha) + np.exp(forcing) * noise
    return np.log(np.maximum(loss, 1e-6))


def better_half(scores: Array) -> NDArray[np.intp]:
    """Which finite scores a law is fitted to."""
    order = np.argsort(scores, kind="stable")
    finite = int(np.isfinite(scores).sum())
    return order[: min(finite, max(LEAST, finite // 2))]


def as_seen(predicted: Array, scores: Array) -> Array:
    """What a law predicts, bent like the scores, and hardly lower than the lowest of them."""
    bend = Bend.of(scores)
    bent = bend(scores)
    return np.maximum(bend(predicted), bent.min() - 2 * bent.std())


@dataclass(frozen=True)
class WithLaw:
    """A process of what is left of the scores after a share of a law's prediction.

    It has what a `Landscape` and a sampler ask of a process.
    """

    process: GaussianProcess
    law: Law
    share: float

    @classmethod
    def fitted(
        cls, points: Array, scores: Array, batches: NDArray[np.int64], law: Law, **how: Any
    ) -> "WithLaw":
        """Choose the share, and fit the process."""
        predicted = law(points)
        found = [
            cls(GaussianProcess.fitted(points, scores - share * predicted, batches, **how), law, share)
            for share in SHARES
        ]
        return max(found, key=lambda one: one._log_probability(scores - one.share * predicted))

    def _log_probability(self, left: Array) -> float:
        process = self.process
        y = (left - process.centre) / process.unit
        volume = np.log(np.diag(process.factor)).sum() + len(y) * np.log(process.unit)
        return -0.5 * float(y @ process.weights) - float(volume) - DOUBT * (self.share > 0)

    @property
    def log_scales(self) -> Array:
        """Of the process."""
        return self.process.log_scales

    @property
    def noise(self) -> float:
        """Of the process."""
        return self.process.noise

    def mean(self, points: Array) -> Array:
        """Posterior mean, (m,)."""
        return self.process.mean(points) + self.share * self.law(points)

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """Posterior mean, (m,), and covariance, (m, m)."""
        mean, covariance = self.process.posterior(points)
        return mean + self.share * self.law(points), covariance


@SAMPLERS.register("gp-law")
class LawGP(GP):
    """`GP` with a law as its prior mean, for searches that choose base LRs jointly."""

    _span: float = PrivateAttr(default=0.0)
    _known: Any = PrivateAttr(default=None)

    def seeing(self, features: Callable[[Points], Points], scale: Scale | None = None) -> "LawGP":
        """Return the sampler for a space of shapes; from its features the LRs can be told."""
        seen = super().seeing(features, scale)
        assert isinstance(seen, LawGP)
        sizes = features.__self__.lr_rms_range  # pyright: ignore[reportFunctionMemberAccess]
        seen._span, seen._known = float(np.log(sizes.high / sizes.low)), None
        return seen

    def _landscape(self, state: Mapping[str, Any], told: History, iterations: int = 0) -> Landscape:
        scales = state["own"].get("log_scales")
        key = [told.points.tobytes(), told.scores.tobytes(), scales]
        if self._known is not None and self._known[0] == key and not iterations:
            return self._known[1]
        features, scores = self._features(told.points), self._scale(told.scores)
        half, widths = better_half(scores), np.diff(BINS)
        if len(half) < LEAST:
            return super()._landscape(state, told, iterations)
        fitted = fit_law(self._lrs(features[half]), widths, scores[half])
        process = WithLaw.fitted(
            features,
            Bend.of(scores)(scores),
            told.batches,
            lambda points: as_seen(fitted(self._lrs(points)), scores),
            start=None if scales is None else np.array(scales),
            iterations=iterations,
        )
        found = Landscape(process, told.points, self._features, (state["seed"], len(told.points)))  # pyright: ignore[reportArgumentType]
        key[-1] = process.log_scales.tolist() if iterations else scales
        self._known = key, found
        return found

    def _lrs(self, features: Array) -> Array:
        """Mean LR of each part of training, up to a factor, from `curve_features` and the LRs' size."""
        return (1.5 * features[:, :-1]) ** 2 * np.exp(self._span * features[:, -1:])


LawGP.name = GP.name  # only this one may search several families at once
