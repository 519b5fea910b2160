"""PCHIP against SciPy's, and the limits of coinciding knots."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from lrshape.shapes.interpolation import linear, pchip

T = np.linspace(0.0, 1.0, 201)
unit = st.floats(0.0, 1.0)


@st.composite
def knots(draw, gap=1e-4):
    inner = sorted(draw(st.lists(unit, min_size=1, max_size=4)))
    xs = [0.0, *inner, 1.0]
    assume(min(np.diff(xs)) > gap)
    return xs, draw(st.lists(unit, min_size=len(xs), max_size=len(xs)))


@given(knots())
@example(([0.0, 0.1, 0.9, 1.0], [0.0, 0.1, 1.0, 0.0]))  # the end derivative is cut to 3 slopes
@example(([0.0, 0.8, 0.9, 1.0], [0.0, 0.1, 0.9, 1.0]))  # the end derivative is cut to 0
@example(([0.0, 0.3, 1.0], [0.5, 0.5, 0.5]))
def test_pchip_equals_scipys(case):
    xs, ys = case
    # Rises below 1e-12 are where SciPy's quotients and our threshold both lose their meaning.
    assume(all(abs(rise) > 1e-12 or rise == 0 for rise in np.diff(ys)))
    np.testing.assert_allclose(pchip(T, xs, ys), PchipInterpolator(xs, ys)(T), atol=1e-9)


@given(knots())
def test_linear_equals_numpys(case):
    xs, ys = case
    np.testing.assert_allclose(linear(T, xs, ys), np.interp(T, xs, ys), atol=1e-9)


@given(knots(gap=-1), st.sampled_from([linear, pchip]))
def test_stays_between_neighbouring_knots(case, interpolate):
    xs, ys = case
    for left, right, a, b in zip(xs, xs[1:], ys, ys[1:], strict=False):
        t = np.linspace(left, right, 7)[1:]
        m = interpolate(t, xs, ys)
        if right - left > 1e-6:
            assert np.all((m >= min(a, b) - 1e-8) & (m <= max(a, b) + 1e-8))


@given(st.floats(0.1, 0.8), unit, unit, unit, unit)
def test_coinciding_knots_are_the_limit_of_close_ones(x, start, below, above, end):
    ys = [start, below, above, end]
    assume(min(abs(np.diff(ys))) > 1e-3)
    away = T[np.abs(T - x) > 1e-3]
    limit = pchip(away, [0.0, x, x, 1.0], ys)
    close = PchipInterpolator([0.0, x, x + 1e-7, 1.0], ys)(away)
    np.testing.assert_allclose(limit, close, atol=1e-3)
    # and the step is a step: the lower knot's value at it, the upper's right after it
    at, after = pchip(np.array([x, x + 1e-8]), [0.0, x, x, 1.0], ys)
    assert at == pytest.approx(below, abs=1e-6)
    assert after == pytest.approx(above, abs=1e-6)


@pytest.mark.parametrize("interpolate", [linear, pchip])
def test_all_knots_in_one_place(interpolate):
    t = np.array([0.0, 0.3, 0.5, 1.0])
    np.testing.assert_allclose(interpolate(t, [0.0, 0.0, 0.0, 1.0], [1.0, 0.8, 0.6, 0.6])[1:], 0.6, atol=1e-8)
    np.testing.assert_allclose(interpolate(t, [0.0, 1.0, 1.0, 1.0], [0.6, 0.6, 0.8, 0.0])[:3], 0.6, atol=1e-8)


def test_batches_of_knots_equal_one_by_one():
    rng = np.random.default_rng(0)
    xs = np.sort(rng.random((20, 4)), axis=1)
    ys = rng.random((20, 4))
    together = pchip(T, [xs[:, [k]] for k in range(4)], [ys[:, [k]] for k in range(4)])
    np.testing.assert_array_equal(together, [pchip(T, x, y) for x, y in zip(xs, ys, strict=True)])
