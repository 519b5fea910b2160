"""The near-optimal set: which shapes cannot be told from the best by more than a margin."""

import math

import numpy as np
import pandas as pd

from lrshape.analysis.intervals import paired_difference
from lrshape.analysis.reduce import best_base_lrs, samples_by_seed, scores
from lrshape.analysis.result import is_baseline, rows_where
from lrshape.errors import InputError

MARGIN = 0.05


def near_optimal(
    trials: pd.DataFrame,
    metric: str,
    margin: float = MARGIN,
    confidence: float = 0.95,
    phase: str = "rescore",
) -> pd.DataFrame:
    """The rescored shapes, and which of them may be within a margin of the best one.

    A shape is *outside* if it is shown to be worse than the best by more than the margin: the interval of
    median(shape) - (1 + margin) median(best), paired over the seeds of the phase, lies above 0. It is
    *inside* if that interval lies at or below 0. Else it is *open*; the near-optimal set is the best, those
    inside and those that are open.

    This is a statement about each shape by itself, as a confidence set is: it is not corrected for the number
    of shapes. The best is chosen by the very seeds that it is compared on, and so looks better than it is,
    which puts others outside too readily; that only one tail of the interval does so makes up for it. In the
    worst case, no margin and all shapes equal, a shape is put outside in 3 to 4% of studies with 10 or more
    seeds and 12 shapes, and in 5 to 7% with 50 shapes (docs/statistics.md). *Inside* is a statement about
    the reference, which may not be the true best.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised.
        margin: fraction of the best shape's median, at least 0.
        confidence: of each interval by itself, in (0, 1).
        phase: whose seeds to compare on.

    Returns:
        One row a shape that is no baseline, at its best base LR of the phase, best first: ``shape, family,
        params, base_lr, seeds, score, low, high, rank, difference, difference_low, difference_high,
        verdict``. ``difference`` is the shape's median minus the best one's and its interval has no margin;
        ``verdict`` is ``best``, ``inside``, ``open``, ``outside``, or ``unknown`` where there are too few
        seeds for any interval. No rows if the best is infinite, or nothing was trained in the phase.

    Raises:
        InputError: if the margin is negative, or the metric is not stored.
    """
    if not margin >= 0:
        raise InputError(f"margin must be at least 0, got {margin}")
    rows = rows_where(trials, (trials["phase"] == phase) & ~is_baseline(trials))
    table = best_base_lrs(scores(rows, metric, confidence))
    table = table.drop(columns=["phase", "edge", "tried", "diverged", "failed"])
    if table.empty or math.isinf(table["score"].iloc[0]):
        empty = dict.fromkeys(("difference", "difference_low", "difference_high"), pd.Series(dtype=float))
        return table.iloc[:0].assign(**empty, verdict=pd.Series(dtype=object))
    values = samples_by_seed(rows, metric, table)
    best = values[0]
    differences, verdicts = [(0.0, math.nan, math.nan)], ["best"]
    for sample in values[1:]:
        common = sample.index.intersection(best.index).sort_values()
        own, reference = np.asarray(sample[common]), np.asarray(best[common])
        differences.append(paired_difference(own, reference, confidence)[:3])
        # The margin is a fraction of the size of the score, which may be negative.
        limit = reference + margin * np.where(np.isfinite(reference), np.abs(reference), 0.0)
        verdicts.append(_verdict(own, limit, confidence))
    columns = np.array(differences).T
    return table.assign(
        difference=columns[0], difference_low=columns[1], difference_high=columns[2], verdict=verdicts
    )


def _verdict(own: np.ndarray, limit: np.ndarray, confidence: float) -> str:
    """What the seeds say of a shape's values beside the best one's, raised by the margin."""
    beyond = paired_difference(own, limit, confidence)
    if math.isnan(beyond.low):
        return "unknown"
    return "outside" if beyond.low > 0 else "inside" if beyond.high <= 0 else "open"
