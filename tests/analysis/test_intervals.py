import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lrshape.analysis.intervals import (
    hodges_lehmann,
    holm,
    interval_ranks,
    median_interval,
    paired_difference,
    sign_interval,
    sign_tails,
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


def test_too_few_values_for_an_interval():
    assert math.isnan(median_interval([1, 2, 3, 4, 5]).low)
    assert math.isnan(median_interval([1, 2, 3, 4, 5]).high)
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
        interval_ranks(6, confidence)
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


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.996875])
@pytest.mark.parametrize("n", [6, 7, 10, 21, 160])
def test_the_sign_interval_and_its_test_agree_with_scipy(n, confidence):
    values = np.random.default_rng(n).normal(0.3, 1, n)
    found, theirs = sign_interval(values, confidence), stats.quantile_test(values)
    assert found.estimate == np.median(values)
    assert math.isnan(found.p_value) == math.isnan(found.low)  # too few for the confidence
    assert math.isnan(found.p_value) or found.p_value == pytest.approx(theirs.pvalue)
    np.testing.assert_array_equal(found[1:3], theirs.confidence_interval(confidence))


@pytest.mark.parametrize("n", [6, 10, 25])
def test_the_signed_rank_test_agrees_with_scipy(n):
    values = np.random.default_rng(n).normal(0.3, 1, n)
    found = hodges_lehmann(values)
    assert found.p_value == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)
    assert found.low <= found.estimate <= found.high
    moved = hodges_lehmann(values - found.low - 1e-9)  # the interval inverts the test
    assert moved.p_value > 0.05 >= hodges_lehmann(values - found.low + 1e-9).p_value


def test_many_differences_are_approximated_or_left_out():
    values = np.random.default_rng(0).normal(0.1, 1, 100_000)
    exact, found = sign_interval(values[:1000]), sign_interval(values)
    assert 0 < found.high - found.low < exact.high - exact.low
    assert math.isnan(hodges_lehmann(values).low)


@pytest.mark.parametrize("n", [6, 7, 8, 10])
@pytest.mark.parametrize("method", [sign_interval, hodges_lehmann])
def test_coverage_by_enumeration_of_all_signs(n, method):
    """Given their sizes, the signs of differences that are symmetric about 0 are fair coins."""
    sizes = np.sqrt(np.arange(2, n + 2))
    signs = np.array(list(product((-1, 1), repeat=n)))
    found = [method(row) for row in signs * sizes]
    covered = np.mean([d.low <= 0 <= d.high for d in found])
    assert 0.95 <= covered < 0.995
    assert covered == np.mean([d.p_value > 0.05 for d in found])
    for level in (0.01, 0.1, 0.2):
        assert np.mean([d.p_value <= level for d in found]) <= level


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.floats(-1e3, 1e3), st.sampled_from([-INF, INF, math.nan, 0.0, 1.0])), max_size=14),
    st.sampled_from([0.5, 0.9, 0.95]),
    st.randoms(),
)
def test_properties_of_intervals_of_differences(values, confidence, random):
    values = np.array(values, float)
    for method in (sign_interval, hodges_lehmann):
        found, opposite = method(values, confidence), method(-values, confidence)
        np.testing.assert_array_equal([-found.estimate, -found.high, -found.low], opposite[:3])
        np.testing.assert_array_equal(found.p_value, opposite.p_value)
        shuffled = random.sample(values.tolist(), len(values))
        np.testing.assert_array_equal(method(shuffled, confidence), found)
        assert not found.low > found.estimate
        assert not found.high < found.estimate
        if not math.isnan(found.p_value):
            assert (found.low > 0 or found.high < 0) == (found.p_value <= 1 - confidence)
        known = values[~np.isnan(values)]
        if len(known) < len(values):  # whatever an unknown one is, more is said once it is known
            for instead in (-INF, 0.0, INF):
                filled = method(np.where(np.isnan(values), instead, values), confidence)
                assert not found.low > filled.low
                assert not found.high < filled.high
                assert not found.p_value < filled.p_value
    above, below = sign_tails(values, 0.0)
    assert math.isnan(found.p_value) or sign_interval(values, confidence).p_value == min(
        1.0, 2 * min(above, below)
    )


def test_degenerate_differences():
    assert paired_difference([2.0] * 10, [2.0] * 10) == (0.0, 0.0, 0.0, 1.0)
    assert paired_difference([2.0] * 10, [1.0] * 10) == (1.0, 1.0, 1.0, 2**-9)
    few = paired_difference([2.0] * 5, [1.0] * 5)
    assert few.estimate == 1.0
    assert all(math.isnan(v) for v in few[1:])
    assert all(math.isnan(v) for v in paired_difference([], []))


def test_infinite_differences():
    finite, diverged = [1.0] * 8, [INF] * 8
    assert all(math.isnan(v) for v in paired_difference(diverged, diverged))
    assert paired_difference(diverged, finite) == (INF, INF, INF, 2**-7)
    assert paired_difference(finite, diverged)[:3] == (-INF, -INF, -INF)
    some = paired_difference([1.0] * 6 + [INF] * 4, [0.5] * 10)
    assert some == (0.5, 0.5, INF, 2**-9)
    both = paired_difference([1.0] * 6 + [INF] * 4, [0.5] * 6 + [INF] * 4)
    assert both.estimate == 0.5
    assert (both.low, both.high) == (-INF, INF)  # four that are unknown
    assert both.p_value > 0.05
    split = paired_difference([1.0] * 4 + [INF] * 6, [2.0] * 4 + [INF] * 2 + [2.0] * 4)
    assert split.estimate == 0.0  # better on four seeds, worse on four, equally bad on two
    assert (
        hodges_lehmann([math.nan] * 4 + [1.0] * 8).estimate == hodges_lehmann([0.0] * 4 + [1.0] * 8).estimate
    )
    assert paired_difference([1.7e308] * 6, [-1.7e308] * 6).estimate == INF


def test_pairs_must_match():
    with pytest.raises(InputError, match=r"\(3,\) and \(2,\)"):
        paired_difference([1, 2, 3], [1, 2])


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
