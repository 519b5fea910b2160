"""Medians over seeds, their exact intervals, and paired differences, with +inf among the values.

A value that is not finite counts as +inf, the worst score: it is never dropped and never averaged.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

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
    _check_confidence(confidence)
    # The interval of the sample 0, 1, ..., n - 1 consists of the positions themselves.
    low, high = stats.quantile_test(np.arange(n)).confidence_interval(confidence)
    return (-1, -1) if np.isnan(low) or np.isnan(high) else (int(low), int(high))


def paired_difference(
    a: ArrayLike, b: ArrayLike, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Difference:
    """Difference of medians, median(a) - median(b), where a[i] and b[i] come from the same seed.

    Percentile bootstrap over seeds (Efron & Tibshirani 1993, chapter 13): both samples are resampled
    together, so that what seeds do to both cancels. The p-value is twice the smaller share of resamples on
    one side of 0, with one added to both counts, hence never 0. (Not BCa: its jackknife is inconsistent for
    medians. `scipy.stats.bootstrap` gives NaN and a warning when infinities meet.)

    In a resample in which both medians are infinite they are tied: the difference is 0. The ends of the
    interval are resampled values, not interpolated ones. Measured coverage at 95%, normal, log-normal and
    t(2) noise: 93 to 94% with 6 seeds, 96 to 99% with 8 to 20. With fewer seeds than `median_interval`
    needs nothing is said.

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
    estimate = float(_subtract(medians(a[None]), medians(b[None]), tied=np.nan)[0])
    if np.isnan(estimate) or interval_ranks(n, confidence)[0] < 0:
        return Difference(estimate, np.nan, np.nan, np.nan)
    rows = _resampled_rows(n, resamples, seed)
    differences = np.sort(_subtract(medians(a[rows]), medians(b[rows]), tied=0.0))
    cut = int(np.floor(0.5 * (1.0 - confidence) * resamples))
    at_most = (np.sum(differences <= 0) + 1) / (resamples + 1)
    at_least = (np.sum(differences >= 0) + 1) / (resamples + 1)
    p_value = min(1.0, 2.0 * float(min(at_most, at_least)))
    return Difference(estimate, float(differences[cut]), float(differences[-1 - cut]), p_value)


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


def _subtract(a: Array, b: Array, tied: float) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.isinf(a) & np.isinf(b), tied, a - b)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be in (0, 1), got {confidence}")
