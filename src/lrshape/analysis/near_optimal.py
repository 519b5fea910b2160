"""Which of the rescored shapes may be as good as the best one."""

import math

import numpy as np
import pandas as pd

from lrshape.analysis.comparisons import comparison_columns, keys_of
from lrshape.analysis.design import Scale
from lrshape.analysis.margin import half_spread
from lrshape.analysis.paired import PairedSamples
from lrshape.analysis.scores import best_base_lrs, is_baseline
from lrshape.analysis.tables import where
from lrshape.errors import InputError


def near_optimal(
    scores: pd.DataFrame, samples: PairedSamples, scale: Scale, margin: float | None = None
) -> pd.DataFrame:
    """The rescored shapes, and which of them may be within a margin of the best one.

    A shape is *outside* if it is shown to be worse than the best by more than the margin: the interval
    of its effect, paired over the seeds of the phase, lies above it. It is *inside* if that interval lies
    at or below the margin. Else it is *open*; the near-optimal set is the best, those inside and those
    that are open.

    This is a statement about each shape by itself, as a confidence set is: it is not corrected for the
    number of shapes. The best is chosen by the very seeds that it is compared on, and so looks better
    than it is, which puts others outside too readily; that only one tail of the interval does so makes
    up for it in part: in the worst case, no margin and all shapes equal, a shape is put outside in 4 to 7%
    of studies with 12 shapes and in 6 to 11% with 50 (docs/statistics.md). *Inside* is a statement about
    the reference, which may not be the true best.

    Args:
        scores: of all phases, as `lrshape.analysis.scores.scores` returns them.
        samples: of the same trials.
        scale: of the metric.
        margin: in the unit of effects, at least 0; None: half of the best shape's spread over seeds.

    Returns:
        One row a shape that is no baseline, at its best base LR of the phase, best first: ``shape,
        family, params, base_lr, seeds, score, low, high, rank, effect, effect_low, effect_high,
        difference, difference_low, difference_high, margin, verdict``. Effects and differences are the
        shape's minus the best one's; ``verdict`` is ``best``, ``inside``, ``open``, ``outside``, or
        ``unknown`` where there are too few seeds for any interval. No rows if the best is infinite, or
        no shape was rescored.

    Raises:
        InputError: if the margin is negative.
    """
    if margin is not None and not margin >= 0:
        raise InputError(f"margin must be at least 0, got {margin}")
    rows = where(scores, (scores["phase"] == "rescore") & ~is_baseline(scores))
    table = best_base_lrs(rows).drop(columns=["phase", "edge", "tried", "diverged", "failed"])
    if table.empty or math.isinf(table["score"].iloc[0]):
        table = table.iloc[:0]
    keys = keys_of(table)
    if margin is None:
        spread = samples.values("rescore", keys[0]).to_numpy(np.float64) if keys else np.empty(0)
        margin = half_spread(spread, scale)
    columns = comparison_columns(
        [samples.compare("rescore", keys[0], key) if key != keys[0] else None for key in keys]
    )
    effects = {name: columns[name] for name in columns if name.startswith(("effect", "difference"))}
    ends = zip(columns["effect_low"], columns["effect_high"], strict=True)
    verdicts = [_place(margin, low, high) for low, high in ends]
    table = table.assign(**effects, margin=margin, verdict=pd.Series(verdicts, table.index, "str"))
    table.loc[table.index[:1], ["effect", "difference"]] = 0.0
    table.loc[table.index[:1], "verdict"] = "best"
    return table


def _place(margin: float, low: float, high: float) -> str:
    """Where an effect with an interval lies, seen from the margin."""
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    return "inside" if high <= margin else "outside" if low > margin else "open"
