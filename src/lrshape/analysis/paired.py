"""Trials of one phase paired by their seeds, the differences between them, and one rule that judges these."""

import math
from typing import Literal

import numpy as np
import pandas as pd

from lrshape.analysis.design import Key
from lrshape.analysis.intervals import Difference, paired_difference
from lrshape.analysis.scores import values_by_seed
from lrshape.analysis.tables import where

Verdict = Literal["better", "worse", "same", "diverged", "unknown"]
LEVEL = 0.05


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


def verdict(
    low: float, high: float, p_value: float = 0.0, *, score: float = 0.0, level: float = LEVEL
) -> Verdict:
    """Say which of two is better, where lower values are, from the difference other - own.

    Args:
        low: lower end of the difference's interval, NaN where there are too few seeds for one.
        high: upper end.
        p_value: of the test that the difference is 0, corrected for all tests made; 0 leaves it out.
        score: the other's median.
        level: p-values below it are significant.

    Returns:
        ``better`` or ``worse``: the own one is, since the interval excludes 0 and the test is significant;
        ``same``: they cannot be told apart; ``diverged``: the other's median is infinite; ``unknown``: there
        are too few seeds.

    Example:
        >>> verdict(0.1, 0.3, 0.01), verdict(-0.3, -0.1, 0.01), verdict(-0.1, 0.3, 0.4)
        ('better', 'worse', 'same')
    """
    if math.isinf(score):
        return "diverged"
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if p_value < level and low > 0:
        return "better"
    if p_value < level and high < 0:
        return "worse"
    return "same"
