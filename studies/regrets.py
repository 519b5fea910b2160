"""By how much any schedule is worse than a workload's best one, at its own best base LR.

For linear regression it is computed, from the expected loss. For other workloads it is predicted by the model
that a search has of its own trials (`lrshape.procedure.curve_model.CurveModel`). The trials of the common
schedules are kept from the models: so they are predicted as all others are, and beside their confirmed scores
they show the error.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from stored import UNWARMED, WorkloadStudies

from lrshape.analysis.scale import on_scale
from lrshape.analysis.scores import BASELINE
from lrshape.analysis.tables import where
from lrshape.procedure.curve_model import CurveModel
from lrshape.procedure.curves import PROGRESS, root_mean_square
from lrshape.procedure.trial import multipliers
from lrshape.shapes import FAMILIES, Family
from lrshape.store import Store
from lrshape.study.study import Study
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression

Array = NDArray[np.float64]

Scores = Callable[[Sequence[Family], Array], Array]
"""Logarithms of the losses of shapes, each with a root mean square of its LRs, (shapes,)."""

OCTAVES = np.linspace(-4, 2, 10)
"""Where a shape's best root mean square of LRs is sought first, beside that of the workload's best shape."""

HALVINGS = 6
"""Then so often at half of the distance on either side: to a hundredth of an octave."""

MEMBERS = 1024
"""Schedules that are computed at once."""


def shape(given: Mapping[str, Any]) -> Family:
    """The shape of a family's name and parameters."""
    return FAMILIES[given["family"]].from_params(given["params"])


class Regrets:
    """The regrets of any shapes in one setting.

    Args:
        one: its studies.
    """

    def __init__(self, one: WorkloadStudies):
        workload = one.main.spec.workload
        self.is_exact = isinstance(workload, LinearRegression)
        if isinstance(workload, LinearRegression):
            self._scores = expected_scores(workload)
        else:
            self._scores = predicted_scores(one)
        best = shape({"family": one.best.family, "params": one.best.params})
        rms = root_mean_square(multipliers([best], len(PROGRESS), "midpoint"))[0]
        self._size = one.best.base_lr * rms
        self._best = self._lowest([best])[0]

    def __call__(self, shapes: Sequence[Family]) -> Array:
        """One for each shape, at its best base LR; below 0 where it is better than the best of the search."""
        return np.expm1(self._lowest(shapes) - self._best)

    def _lowest(self, shapes: Sequence[Family]) -> Array:
        """Lowest scores over base LRs."""
        tried = np.stack([self._at(shapes, np.full(len(shapes), octave)) for octave in OCTAVES])
        lowest, best = tried.min(axis=0), OCTAVES[tried.argmin(axis=0)]
        step = OCTAVES[1] - OCTAVES[0]
        for _ in range(HALVINGS):
            step /= 2
            near = [best, best - step, best + step]
            tried = np.stack([lowest, *(self._at(shapes, octaves) for octaves in near[1:])])
            at = tried.argmin(axis=0)
            lowest, best = tried.min(axis=0), np.stack(near)[at, np.arange(len(shapes))]
        return lowest

    def _at(self, shapes: Sequence[Family], octaves: Array) -> Array:
        return self._scores(shapes, self._size * 2**octaves)


def expected_scores(workload: LinearRegression) -> Scores:
    """The logarithm of the expected loss, which is known; infinite where it diverges."""
    exact = workload.model_copy(update={"dynamics": "recursion", "evaluate_every": 0, "record_every": 0})

    def scores(shapes: Sequence[Family], sizes: Array) -> Array:
        values = multipliers(shapes, workload.steps, "midpoint")
        lrs = values * (sizes / root_mean_square(values))[:, None]
        losses = evaluate(exact, lrs, np.zeros(len(lrs), np.int64), members=MEMBERS)
        return on_scale(losses["final/train_loss"], "log")

    return scores


def predicted_scores(one: WorkloadStudies) -> Scores:
    """The logarithm of the loss that the model of a workload's searches predicts."""
    model = CurveModel(searched_trials(one), one.main.metric, "log")

    def scores(shapes: Sequence[Family], sizes: Array) -> Array:
        values = multipliers(shapes, len(PROGRESS), "midpoint")
        return model.scores(values, sizes / root_mean_square(values))

    return scores


def searched_trials(one: WorkloadStudies) -> pd.DataFrame:
    """The trials of a workload's searches, with and without warmup, but for the common schedules."""
    tables = [one.main.trials()]
    if Store.exists(one.path / UNWARMED) and (unwarmed := Study(one.path / UNWARMED)).is_complete():
        trials = unwarmed.trials()
        tables.append(trials.assign(shape=f"{UNWARMED}-" + trials["shape"].astype(str)))
    joined = pd.concat([table.astype({"shape": str, "params": str}) for table in tables], ignore_index=True)
    return where(joined, ~joined["shape"].str.contains(BASELINE))
