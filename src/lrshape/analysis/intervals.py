"""Medians over seeds, paired differences and the best of n shapes, each with its interval.

A value that is not finite counts as +inf, the worst score: it is never dropped and never averaged.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """A median and the interval that holds the population's median.

    ``low`` and ``high`` are values of the sample (or +inf); NaN where there are too few for the confidence.
    """

    estimate: float
    low: float
    high: float


class Difference(NamedTuple):
    """A difference of two medians over the same seeds, its interval and two-sided p-value.

    NaN stands for what cannot be said: all four where both medians are infinite, ``low``, ``high`` and
    ``p_value`` where there are too few seeds.
    """

    estimate: float
    low: float
    high: float
    p_value: float


def penalised(values: ArrayLike) -> Array:
    """Return float64 values in which everything that is not finite is +inf."""
    v = np.asarray(values, np.float64)
    return np.where(np.isfinite(v), v, np.inf)


def middle(low: Array, high: Array) -> Array:
    """Mean of the two middle values of a sample, ``low <= high``; exact for +inf, and never overflows."""
    return np.clip(0.5 * low + 0.5 * high, low, high)


def median_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """Median of a sample with its exact, distribution-free interval between two order statistics.

    It inverts the sign test, as `scipy.stats.quantile_test` does, and so holds at least the stated
    confidence for any distribution, ties and infinities included. At 95% it needs 6 values.

    Args:
        values: shape ``(seeds,)``, any number of values; an empty sample gives NaN.
        confidence: in (0, 1).

    Example:
        >>> median_interval([3.0, 1.0, 2.0, float("inf"), 5.0, 4.0])
        Interval(estimate=3.5, low=1.0, high=inf)
    """
    v = np.sort(penalised(values).ravel())
    n = len(v)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan)
    estimate = float(middle(v[(n - 1) // 2], v[n // 2]))
    low, high = interval_ranks(n, confidence)
    if low < 0:
        return Interval(estimate, np.nan, np.nan)
    return Interval(estimate, float(v[low]), float(v[high]))


@lru_cache(maxsize=1024)
def interval_ranks(n: int, confidence: float = 0.95) -> tuple[int, int]:
    """0-based positions, in a sorted sample of ``n``, of the ends of the median's interval.

    ``(-1, -1)`` where no interval has the confidence.

    Raises:
        InputError: if ``confidence`` is not in (0, 1).
    """
    from scipy import stats  # slow to import

    _check_confidence(confidence)
    # The interval of the sample 0, 1, ..., n - 1 consists of the positions themselves.
    low, high = stats.quantile_test(np.arange(n)).confidence_interval(confidence)
    return (-1, -1) if np.isnan(low) or np.isnan(high) else (int(low), int(high))


def paired_difference(
    a: ArrayLike, b: ArrayLike, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Difference:
    """Difference of medians, median(a) - median(b), where a[i] and b[i] come from the same seed.

    Expanded percentile bootstrap over seeds: both samples are resampled together, so that what seeds do to
    both cancels (Efron & Tibshirani 1993, chapter 13), and the tails that are cut off are those of
    `tail_share`, since the plain percentile interval is too short for few seeds (Hesterberg 2015, section
    5.3). The p-value inverts the interval: it is the smallest 1 - confidence whose interval excludes 0,
    with one added to the count of resamples beyond 0, hence never 0. (Not BCa: its jackknife is
    inconsistent for medians. `scipy.stats.bootstrap` gives NaN and a warning when infinities meet.)

    A resample in which both medians are infinite could have any difference: it counts on either side, and
    where more than the tails are such, the interval is the whole line. The ends of the interval are
    resampled values, not interpolated ones. docs/statistics.md has the measured coverage: at least nominal
    from 6 seeds on. With fewer seeds than `median_interval` needs nothing is said.

    Args:
        a: shape ``(seeds,)``.
        b: shape ``(seeds,)``, the same seeds in the same order.
        confidence: in (0, 1).
        resamples: how many, at least 1.
        seed: of the resampling; the same seed gives the same result.

    Raises:
        InputError: if the shapes differ or an argument is out of range.

    Example:
        >>> paired_difference([2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).low
        1.0
    """
    _check_confidence(confidence)
    a, b = penalised(a), penalised(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"paired samples must have one shape (seeds,), got {a.shape} and {b.shape}")
    if resamples < 1:
        raise InputError(f"resamples must be at least 1, got {resamples}")
    n = len(a)
    if n == 0:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    estimate = float(_subtract(medians(a[None]), medians(b[None]))[0])
    if np.isnan(estimate) or interval_ranks(n, confidence)[0] < 0:
        return Difference(estimate, np.nan, np.nan, np.nan)
    differences = resampled_differences(a, b, resamples, seed)
    smallest, largest = (np.where(np.isnan(differences), end, differences) for end in (-np.inf, np.inf))
    cut = int(np.floor(tail_share(n, confidence) * resamples))
    low = float(np.partition(smallest, cut)[cut])
    high = float(np.partition(largest, resamples - 1 - cut)[resamples - 1 - cut])
    beyond = (min(np.sum(smallest <= 0), np.sum(largest >= 0)) + 1) / (resamples + 1)
    return Difference(estimate, low, high, float(two_sided(beyond, n)))


def resampled_differences(a: Array, b: Array, resamples: int, seed: int = 0) -> Array:
    """Differences of medians in bootstrap resamples of the seeds, the same resamples for every study.

    Args:
        a: shape ``(..., seeds)``, +inf for what is not finite.
        b: the same shape.
        resamples: how many.
        seed: of the resampling.

    Returns:
        Shape ``(..., resamples)``; NaN where both medians are infinite.
    """
    rows = _resampled_rows(a.shape[-1], resamples, seed)
    return _subtract(medians(a[..., rows]), medians(b[..., rows]))


def tail_share(n: int, confidence: float = 0.95) -> float:
    """Share of the resamples of ``n`` values that an interval leaves out at each end.

    Phi(-sqrt(n/(n - 1)) t), t the quantile of Student's t with n - 1 degrees of freedom: a percentile
    interval that is as wide as the t interval where that is exact (Hesterberg 2015, "What Teachers Should
    Know About the Bootstrap", The American Statistician 69, section 5.3). It tends to (1 - confidence)/2.

    Example:
        >>> [round(tail_share(n), 4) for n in (6, 10, 20, 1000)]
        [0.0024, 0.0086, 0.0159, 0.0248]
    """
    from scipy import special  # slow to import

    _check_confidence(confidence)
    return float(special.ndtr(-np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, 0.5 + 0.5 * confidence)))


def two_sided(share: ArrayLike, n: int) -> Array:
    """The p-value, in (0, 1], of a difference with ``share`` of its resamples of ``n`` values beyond 0.

    The inverse of `tail_share`: ``two_sided(tail_share(n, c), n)`` is ``1 - c``.
    """
    from scipy import special  # slow to import

    beyond = np.minimum(np.asarray(share, np.float64), 0.5)
    return 2.0 * special.stdtr(n - 1, special.ndtri(beyond) / np.sqrt(n / (n - 1)))


def holm(p_values: Sequence[float] | Array) -> Array:
    """Adjust p-values, shape ``(n,)``, for making all ``n`` tests at once (Holm 1979).

    A NaN is a test that was not made: it stays NaN and does not count.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(9).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted


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


@lru_cache(maxsize=4)
def _resampled_rows(n: int, resamples: int, seed: int) -> NDArray[np.int64]:
    rows = np.random.default_rng(seed).integers(0, n, (resamples, n))
    rows.flags.writeable = False  # it is shared by all who ask for it
    return rows


def medians(samples: Array) -> Array:
    """Medians along the last axis; `numpy.median` overflows, with a warning, on values that are finite.

    Args:
        samples: shape ``(..., values)``, no NaN, at least one value.
    """
    n = samples.shape[-1]
    low, high = (n - 1) // 2, n // 2
    ordered = np.partition(samples, (low, high), axis=-1)
    return middle(ordered[..., low], ordered[..., high])


def _subtract(a: Array, b: Array) -> Array:
    """Difference a - b; NaN where both are infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return a - b


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be in (0, 1), got {confidence}")
