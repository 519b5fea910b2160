"""Trials of one phase paired by their seeds, what the pairs say, and one rule that judges it."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from lrshape.analysis.design import Key, Scale
from lrshape.analysis.intervals import (
    CONFIDENCE,
    Array,
    Difference,
    hodges_lehmann,
    paired_difference,
    sign_interval,
    sign_tails,
    subtract,
)
from lrshape.analysis.looks import share_of_error
from lrshape.analysis.scale import on_scale
from lrshape.analysis.scores import values_by_seed
from lrshape.analysis.tables import where

Verdict = Literal["better", "worse", "equal", "untuned", "open", "diverged", "unknown"]
LEVEL = 0.05


class Comparison(NamedTuple):
    """What the common seeds of two schedules say, at the confidence of their look.

    Every difference is other - own: positive where the own one is better, since lower values are.

    Attributes:
        pairs: number of common seeds.
        effect: the median of the paired log ratios on the scale ``log``, else of the paired differences.
        difference: the median of the paired differences, in units of the metric.
        symmetric: the effect's `lrshape.analysis.intervals.hodges_lehmann`.
        correlation: of the paired values on the scale, where both are finite; NaN if undefined.
        p_value: of the test that the effect is no larger than what a better base LR may gain.
        p_equal: of the two one-sided tests that the effect exceeds the margin on either side; NaN without a
            margin.
    """

    pairs: int
    effect: Difference
    difference: Difference
    symmetric: Difference
    correlation: float
    p_value: float
    p_equal: float


class PairedSamples:
    """The metric by seed of every candidate; each two are compared at most once.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised.
        scale: of the metric.
        looks: numbers of seeds after which the confirm phase may stop; its intervals and p-values hold
            however often it looks, see `lrshape.analysis.looks`.
    """

    def __init__(self, trials: pd.DataFrame, metric: str, scale: Scale, looks: Sequence[int] = ()):
        self._trials = trials
        self._metric = metric
        self._scale: Scale = scale
        self._looks = looks
        self._values: dict[str, pd.Series] = {}
        self._comparisons: dict[tuple[str, Key, Key, tuple[float, float], float], Comparison] = {}

    def values(self, phase: str, key: Key) -> pd.Series:
        """The metric by seed of a schedule that has trials in the phase."""
        if phase not in self._values:
            of_phase = where(self._trials, self._trials["phase"] == phase)
            self._values[phase] = values_by_seed(of_phase, self._metric)
        sample = self._values[phase].loc[key]
        assert isinstance(sample, pd.Series)  # the seeds are left of the index
        return sample

    def compare(
        self,
        phase: str,
        own: Key,
        other: Key,
        *,
        costs: tuple[float, float] = (0.0, 0.0),
        margin: float = math.nan,
    ) -> Comparison:
        """Compare two schedules over the seeds of a phase that both have.

        Args:
            phase: whose trials to compare.
            own: with trials in the phase.
            other: the same.
            costs: what a better base LR may gain, of the own and of the other one, in the unit of effects.
            margin: smallest effect that matters; NaN if there is none.
        """
        key = phase, own, other, costs, margin
        if key not in self._comparisons:
            a, b = (self.values(phase, name) for name in (own, other))
            seeds = a.index.intersection(b.index).sort_values()
            looks = self._looks if phase == "confirm" else ()
            self._comparisons[key] = self._compare(
                np.asarray(a[seeds], np.float64),
                np.asarray(b[seeds], np.float64),
                share_of_error(len(seeds), looks),
                costs,
                margin,
            )
        return self._comparisons[key]

    def _compare(
        self, own: Array, other: Array, share: float, costs: tuple[float, float], margin: float
    ) -> Comparison:
        confidence = 1.0 - (1.0 - CONFIDENCE) * share
        on_log = self._scale == "log"
        effects = subtract(*(on_scale(v, "log") if on_log else v for v in (other, own)))
        effect = sign_interval(effects, confidence)
        p_value = p_equal = math.nan
        if not math.isnan(effect.p_value):
            p_value = 2 * min(sign_tails(effects, costs[1])[0], sign_tails(effects, -costs[0])[1])
        if not math.isnan(effect.p_value) and not math.isnan(margin):
            p_equal = 2 * max(
                sign_tails(effects, costs[1] - margin)[0], sign_tails(effects, margin - costs[0])[1]
            )
        return Comparison(
            len(own),
            _shared(effect, share),
            _shared(paired_difference(other, own, confidence), share),
            _shared(hodges_lehmann(effects, confidence), share),
            _correlation(on_scale(np.stack([own, other]), self._scale)),
            _spend(p_value, share),
            _spend(p_equal, share),
        )


def _shared(found: Difference, share: float) -> Difference:
    return found._replace(p_value=_spend(found.p_value, share))


def _spend(p_value: float, share: float) -> float:
    """The p-value of a look that may spend only a share of the error."""
    return p_value if math.isnan(p_value) else min(1.0, p_value / share)


def _correlation(pairs: Array) -> float:
    """Pearson's correlation of pairs, shape ``(2, seeds)``, of those that are finite."""
    finite = pairs[:, np.isfinite(pairs).all(axis=0)]
    if finite.shape[1] < 3:
        return math.nan
    first, second = finite - finite.mean(axis=1, keepdims=True)
    size = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    return float(first @ second) / size if size > 0 else math.nan


def verdict(
    low: float,
    high: float,
    p_value: float = 0.0,
    *,
    score: float = 0.0,
    costs: tuple[float, float] = (0.0, 0.0),
    margin: float = math.nan,
    p_equal: float = 0.0,
    at_edge: bool = False,
) -> Verdict:
    """Say which of two is better, where lower values are, from the difference other - own.

    Of one comparison, whatever is claimed is false only if the interval misses the true difference, and of
    "differs" and "equal within the margin" at most one can be false. Over several comparisons each of the two
    p-values keeps the error of its own kind: at most 5% of studies claim a difference that is none, and at
    most 5% an equality that is none.

    Args:
        low: lower end of the difference's interval, NaN where there are too few seeds for one.
        high: upper end.
        p_value: of the test that the difference is no larger than the costs, corrected for all tests made;
            0 leaves it out.
        score: the other's median.
        costs: what a better base LR may gain, of the own and of the other one, in the difference's unit.
        margin: smallest difference that matters, in its unit; NaN if there is none.
        p_equal: of the test that the difference exceeds the margin, corrected; 0 leaves it out.
        at_edge: whether the best base LR of either may lie beyond those tried.

    Returns:
        ``better`` or ``worse``: the own one is, by more than a better base LR may gain, and significantly;
        ``equal``: they differ by less than the margin, whatever better base LRs gain; ``diverged``: the
        other's median is infinite, significantly; ``untuned``: a base LR is at an edge, or
        nothing is decided and a better base LR may gain more than half of the interval's half-width;
        ``unknown``: there are too few seeds; ``open``: they cannot be told apart yet.

    Example:
        >>> verdict(0.1, 0.3, 0.01), verdict(-0.3, -0.1, 0.01), verdict(-0.1, 0.3, 0.4)
        ('better', 'worse', 'open')
        >>> verdict(-0.1, 0.3, 0.4, margin=0.5), verdict(0.1, 0.3, 0.01, costs=(0.0, 0.2))
        ('equal', 'untuned')
    """
    of_own, of_other = costs
    if math.isinf(score) and p_value < LEVEL:
        return "diverged"
    if at_edge:
        return "untuned"
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if p_value < LEVEL and low > of_other:
        return "better"
    if p_value < LEVEL and high < -of_own:
        return "worse"
    if p_equal < LEVEL and -margin < low - of_other and high + of_own < margin:
        return "equal"
    return "untuned" if max(costs) > 0.25 * (high - low) else "open"
