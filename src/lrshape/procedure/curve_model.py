"""What all trials of a search say of every schedule: a Gaussian process over curves and the size of LRs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.design import Scale, Tuning
from lrshape.analysis.scale import on_scale
from lrshape.analysis.scores import metric_values
from lrshape.analysis.tables import where
from lrshape.procedure.curves import PROGRESS, curve_features, root_mean_square
from lrshape.procedure.sampler import Bend
from lrshape.procedure.trial import ShapeRecord, multipliers
from lrshape.process_wide import one_blas_thread

Array = NDArray[np.float64]

SIZE = math.log(100.0)
"""Natural logarithm of the ratio of LRs that is about as far as the ends of the unit cube."""

MOST = 1500
"""Trials that the model knows at most; of the screen's it then takes those with the best scores."""

STEP = 1 / 12
"""Octaves between the base LRs among which the best is sought."""

BEYOND = 12
"""Steps that it is sought beyond those tried: an octave."""

DRAWS = 400


@dataclass(frozen=True)
class Profile:
    """What the model says of one shape's base LRs.

    Attributes:
        base_lr: the best one by the posterior mean, between ones that were tried and did not diverge.
        score: posterior mean there, on the metric's scale.
        tuning: how well it is known.
        favourite: the best one by the posterior mean, up to an octave beyond those.
        limit: the smallest base LR above them that diverged, or infinity.
    """

    base_lr: float
    score: float
    tuning: Tuning
    favourite: float
    limit: float

    @classmethod
    def of_diverged(cls, tried: pd.DataFrame) -> "Profile":
        """Where nothing, or next to nothing, trained: the best one lies below all that were tried."""
        lowest = float(np.min(tried["base_lr"]))
        return cls(lowest, math.inf, Tuning(math.inf, math.inf, "low"), lowest / 2, lowest)


class CurveModel:
    """A fit to the trials of all phases so far, whatever sampler asked for them.

    Args:
        trials: at least four with a finite metric.
        metric: the metric that decides.
        scale: of the metric.
    """

    def __init__(self, trials: pd.DataFrame, metric: str, scale: Scale):
        from lrshape.procedure.gaussian_process import GaussianProcess  # scipy.optimize is slow to import

        losses = metric_values(trials, metric)
        # A smooth function cannot follow where training diverges; `profile` looks no further than that.
        known = np.isfinite(losses) & _most_telling(trials, losses)
        trials = where(trials, known)
        scores = on_scale(losses, scale)[known]
        self._bend = Bend.of(scores)
        seeds = pd.factorize(trials["seed"])[0].astype(np.int64)
        row, names = pd.factorize(trials["shape"].astype(str))
        first = trials.assign(shape=trials["shape"].astype(str)).drop_duplicates("shape").set_index("shape")
        told = zip(names, first["family"], first["params"], strict=True)
        shapes = [ShapeRecord.read(name, family, params).family for name, family, params in told]
        values = multipliers(shapes, len(PROGRESS), "midpoint")
        points = _points(values[row], trials["base_lr"].to_numpy(np.float64))
        with one_blas_thread():  # the same bits whatever the machine
            self._process = GaussianProcess.fitted(points, self._bend(scores), seeds)

    @property
    def noise(self) -> float:
        """Standard deviation of a score's own noise, on the metric's scale."""
        return self._process.noise

    def profile(
        self, shape: ShapeRecord, tried: pd.DataFrame, random: np.random.Generator, reach: float = 0.0
    ) -> Profile:
        """Find the best base LR of a shape.

        Args:
            shape: any, with trials or without.
            tried: ``base_lr`` and ``diverged`` of those that were tried for it, ascending; at least one.
            random: for draws from the posterior.
            reach: octaves beyond those tried that may be trusted untried.
        """
        rates = tried["base_lr"].to_numpy(np.float64)
        bad = tried["diverged"].to_numpy(bool)
        if bad.all():
            return Profile.of_diverged(tried)
        low, high = math.log2(rates[~bad].min()), math.log2(rates[~bad].max())
        above = rates[bad & (rates > 2**high)]
        limit = math.log2(above.min()) if len(above) else math.inf
        low, high = low - reach, max(high, min(high + reach, limit - STEP))
        inside = np.linspace(low, high, max(2, round((high - low) / STEP) + 1)) if high > low else [low]
        outside = [low - STEP * (i + 1) for i in range(BEYOND)]
        outside += [x for i in range(BEYOND) if (x := high + STEP * (i + 1)) < limit]
        grid = np.concatenate([inside, outside])
        values = np.repeat(multipliers([shape.family], len(PROGRESS), "midpoint"), len(grid), axis=0)
        with one_blas_thread():
            mean, covariance = self._process.posterior(_points(values, 2**grid))
        best = int(np.argmin(mean[: len(inside)]))
        # Far from the best there is nothing to win, and draws need not go there.
        near = np.flatnonzero(np.abs(grid - grid[best]) <= 2)
        draws = _draws(mean[near], covariance[np.ix_(near, near)], DRAWS, random)
        lowest = draws.argmin(axis=1)
        loss = draws[:, np.flatnonzero(near == best)[0]] - draws.min(axis=1)
        spread = float(np.sqrt(np.mean((grid[near][lowest] - grid[best]) ** 2)))
        favourite = grid[int(np.argmin(mean))]
        # Where training diverges the range has an end, and no edge.
        edge = "low" if favourite < low else "high" if favourite > high and not len(above) else ""
        here = float(mean[best])
        return Profile(
            base_lr=float(2 ** grid[best]),
            score=self._bend.undo(here),
            tuning=Tuning(spread, float(loss.mean()) * self._bend.stretch(here), edge),
            favourite=float(2**favourite),
            limit=float(2**limit),
        )


def _most_telling(trials: pd.DataFrame, losses: Array) -> NDArray[np.bool_]:
    """Which trials the model is to know: all of the later phases, and the best of the screen."""
    screened = (trials["phase"] == "screen").to_numpy(bool)
    place = np.empty(len(losses), np.int64)
    place[np.lexsort((losses, screened))] = np.arange(len(losses))
    return place < MOST


def _points(values: Array, base_lrs: Array) -> Array:
    size = np.log(base_lrs * root_mean_square(values)) / SIZE
    return np.concatenate([curve_features(values), size[:, None]], axis=1)


def _draws(mean: Array, covariance: Array, count: int, random: np.random.Generator) -> Array:
    scale = max(float(np.diag(covariance).max()), 1e-300)
    factor = np.linalg.cholesky(covariance + 1e-8 * scale * np.eye(len(mean)))
    return mean + random.standard_normal((count, len(mean))) @ factor.T


def tried_base_lrs(trials: pd.DataFrame, metric: str, shapes: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The base LRs that were tried for each shape, ascending: ``base_lr, diverged``.

    ``diverged`` says whether half of the trials at that base LR, or more, have no finite metric.
    """
    rows = where(trials, trials["shape"].isin(list(shapes)))
    lost = ~np.isfinite(metric_values(rows, metric))
    table = pd.DataFrame({"shape": rows["shape"].astype(str), "base_lr": rows["base_lr"], "diverged": lost})
    found = table.groupby(["shape", "base_lr"], sort=True, as_index=False).agg({"diverged": "mean"})
    found = found.assign(diverged=found["diverged"] >= 0.5)
    return {str(name): rows for name, rows in found.groupby("shape", sort=False)}
