"""What was tried for a schedule, and the base LRs among which its best one is sought."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.scores import metric_values
from lrshape.analysis.tables import where
from lrshape.procedure.known_trials import POINT

Array = NDArray[np.float64]

STEP = 1 / 12
"""Octaves between the base LRs among which the best is sought."""

BEYOND = 12
"""Steps that it is sought beyond those tried: an octave."""


def tried_base_lrs(trials: pd.DataFrame, metric: str, shapes: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The base LRs that were tried for each shape, ascending: ``base_lr, hyperparameters, diverged``.

    ``diverged`` says whether half of these trials, or more, have no finite metric.
    """
    rows = where(trials, trials["shape"].isin(list(shapes)))
    lost = ~np.isfinite(metric_values(rows, metric))
    table = rows[POINT].astype({"shape": str, "hyperparameters": str}).assign(diverged=lost)
    found = table.groupby(POINT, observed=True, sort=True, as_index=False).agg({"diverged": "mean"})
    found = found.assign(diverged=found["diverged"] >= 0.5)
    return {str(name): rows for name, rows in found.groupby("shape", observed=True, sort=False)}


def base_lr_grid(tried: pd.DataFrame, reach: float = 0.0) -> tuple[Array, Array, float]:
    """Base LRs among which the best is sought, as base-2 logarithms.

    Args:
        tried: see `tried_base_lrs`; some did not diverge.
        reach: octaves below those tried that may be trusted untried.

    Returns:
        Those that may be trusted, ascending; those up to an octave beyond them, below the limit; and the
        limit, the smallest one above them that diverged, or infinity.
    """
    rates = tried["base_lr"].to_numpy(np.float64)
    bad = tried["diverged"].to_numpy(bool)
    low, high = math.log2(rates[~bad].min()), math.log2(rates[~bad].max())
    above = rates[bad & (rates > 2**high)]
    limit = math.log2(above.min()) if len(above) else math.inf
    low -= reach
    inside = np.linspace(low, high, max(2, round((high - low) / STEP) + 1)) if high > low else [low]
    outside = [low - STEP * (i + 1) for i in range(BEYOND)]
    outside += [x for i in range(BEYOND) if (x := high + STEP * (i + 1)) < limit]
    return np.asarray(inside), np.asarray(outside), limit
