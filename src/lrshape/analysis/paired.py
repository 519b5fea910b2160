"""Trials of one phase paired by their seeds, and the differences between them."""

import numpy as np
import pandas as pd

from lrshape.analysis.frames import where
from lrshape.analysis.intervals import Difference, paired_difference
from lrshape.analysis.scores import values_by_seed

Key = tuple[str, float]
"""A shape's name and a base LR."""


class PairedSamples:
    """The metric by seed of every shape and base LR; each difference is resampled at most once.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised.
        confidence: of each interval by itself, in (0, 1).
    """

    def __init__(self, trials: pd.DataFrame, metric: str, confidence: float):
        self._trials = trials
        self._metric = metric
        self._confidence = confidence
        self._values: dict[str, pd.Series] = {}
        self._differences: dict[tuple[str, Key, Key, float], Difference] = {}

    def difference(self, phase: str, one: Key, other: Key, margin: float = 0.0) -> Difference:
        """The paired difference of medians, one - other, over the seeds of a phase that both have.

        Args:
            phase: whose trials to compare.
            one: shape and base LR, with trials in the phase.
            other: the same.
            margin: by which to raise the other's values first, as a fraction of their size.
        """
        key = phase, one, other, margin
        if key not in self._differences:
            if phase not in self._values:
                of_phase = where(self._trials, self._trials["phase"] == phase)
                self._values[phase] = values_by_seed(of_phase, self._metric)
            a, b = (self._values[phase].loc[name] for name in (one, other))
            seeds = a.index.intersection(b.index).sort_values()
            own, limit = a[seeds].to_numpy(np.float64), b[seeds].to_numpy(np.float64)
            if margin:  # the score, and so its size, may be negative
                limit = limit + margin * np.where(np.isfinite(limit), np.abs(limit), 0.0)
            self._differences[key] = paired_difference(own, limit, self._confidence)
        return self._differences[key]
