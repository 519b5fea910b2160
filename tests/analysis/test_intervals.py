import inspect
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lrshape.analysis.intervals import (
    holm,
    interval_ranks,
    median_interval,
    paired_difference,
    resampled_differences,
    tail_share,
    two_sided,
)
from lrshape.errors import InputError

INF = math.inf
losses = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.just(INF), st.sampled_from([0.0, 1.0])
)
samples = st.lists(losses, min_size=1, max_size=30)


def outside(n, rank):
    """Chance that fewer than ``rank`` of n values lie below the median."""
    return sum(math.comb(n, k) for k in range(rank)) / 2**n


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 9, 10, 20, 33, 100])
def test_the_ranks_are_the_widest_tails_that_the_confidence_allows(n, confidence):
    low, high = interval_ranks(n, confidence)
    tail = (1 - confidence) / 2
    if low < 0:
        assert outside(n, 1) >= tail - 1e-12
        return
    assert low == n - 1 - high
    assert outside(n, low + 1) <= tail  # the low end is the (low + 1)-th smallest
    assert outside(n, low + 2) >= tail - 1e-12  # and the next one would be too much


def test_a_hand_computed_interval():
    # 20 values: at most 5 below the median has probability 0.0207, at most 6 has 0.0577.
    assert interval_ranks(20) == (5, 14)
    assert median_interval(np.arange(20.0)[::-1]) == (9.5, 5.0, 14.0)
    assert median_interval([6, 5, 4, 3, 2, 1]) == (3.5, 1.0, 6.0)


def test_too_few_values_for_the_confidence():
    assert math.isnan(median_interval([1, 2, 3, 4, 5]).low)
    assert math.isnan(median_interval([1, 2, 3, 4, 5]).high)
    assert median_interval([1, 2, 3, 4, 5], 0.9) == (3.0, 1.0, 5.0)
    assert all(math.isnan(v) for v in median_interval([]))


def test_infinities_and_ties_in_the_interval():
    assert median_interval([1, 2, 3, INF, INF, INF]) == (INF, 1.0, INF)
    assert median_interval([INF] * 7) == (INF, INF, INF)
    assert median_interval([2] * 8) == (2.0, 2.0, 2.0)
    assert median_interval([1, 1, 1, math.nan, -INF, 1, 1]) == (1.0, 1.0, INF)
    assert median_interval([1e308, 1.7e308]).estimate == pytest.approx(1.35e308)
    assert median_interval([5e-324, 5e-324]).estimate == 5e-324


def test_coverage_is_at_least_nominal():
    generator = np.random.default_rng(0)
    studies = 20_000
    for n in (6, 10, 20):
        low, high = interval_ranks(n)
        for sample, median in (
            (generator.normal(size=(studies, n)), 0.0),
            (generator.lognormal(sigma=2, size=(studies, n)), 1.0),
            (np.where(generator.random((studies, n)) < 0.4, INF, generator.random((studies, n))), 5 / 6),
        ):
            ordered = np.sort(sample, axis=1)
            covered = np.mean((ordered[:, low] <= median) & (median <= ordered[:, high]))
            exact = 1 - 2 * outside(n, low + 1)
            assert exact >= 0.95
            assert abs(covered - exact) < 4 * math.sqrt(exact * (1 - exact) / studies)


@given(samples)
def test_an_infinity_never_lowers_a_median(values):
    assert median_interval([*values, INF]).estimate >= median_interval(values).estimate


@given(samples, st.randoms())
def test_the_order_of_values_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    np.testing.assert_array_equal(median_interval(shuffled), median_interval(values))


@given(samples)
def test_the_interval_holds_its_estimate(values):
    estimate, low, high = median_interval(values)
    assert estimate == np.sort(values)[len(values) // 2] or len(values) % 2 == 0
    assert math.isnan(low) == math.isnan(high) == (len(values) < 6)
    assert math.isnan(low) or low <= estimate <= high


@pytest.mark.parametrize("confidence", [0, 1, -1, 95, math.nan])
def test_confidence_is_checked(confidence):
    with pytest.raises(InputError, match="confidence"):
        median_interval([1.0] * 6, confidence)
    with pytest.raises(InputError, match="confidence"):
        paired_difference([1.0] * 6, [1.0] * 6, confidence)


def test_pairing_finds_what_noise_of_seeds_hides():
    generator = np.random.default_rng(0)
    of_seed = generator.normal(size=20)
    a = of_seed + 0.2 + 0.02 * generator.normal(size=20)
    b = of_seed + 0.02 * generator.normal(size=20)
    paired = paired_difference(a, b)
    assert paired.low > 0
    assert paired.p_value < 0.01
    assert paired.low < 0.2 < paired.high
    broken = paired_difference(a, generator.permutation(b))
    assert broken.low < 0 < broken.high
    assert broken.p_value > 0.1


def test_the_bootstrap_agrees_with_scipy():
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(2, 15))

    def difference(x, y, axis):
        return np.median(x, axis) - np.median(y, axis)

    # The name of SciPy's argument depends on its version.
    seeded: Any = {
        "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state": generator
    }
    confidence = 0.95
    ours = paired_difference(a, b, confidence, resamples=50_000)
    theirs = stats.bootstrap(
        (a, b), difference, paired=True, n_resamples=50_000, method="percentile",
        confidence_level=1 - 2 * tail_share(15, confidence), **seeded,
    ).confidence_interval  # fmt: skip
    assert ours.estimate == np.median(a) - np.median(b)
    assert ours.low == pytest.approx(theirs.low, abs=0.05)
    assert ours.high == pytest.approx(theirs.high, abs=0.05)


@pytest.mark.parametrize("n", [6, 10])
@pytest.mark.parametrize("kind", ["normal", "heavy", "ties", "diverging", "diverging together"])
def test_the_difference_covers_the_truth(n, kind):
    """Fewer studies and resamples than benchmarks/statistics.py has, by the same functions as the code."""
    generator = np.random.default_rng(n)
    studies, resamples, truth = 2_000, 500, 1.0
    of_seed, *own = generator.normal(size=(3, studies, n))
    a, b = of_seed + 0.7 * own[0], of_seed + 0.7 * own[1]
    if kind == "heavy":
        a, b = (x / np.sqrt(generator.chisquare(2, (studies, n)) / 2) for x in (a, b))
    if kind == "ties":
        a, b = np.round(2 * a) / 2, np.round(2 * b) / 2
    a += truth
    if kind.startswith("diverging"):
        lost = generator.random((2, studies, n)) < 0.2
        a[lost[0]], b[lost[0 if kind == "diverging together" else 1]] = INF, INF
    differences = resampled_differences(a, b, resamples)
    cut = int(tail_share(n) * resamples)
    unknown = np.isnan(differences)
    below = np.sum(unknown | (differences <= truth), axis=1)
    above = np.sum(unknown | (differences >= truth), axis=1)
    covered = np.mean((below > cut) & (above > cut))
    assert covered > 0.95 - 3 * math.sqrt(0.95 * 0.05 / studies)
    assert covered < 1  # or it would say nothing
    one = paired_difference(a[0], b[0], resamples=resamples)
    assert (one.low <= truth <= one.high) == (below[0] > cut < above[0]) or math.isnan(one.low)


@pytest.mark.parametrize("n", [6, 10, 40])
def test_the_tails_are_those_of_the_t_interval_and_the_p_value_inverts_them(n):
    for confidence in (0.5, 0.9, 0.95):
        share = tail_share(n, confidence)
        assert share < (1 - confidence) / 2
        half_width = -stats.norm.ppf(share) * math.sqrt((n - 1) / n)  # in standard errors
        assert half_width == pytest.approx(stats.t.ppf(0.5 + confidence / 2, n - 1))
        assert two_sided(share, n) == pytest.approx(1 - confidence)
    assert tail_share(10**6) == pytest.approx(0.025, rel=1e-3)
    assert two_sided([0.5, 0.9], n).tolist() == [1.0, 1.0]


def test_the_interval_excludes_0_where_the_p_value_is_small():
    generator = np.random.default_rng(5)
    decided = set()
    for shift in np.linspace(0, 2, 60):
        a, b = generator.normal(size=(2, 12))
        found = paired_difference(a + shift, b, resamples=2000)
        if abs(found.p_value - 0.05) > 0.003:
            decided.add(found.p_value < 0.05)
            assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)
    assert decided == {True, False}


def test_degenerate_differences():
    assert paired_difference([2.0] * 10, [2.0] * 10) == (0.0, 0.0, 0.0, 1.0)
    shifted = paired_difference([2.0] * 10, [1.0] * 10)
    assert shifted == (1.0, 1.0, 1.0, pytest.approx(float(two_sided(1 / 10_001, 10))))
    few = paired_difference([2.0] * 5, [1.0] * 5)
    assert few.estimate == 1.0
    assert all(math.isnan(v) for v in few[1:])
    assert all(math.isnan(v) for v in paired_difference([], []))


def test_infinite_differences():
    finite, diverged = [1.0] * 8, [INF] * 8
    assert all(math.isnan(v) for v in paired_difference(diverged, diverged))
    assert paired_difference(diverged, finite)[:3] == (INF, INF, INF)
    assert paired_difference(finite, diverged)[:3] == (-INF, -INF, -INF)
    assert paired_difference(diverged, finite).p_value < 0.02
    some = paired_difference([1.0] * 6 + [INF] * 4, [0.5] * 10)
    assert some.estimate == 0.5
    assert some.low == 0.5
    assert some.high == INF
    both = paired_difference([1.0] * 6 + [INF] * 4, [0.5] * 6 + [INF] * 4)
    assert both.estimate == 0.5
    assert (both.low, both.high) == (-INF, INF)  # more resamples than the tails diverge in both
    assert both.p_value > 0.05
    assert paired_difference([1.7e308] * 6, [-1.7e308] * 6).estimate == INF


@given(st.lists(st.tuples(losses, losses), min_size=1, max_size=12), st.randoms())
def test_properties_of_the_difference(pairs, random):
    a, b = np.array(pairs).T
    result = paired_difference(a, b, resamples=200)
    opposite = paired_difference(b, a, resamples=200)
    np.testing.assert_array_equal([-result.estimate, -result.high, -result.low], opposite[:3])
    np.testing.assert_array_equal(result.p_value, opposite.p_value)
    again = paired_difference(a, b, resamples=200)
    np.testing.assert_array_equal(again, result)
    assert not result.low > result.high
    assert math.isnan(result.p_value) or 0 < result.p_value <= 1
    order = random.sample(range(len(a)), len(a))
    np.testing.assert_array_equal(
        paired_difference(a[order], b[order], resamples=200).estimate, result.estimate
    )


def test_pairs_must_match():
    with pytest.raises(InputError, match=r"\(3,\) and \(2,\)"):
        paired_difference([1, 2, 3], [1, 2])
    with pytest.raises(InputError, match="resamples"):
        paired_difference([1.0], [1.0], resamples=0)


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, then never falling.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.01, math.nan, 0.8, 0.7]), [0.03, math.nan, 1.0, 1.0])
    assert holm([]).shape == (0,)
    assert np.isnan(holm([math.nan, math.nan])).all()


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=10))
def test_holm_is_between_the_p_value_and_bonferroni(p):
    p = np.array(p)
    adjusted, made = holm(p), ~np.isnan(p)
    assert (np.isnan(adjusted) == np.isnan(p)).all()
    assert (adjusted[made] >= p[made]).all()
    assert (adjusted[made] <= np.minimum(1, made.sum() * p[made])).all()
    order = np.argsort(p[made])
    assert (np.diff(adjusted[made][order]) >= 0).all()
