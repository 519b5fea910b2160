"""How good the best of n shapes of a family is."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lrshape.analysis.intervals import penalised


def best_of_n(shape_scores: ArrayLike, sizes: Sequence[int], confidence: float = 0.95) -> pd.DataFrame:
    """How good the best of n screened shapes is, by the scores of more shapes than that.

    The score of the best of n is a random number, since it depends on which n; its median is returned, not
    its mean: a mean over +inf, a shape that diverged everywhere, says nothing. The median is exact over all
    subsets without replacement: the best of n of N shapes is at most the i-th smallest score with the
    probability 1 - C(N - i, n)/C(N, n), so the median is the first at which that reaches 1/2.

    In the family the median of the best of n is the quantile 1 - 2^(-1/n) of the scores. The interval is
    that quantile's, between two order statistics, exact for any distribution of scores
    (`scipy.stats.quantile_test`). It is not bootstrapped, because the bootstrap of a minimum is inconsistent
    (Bickel & Freedman 1981): no resample holds a better shape than the best one. Beyond about N/5 the
    interval is open below: N shapes do not bound how good a better one might be.

    Args:
        shape_scores: shape ``(N,)``, one score a shape, lower is better; not finite: it diverged.
        sizes: numbers n of shapes, each in [1, N].
        confidence: of each interval by itself, in (0, 1).

    Returns:
        One row a size: ``size, score, low, high``. ``low`` and ``high`` are NaN where N shapes are too few
        for that end.

    Example:
        >>> best_of_n([0.1, 0.2, 0.3, float("inf")], [1, 2, 4])["score"].tolist()
        [0.2, 0.1, 0.1]
    """
    v = np.sort(penalised(shape_scores).ravel())
    rows = []
    for size in sizes:
        low, high = _quantile_ranks(len(v), size, confidence)
        ends = [math.nan if rank < 0 else float(v[rank]) for rank in (low, high)]
        rows.append((size, float(v[_median_rank(len(v), size)]), *ends))
    return pd.DataFrame(rows, columns=["size", "score", "low", "high"])


def _median_rank(shapes: int, size: int) -> int:
    """0-based place of the median best of ``size`` among ``shapes`` sorted scores."""
    subsets = math.comb(shapes, size)
    return next(i for i in range(shapes) if 2 * math.comb(shapes - i - 1, size) <= subsets)


@lru_cache(maxsize=4096)
def _quantile_ranks(shapes: int, size: int, confidence: float) -> tuple[int, int]:
    """0-based places of the interval's ends among ``shapes`` sorted scores; -1 where there is none."""
    from scipy import stats  # slow to import

    test = stats.quantile_test(np.arange(shapes), p=-math.expm1(-math.log(2) / size))
    low, high = test.confidence_interval(confidence)
    return (-1 if np.isnan(low) else int(low)), (-1 if np.isnan(high) else int(high))
