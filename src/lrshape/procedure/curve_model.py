"""What all trials of a search say of every schedule.

A Gaussian process over curves, the size of LRs, and hyperparameters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.design import Scale, Tuning
from lrshape.analysis.scale import on_scale
from lrshape.analysis.scores import metric_values
from lrshape.analysis.tables import where
from lrshape.procedure.curves import curve_features, curves_of, root_mean_square
from lrshape.procedure.hyperparameter_space import HyperparameterSpace
from lrshape.procedure.known_trials import known_trials
from lrshape.procedure.pool import Pool, Region, search_pool
from lrshape.procedure.sampler import Bend
from lrshape.procedure.trial import ShapeRecord
from lrshape.procedure.tried_base_lrs import STEP, base_lr_grid
from lrshape.process_wide import one_blas_thread
from lrshape.store import NOTHING_TUNED

Array = NDArray[np.float64]

SIZE = math.log(100.0)
"""Natural logarithm of the ratio of LRs that is about as far as the ends of the unit cube."""

NEAR = 2
"""Octaves from the best base LR within which another one may be better: draws need not go further."""

DRAWS, GAIN_DRAWS = 400, 4000
"""Draws from the posterior, more of them where the end of an interval depends on their mean."""

LEAST = 4
"""Finite scores from which a model is fitted."""

FLAT = 33
"""Values of a hyperparameter among which the flat range is sought."""

AROUND = 18
"""Steps of `STEP` twice, on either side of a best base LR, among which another one is sought."""


@dataclass(frozen=True)
class Profile:
    """What the model says of one shape's base LRs and hyperparameters.

    Attributes:
        base_lr: the best one by the posterior mean, not above those that were tried and did not diverge.
        score: posterior mean there, on the metric's scale.
        tuning: how well it is known.
        favourite: the best base LR by the posterior mean, up to an octave beyond those.
        limit: the smallest base LR above them that diverged, or infinity.
        hyperparameters: the best ones, with that base LR.
        rivals: other base LRs with hyperparameters that may be best, from draws; none without those.
        grid_cost: what a base LR between those of the grid may gain at most, on the metric's scale: draws
            compare only those of the grid.
    """

    base_lr: float
    score: float
    tuning: Tuning
    favourite: float
    limit: float
    hyperparameters: str = NOTHING_TUNED
    rivals: Sequence[tuple[float, str]] = ()
    grid_cost: float = 0.0

    @classmethod
    def of_diverged(cls, tried: pd.DataFrame) -> "Profile":
        """Where nothing, or next to nothing, trained: the best one lies below all that were tried."""
        lowest = float(np.min(tried["base_lr"]))
        tuning = Tuning(math.inf, math.inf, "low")
        return cls(lowest, math.inf, tuning, lowest / 2, lowest, str(tried["hyperparameters"].iloc[0]))


class CurveModel:
    """A fit to the trials of all phases so far, whatever sampler asked for them.

    Args:
        trials: at least `LEAST` with a finite metric.
        metric: the metric that decides.
        scale: of the metric.
        hyperparameters: that the trials have.
    """

    @classmethod
    def of(
        cls, trials: pd.DataFrame, metric: str, scale: Scale, hyperparameters: HyperparameterSpace
    ) -> "CurveModel | None":
        """The fit, or None if fewer than `LEAST` trials have a finite metric."""
        enough = np.isfinite(metric_values(trials, metric)).sum() >= LEAST
        return cls(trials, metric, scale, hyperparameters) if enough else None

    def __init__(
        self,
        trials: pd.DataFrame,
        metric: str,
        scale: Scale,
        hyperparameters: HyperparameterSpace = HyperparameterSpace({}),  # noqa: B008
    ):
        from lrshape.procedure.gaussian_process import GaussianProcess  # scipy.optimize is slow to import

        losses = metric_values(trials, metric)
        # A smooth function cannot follow where training diverges; `profile` looks no further than that.
        known = known_trials(trials, np.isfinite(losses))
        trials = trials.iloc[known]
        scores = on_scale(losses, scale)[known]
        self._bend = Bend.of(scores)
        seeds = pd.factorize(trials["seed"])[0].astype(np.int64)
        row, names = pd.factorize(trials["shape"].astype(str))
        first = trials.assign(shape=trials["shape"].astype(str)).drop_duplicates("shape").set_index("shape")
        told = zip(names, first["family"], first["params"], strict=True)
        shapes = [ShapeRecord.read(name, family, params).family for name, family, params in told]
        values = curves_of(shapes)
        self._tuned = hyperparameters
        number, texts = pd.factorize(trials["hyperparameters"].astype(str))
        self._settings = hyperparameters.units(list(texts))
        base_lrs = trials["base_lr"].to_numpy(np.float64)
        points = _points(values[row], base_lrs, hyperparameters.features(self._settings[number], values[row]))
        with one_blas_thread():  # the same bits whatever the machine
            self._process = GaussianProcess.fitted(points, self._bend(scores), seeds)

    @property
    def noise(self) -> float:
        """Standard deviation of a score's own noise, on the metric's scale."""
        return self._process.noise

    def scores(self, values: Array, base_lrs: Array) -> Array:
        """Posterior means of schedules with the hyperparameters of no tuning, (n,), on the metric's scale.

        Args:
            values: multipliers at `PROGRESS`, (n, 200).
            base_lrs: (n,).
        """
        units = np.repeat(self._tuned.units([self._tuned.untuned]), len(values), axis=0)
        points = _points(values, base_lrs, self._tuned.features(units, values))
        with one_blas_thread():
            mean = self._process.mean(points)
        return np.array([self._bend.undo(float(value)) for value in mean])

    def profile(
        self,
        shape: ShapeRecord,
        tried: pd.DataFrame,
        random: np.random.Generator,
        reach: float = 0.0,
        tolerance: float = 0.0,
    ) -> Profile:
        """Find the best base LR of a shape, and its best hyperparameters.

        Args:
            shape: any, with trials or without.
            tried: what was tried for it, at least one row, see `tried_base_lrs`.
            random: for draws from the posterior.
            reach: octaves below those tried that may be trusted untried.
            tolerance: what a hyperparameter beyond its range must gain to count, on the metric's scale.
        """
        if tried["diverged"].to_numpy(bool).all():
            return Profile.of_diverged(tried)
        inside, outside, limit = base_lr_grid(tried, reach)
        grid = np.concatenate([inside, outside])
        curve = curves_of([shape.family])
        bounds = self._tuned.bounds(constant=shape.is_baseline)
        box = self._tried_box(tried, bounds)
        with one_blas_thread():
            region = Region(grid, len(inside), box, bounds)
            pool = search_pool(
                lambda points: self._process.mean(self._at(curve, points)), region, self._settings, random
            )
            mean, covariance = self._process.posterior(self._at(curve, pool))
        x, units = pool.base_lrs, pool.units
        best = int(np.argmin(np.where(pool.inside, mean, math.inf)))
        near = np.flatnonzero(np.abs(x - x[best]) <= NEAR)
        draws = _draws(mean[near], covariance[np.ix_(near, near)], DRAWS, random)
        lowest = draws.argmin(axis=1)
        loss = draws[:, np.flatnonzero(near == best)[0]] - draws.min(axis=1)
        spread = float(np.sqrt(np.mean((x[near][lowest] - x[best]) ** 2)))
        spread = max(spread, STEP / math.sqrt(12))  # the best of all lies anywhere within half a step
        ahead = int(np.argmin(mean))
        # Where training diverges the range has an end, and no edge.
        is_open = limit == math.inf
        edge = "low" if x[ahead] < inside[0] else "high" if x[ahead] > inside[-1] and is_open else ""
        here = float(mean[best])
        gains = mean[best] - mean[ahead] > tolerance
        rivals = list(dict.fromkeys([ahead, *near[lowest].tolist()])) if len(self._tuned) else []
        return Profile(
            base_lr=float(2 ** x[best]),
            score=self._bend.undo(here),
            tuning=Tuning(
                spread,
                self._bend.lead(here, float(loss.mean())),
                edge,
                self._edges(units[ahead], box) if gains else {},
            ),
            favourite=float(2 ** x[ahead]),
            limit=float(2**limit),
            hyperparameters=self._tuned.texts(units[[best]])[0],
            rivals=list(zip((2 ** x[rivals]).tolist(), self._tuned.texts(units[rivals]), strict=True)),
            grid_cost=self._bend.lead(here, self._grid_cost(curve, pool, mean, best)),
        )

    def gain(
        self,
        shape: ShapeRecord,
        base_lr: float,
        hyperparameters: str,
        tried: pd.DataFrame,
        random: np.random.Generator,
    ) -> float:
        """What a better base LR is expected to gain, with the same hyperparameters, on the metric's scale.

        At least as much as one between those of the grid may gain.

        Args:
            shape: any.
            base_lr: to be compared.
            hyperparameters: as a row has them.
            tried: what was tried for the shape, see `tried_base_lrs`; some did not diverge.
            random: for draws from the posterior.

        Returns:
            At least 0.
        """
        x = np.concatenate([[math.log2(base_lr)], *base_lr_grid(tried)[:2]])
        pool = Pool(x, np.repeat(self._tuned.units([hyperparameters]), len(x), axis=0))
        curve = curves_of([shape.family])
        with one_blas_thread():
            mean, covariance = self._process.posterior(self._at(curve, pool))
        near = np.union1d(0, np.flatnonzero(np.abs(x - x[mean.argmin()]) <= NEAR))
        draws = _draws(mean[near], covariance[np.ix_(near, near)], GAIN_DRAWS, random)
        gains = draws[:, 0] - draws.min(axis=1)
        gain = max(float(gains.mean()), self._grid_cost(curve, pool, mean, int(mean.argmin())))
        return self._bend.lead(float(mean[0]), gain)

    def flat(
        self, shape: ShapeRecord, profile: Profile, tried: pd.DataFrame, most: float
    ) -> dict[str, list[Any]]:
        """The values of each hyperparameter around a shape's best that lose at most so much.

        The others keep their best values, and the base LR is the best with each.

        Args:
            shape: any.
            profile: of the shape.
            tried: what was tried for it, see `tried_base_lrs`.
            most: on the metric's scale.
        """
        best = self._tuned.units([profile.hyperparameters])[0]
        lower, upper = self._tried_box(tried, self._tuned.bounds(constant=shape.is_baseline))
        found: dict[str, list[Any]] = {}
        for name, one in self._tuned.specs.items():
            i = self._tuned.column(name)
            if one.choices:
                column = np.array([one.unit(value) for value in one.choices])
            else:
                column = np.unique(np.append(np.linspace(lower[i], upper[i], FLAT), best[i]))
            rows = np.repeat(best[None], len(column), axis=0)
            rows[:, i] = column
            here = int(np.argmin(np.abs(column - best[i])))
            scores = self._best_scores(shape, profile, rows)
            losses = scores - scores[here]
            if one.choices:
                found[name] = [value for value, loss in zip(one.choices, losses, strict=True) if loss <= most]
            else:
                down = _reach(column[here::-1], losses[here::-1], most)
                found[name] = [one.value(down), one.value(_reach(column[here:], losses[here:], most))]
        return found

    def fixed_score(self, shape: ShapeRecord, profile: Profile) -> float:
        """Posterior mean of a shape at its best base LR with the hyperparameters of no tuning."""
        return float(self._best_scores(shape, profile, self._tuned.units([self._tuned.untuned]))[0])

    def _grid_cost(self, curve: Array, pool: Pool, mean: Array, best: int) -> float:
        """What a base LR between those of the grid may gain at most over the best of them, in moved scores.

        A parabola that rises by r within a step of the grid rises by r / 4 within half a step.
        """
        beside = Pool(pool.base_lrs[best] + STEP * np.array([-1.0, 1.0]), pool.units[[best, best]])
        with one_blas_thread():
            rise = float(self._process.mean(self._at(curve, beside)).mean() - mean[best])
        return max(0.0, rise) / 4

    def _best_scores(self, shape: ShapeRecord, profile: Profile, units: Array) -> Array:
        """Lowest posterior means over base LRs, on the metric's scale, one for each row."""
        centre, limit = math.log2(profile.base_lr), math.log2(profile.limit)
        x = centre + np.arange(-AROUND, AROUND + 1) * (2 * STEP)
        x = x[(x < limit) | (x <= centre)]
        curve = curves_of([shape.family])
        pool = Pool(np.tile(np.asarray(x, np.float64), len(units)), np.repeat(units, len(x), axis=0))
        with one_blas_thread():
            mean = self._process.mean(self._at(curve, pool)).reshape(len(units), len(x)).min(axis=1)
        return np.array([self._bend.undo(float(value)) for value in mean])

    def _tried_box(self, tried: pd.DataFrame, bounds: Array) -> Array:
        """Smallest and largest coordinates of hyperparameters that did not diverge, (2, dimensions).

        The ranges themselves are taken as tried: other shapes have shown what they are worth.
        """
        trained = where(tried, ~tried["diverged"].to_numpy(bool))
        units = self._tuned.units(trained["hyperparameters"].tolist())
        box = np.stack([np.minimum(units.min(axis=0), 0.0), np.maximum(units.max(axis=0), 1.0)])
        return np.clip(box, *bounds)

    def _edges(self, favourite: Array, box: Array) -> dict[str, str]:
        """On which side of what was tried each hyperparameter's best value lies, where it does."""
        sides = {}
        for name, unit, low, high in zip(self._tuned.columns, favourite, *box, strict=True):
            if not low <= unit <= high:
                sides[name] = "low" if unit < low else "high"
        return sides

    def _at(self, curve: Array, pool: Pool) -> Array:
        values = np.repeat(curve, len(pool.base_lrs), axis=0)
        return _points(values, 2**pool.base_lrs, self._tuned.features(pool.units, values))


def _reach(column: Array, losses: Array, most: float) -> float:
    """The coordinate at which a loss that starts at 0 first exceeds a limit, or the last one."""
    over = np.flatnonzero(losses > most)
    if not len(over):
        return float(column[-1])
    i = int(over[0])
    share = (most - losses[i - 1]) / (losses[i] - losses[i - 1])
    return float(column[i - 1] + share * (column[i] - column[i - 1]))


def _points(values: Array, base_lrs: Array, hyperparameters: Array) -> Array:
    size = np.log(base_lrs * root_mean_square(values)) / SIZE
    return np.concatenate([curve_features(values), size[:, None], hyperparameters], axis=1)


def _draws(mean: Array, covariance: Array, count: int, random: np.random.Generator) -> Array:
    scale = max(float(np.diag(covariance).max()), 1e-300)
    factor = np.linalg.cholesky(covariance + 1e-8 * scale * np.eye(len(mean)))
    return mean + random.standard_normal((count, len(mean))) @ factor.T
