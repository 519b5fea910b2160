"""The rescore phase: the best shapes on fresh seeds, all of them or only while they may still win."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.scores import samples_by_seed
from lrshape.procedure.trial import Candidate

RUNGS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
"""Seeds after which a race drops what cannot win."""


def rungs(seeds: int) -> list[int]:
    """The rungs of a race over ``seeds`` seeds, which is the last.

    Example:
        >>> rungs(20)
        [1, 3, 10, 20]
    """
    return [rung for rung in RUNGS if rung < seeds] + [seeds]


def drop_losers(
    trials: pd.DataFrame, metric: str, candidates: list[Candidate], error: float
) -> list[Candidate]:
    """Return the candidates that may still be the best.

    A candidate is dropped if a paired one-sided t-test over the common seeds rejects, at the level ``error``
    divided by the number of candidates, that it is as good as the one with the best median. The scores are
    compared by their logarithms if all are positive, which makes noise symmetric and alike for all; a
    training that diverged counts as the worst finite one. With fewer than three seeds none is dropped.

    Args:
        trials: of the candidates, any order.
        metric: the metric that is minimised.
        candidates: shapes at base LRs.
        error: chance that the best of the candidates is dropped here, at most, in (0, 1).

    Source: racing by paired tests: Maron & Moore, "The racing algorithm" (1997).
    """
    table = pd.DataFrame(
        {"shape": [shape.id for shape, _ in candidates], "base_lr": [lr for _, lr in candidates]}
    )
    # The seeds that all have, which are those of the candidates that have run the fewest.
    values = pd.concat(samples_by_seed(trials, metric, table), axis=1, join="inner").to_numpy(np.float64)
    if len(values) < 3 or len(candidates) < 2:
        return candidates
    middle = np.median(values, axis=0)
    if not np.isfinite(middle).any():
        return candidates
    best = int(np.argmin(middle))
    worse = _p_values(_comparable(values), best) < error / (len(candidates) - 1)
    return [c for i, c in enumerate(candidates) if i == best or not worse[i]]


def _comparable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = np.isfinite(values)
    y = np.where(finite, values, values[finite].max())
    return np.log(y) if (y > 0).all() else y


def _p_values(y: NDArray[np.float64], best: int) -> NDArray[np.float64]:
    """One-sided: how likely such a lead of the best one would be between equals, (candidates,)."""
    from scipy import stats  # slow to import

    difference = y - y[:, [best]]
    mean, spread = difference.mean(axis=0), difference.std(axis=0, ddof=1)
    exact = spread <= 1e-12 * np.maximum(np.abs(mean), 1e-300)  # no noise: any lead is one
    t = mean / np.where(exact, 1.0, spread / np.sqrt(len(y)))
    return np.where(exact, np.where(mean > 0, 0.0, 1.0), stats.t.sf(t, len(y) - 1))
