"""By how much any schedule is worse than a workload's best one, at its own best base LR.

For linear regression it is computed, from the expected loss. For other workloads it is predicted by the model
that a search has of its own trials (`lrshape.procedure.curve_model.CurveModel`). The trials of the common
schedules are kept from the models: so they are predicted as all others are, and beside their confirmed scores
they show the error.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from exact import Array, Scores, expected_scores, lowest, rms_lr, shape
from stored import UNWARMED, WorkloadStudies

from lrshape.analysis.scores import BASELINE
from lrshape.analysis.tables import where
from lrshape.procedure.curve_model import CurveModel
from lrshape.procedure.curves import curves_of, root_mean_square
from lrshape.shapes import Family
from lrshape.store import Store
from lrshape.study.study import Study


class Regrets:
    """The regrets of any shapes in one setting.

    Args:
        one: its studies.
    """

    def __init__(self, one: WorkloadStudies):
        expected = expected_scores(one.main.spec.workload)
        self.is_exact = expected is not None
        self._scores = expected or predicted_scores(one)
        best = shape({"family": one.best.family, "params": one.best.params})
        self._size = rms_lr(best, one.best.base_lr)
        self._best = self._lowest([best])[0]

    def __call__(self, shapes: Sequence[Family]) -> Array:
        """One for each shape, at its best base LR; below 0 where it is better than the best of the search."""
        return np.expm1(self._lowest(shapes) - self._best)

    def _lowest(self, shapes: Sequence[Family]) -> Array:
        return lowest(self._scores, shapes, self._size)


def predicted_scores(one: WorkloadStudies) -> Scores:
    """The logarithm of the loss that the model of a workload's searches predicts."""
    model = CurveModel(searched_trials(one), one.main.metric, "log")

    def scores(shapes: Sequence[Family], sizes: Array) -> Array:
        values = curves_of(shapes)
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
