"""Medians over seeds, paired differences and the best of n shapes, each with its exact interval.

A value that is not finite counts as +inf, the worst score: it is never dropped and never averaged.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError

Array = NDArray[np.float64]

CONFIDENCE = 0.95
"""Of an interval by itself."""

MANY = 1000
"""Seeds up to which null distributions are counted out."""


class Interval(NamedTuple):
    """A median and the interval that holds the population's median.

    ``low`` and ``high`` are values of the sample (or +inf); NaN where there are too few for the confidence.
    """

    estimate: float
    low: float
    high: float


class Difference(NamedTuple):
    """The centre of paired differences, its interval, and the two-sided p-value of the test that it is 0.

    NaN stands for what cannot be said: all four where no difference is known, ``low``, ``high`` and
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


def median_interval(values: ArrayLike) -> Interval:
    """Median of a sample with its exact, distribution-free 95% interval between two order statistics.

    It inverts the sign test, as `scipy.stats.quantile_test` does, and so holds at least that confidence for
    any distribution, ties and infinities included. It needs 6 values.

    Args:
        values: shape ``(seeds,)``, any number of values; an empty sample gives NaN.

    Example:
        >>> median_interval([3.0, 1.0, 2.0, float("inf"), 5.0, 4.0])
        Interval(estimate=3.5, low=1.0, high=inf)
    """
    v = np.sort(penalised(values).ravel())
    n = len(v)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan)
    estimate = float(middle(v[(n - 1) // 2], v[n // 2]))
    low, high = interval_ranks(n)
    if low < 0:
        return Interval(estimate, np.nan, np.nan)
    return Interval(estimate, float(v[low]), float(v[high]))


@lru_cache(maxsize=1024)
def interval_ranks(n: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """0-based positions, in a sorted sample of ``n``, of the ends of the median's interval.

    ``(-1, -1)`` where no interval has the confidence.

    Raises:
        InputError: if ``confidence`` is not in (0, 1).
    """
    rank = _end(_sign_null(n), confidence)
    return (-1, -1) if rank < 0 else (rank, n - 1 - rank)


def paired_difference(a: ArrayLike, b: ArrayLike, confidence: float = CONFIDENCE) -> Difference:
    """The median of the paired differences a[i] - b[i], where a[i] and b[i] come from the same seed.

    See `sign_interval`. Where both are infinite the difference is unknown; for the estimate it counts as 0.

    Args:
        a: shape ``(seeds,)``.
        b: shape ``(seeds,)``, the same seeds in the same order.
        confidence: in (0, 1).

    Raises:
        InputError: if the shapes differ or the confidence is out of range.

    Example:
        >>> paired_difference([2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.5])
        Difference(estimate=1.0, low=0.5, high=1.0, p_value=0.03125)
    """
    a, b = penalised(a), penalised(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise InputError(f"paired samples must have one shape (seeds,), got {a.shape} and {b.shape}")
    return sign_interval(subtract(a, b), confidence)


def subtract(a: Array, b: Array) -> Array:
    """Differences a - b; NaN, unknown, where both are infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return a - b


def sign_interval(differences: ArrayLike, confidence: float = CONFIDENCE) -> Difference:
    """The median of a sample of differences, with its exact interval and the sign test that it is 0.

    It assumes only that the differences are independent. The interval is the set of medians that the test
    does not reject, so that it excludes 0 exactly if the p-value is at most 1 - confidence. What is tied with
    the tested median counts against either side, and so does an unknown difference, NaN.

    Args:
        differences: shape ``(n,)``; infinite ones are known.
        confidence: in (0, 1).
    """
    values = np.asarray(differences, np.float64)
    return _centre(values, values, _sign_null(len(values)), confidence)


def sign_tails(differences: ArrayLike, at: float) -> tuple[float, float]:
    """One-sided p-values of the sign test: small if the median is above the value, small if it is below.

    Args:
        differences: shape ``(n,)``; NaN counts against either.
        at: the value; at 0 twice the smaller p-value is that of `sign_interval`.
    """
    values = np.asarray(differences, np.float64)
    return _tails(values, _sign_null(len(values)), at)


def hodges_lehmann(differences: ArrayLike, confidence: float = CONFIDENCE) -> Difference:
    """The pseudo-median of differences, which equals the median if they are distributed symmetrically.

    The median of the means of all pairs (Walsh averages), with the interval and p-value of Wilcoxon's
    signed-rank test, exact up to `MANY` differences; of more nothing is known, because the exact test takes
    their cube. Ties and unknown means count against either side. Narrower than
    `sign_interval` under symmetry; without it the test rejects equal medians far too often, the more so the
    more seeds there are. Source: Hodges & Lehmann (1963).

    Args:
        differences: shape ``(n,)``; NaN is unknown.
        confidence: in (0, 1).
    """
    values = np.asarray(differences, np.float64)
    if len(values) > MANY:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    first, second = np.triu_indices(len(values))

    def means(of: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            return 0.5 * of[first] + 0.5 * of[second]

    found, unknown = means(values), np.isnan(values)
    filled = means(np.where(unknown, 0.0, values)) if unknown.any() else found
    return _centre(found, filled, _signed_rank_null(len(values)), confidence)


def _centre(values: Array, filled: Array, null: Array, confidence: float) -> Difference:
    """The median of values, NaN where unknown, and what their counts at or below it say of the centre.

    A difference is unknown where both sides are infinite and so equally bad: it counts as 0 in the median,
    and may have any value in the interval. ``filled`` has the values that follow from the former; a NaN in it
    is 0. ``null`` has the probabilities that at most k of the n values lie below the centre, k = 0, ..., n.
    """
    rank = _end(null, confidence)
    ordered = np.sort(values)  # unknown ones come last
    known = ordered[: np.sum(~np.isnan(ordered))]
    unknown = len(values) - len(known)
    if not len(known):
        return Difference(np.nan, np.nan, np.nan, np.nan)
    with np.errstate(invalid="ignore"):  # of -inf and +inf the middle is unknown
        estimate = float(medians(np.where(np.isnan(filled), 0.0, filled)))
    if rank < 0:
        return Difference(estimate, np.nan, np.nan, np.nan)
    # An unknown value may lie anywhere: below all others for the lower end, above them for the upper one.
    low = -np.inf if rank < unknown else float(known[rank - unknown])
    high = np.inf if rank < unknown else float(known[len(values) - 1 - rank])
    return Difference(estimate, low, high, min(1.0, 2.0 * min(_tails(values, null, 0.0))))


def _tails(values: Array, null: Array, at: float) -> tuple[float, float]:
    """One-sided p-values for centres above and below ``at``, see `sign_tails`."""
    return float(null[np.sum(~(values > at))]), float(null[np.sum(~(values < at))])


def _end(null: Array, confidence: float) -> int:
    """0-based rank of the interval's lower end; -1 if none has the confidence."""
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be in (0, 1), got {confidence}")
    return int(np.searchsorted(null, 0.5 * (1 - confidence), side="right")) - 1


@lru_cache(maxsize=1024)
def _sign_null(n: int) -> Array:
    """P(at most k of n values lie below their median), for k = 0, ..., n."""
    if n > MANY:
        from scipy.stats import binom  # slow to import

        return np.asarray(binom.cdf(np.arange(n + 1), n, 0.5))
    subsets = accumulate(math.comb(n, k) for k in range(n + 1))
    return np.array([count / 2**n for count in subsets])


@lru_cache(maxsize=64)
def _signed_rank_null(n: int) -> Array:
    """P(at most k of the n (n + 1)/2 Walsh averages lie below the centre), for all k."""
    mass = np.ones(1)
    for rank in range(1, n + 1):  # each rank is on either side with the probability 1/2
        mass = 0.5 * (np.pad(mass, (0, rank)) + np.pad(mass, (rank, 0)))
    return np.minimum(np.cumsum(mass), 1.0)


def holm(p_values: Sequence[float] | Array, others: int = 0) -> Array:
    """Adjust p-values, shape ``(n,)``, for making all ``n`` tests at once (Holm 1979).

    A NaN is a test that was not made: it stays NaN and does not count.

    Args:
        p_values: of the tests.
        others: tests whose p-values are not known; they are taken for larger.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(9).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    factors = others + np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted


def best_of_n(shape_scores: ArrayLike, sizes: Sequence[int]) -> pd.DataFrame:
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

    Returns:
        One row a size: ``size, score, low, high``. ``low`` and ``high``, the ends of each size's own 95%
        interval, are NaN where N shapes are too few for that end.

    Example:
        >>> best_of_n([0.1, 0.2, 0.3, float("inf")], [1, 2, 4])["score"].tolist()
        [0.2, 0.1, 0.1]
    """
    v = np.sort(penalised(shape_scores).ravel())
    rows = []
    for size in sizes:
        low, high = _quantile_ranks(len(v), size)
        ends = [math.nan if rank < 0 else float(v[rank]) for rank in (low, high)]
        rows.append((size, float(v[_median_rank(len(v), size)]), *ends))
    return pd.DataFrame(rows, columns=["size", "score", "low", "high"])


def _median_rank(shapes: int, size: int) -> int:
    """0-based place of the median best of ``size`` among ``shapes`` sorted scores."""
    subsets = math.comb(shapes, size)
    return next(i for i in range(shapes) if 2 * math.comb(shapes - i - 1, size) <= subsets)


@lru_cache(maxsize=4096)
def _quantile_ranks(shapes: int, size: int) -> tuple[int, int]:
    """0-based places of the interval's ends among ``shapes`` sorted scores; -1 where there is none."""
    from scipy import stats  # slow to import

    test = stats.quantile_test(np.arange(shapes), p=-math.expm1(-math.log(2) / size))
    low, high = test.confidence_interval(CONFIDENCE)
    return (-1 if np.isnan(low) else int(low)), (-1 if np.isnan(high) else int(high))


def medians(samples: Array) -> Array:
    """Medians along the last axis; `numpy.median` overflows, with a warning, on values that are finite.

    Args:
        samples: shape ``(..., values)``, no NaN, at least one value.
    """
    n = samples.shape[-1]
    low, high = (n - 1) // 2, n // 2
    ordered = np.partition(samples, (low, high), axis=-1)
    return middle(ordered[..., low], ordered[..., high])
