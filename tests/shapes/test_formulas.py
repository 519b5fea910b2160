"""Values of single families, worked out by hand or by another library."""

import numpy as np
import optax
import pytest
from scipy.interpolate import PchipInterpolator

from lrshape.errors import InputError
from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import progress

T = progress(400)


@pytest.mark.parametrize("exponent", [1.0, 2.5])
def test_cosines_equal_optax(exponent):
    theirs = np.array(optax.cosine_decay_schedule(1.0, 400, exponent=exponent)(np.arange(400)))
    ours = Schedule("generalized_cosine", {"exponent": exponent}, 1.0, 400, "left").values()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    theirs = np.array(optax.cosine_decay_schedule(1.0, 400, alpha=0.2)(np.arange(400)))
    ours = Schedule("cosine_floor", {"floor": 0.2}, 1.0, 400, "left").values()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_generalized_cosine_keeps_precision_at_small_powers():
    # (1 + cos(pi u))/2 = 2.467e-8 at u = 0.9999, where 1 + cos has lost half of its digits
    value = FAMILIES["generalized_cosine"](exponent=0.1)(1 - 1e-4)
    assert value == pytest.approx((np.pi**2 / 4 * 1e-8 * (1 - np.pi**2 / 12 * 1e-8)) ** 0.1, rel=1e-11)


@pytest.mark.parametrize("q", [0.25, 1.0, 4.0])
@pytest.mark.parametrize(("warmup", "decay", "start"), [(0.1, 0.3, 0.7), (0.3, 0.9, 0.3), (0.0, 1.0, 0.0)])
def test_wsd_holds_and_then_decays(q, warmup, decay, start):
    shape = FAMILIES["wsd"](warmup=warmup, decay=decay, exponent=q, floor=0.2)
    v = np.clip((T - start) / (1 - start), 0, 1)
    expected = np.where(warmup > T, T / max(warmup, 1e-300), 0.2 + 0.8 * (1 - v**q))
    np.testing.assert_allclose(shape(T), expected, atol=1e-12)


def test_wsd_without_decay_is_constant_until_the_end():
    np.testing.assert_array_equal(FAMILIES["wsd"](decay=0.0)(T), 1.0)
    assert FAMILIES["wsd"](decay=0.0)(1.0) == 0.0


def test_inverse_sqrt_is_the_transformers_where_timescale_is_warmup():
    w = 0.2
    noam = np.minimum((T / w) ** -0.5, T / w)
    np.testing.assert_allclose(FAMILIES["inverse_sqrt"](warmup=w, timescale=w)(T), noam, atol=1e-12)


def test_multi_step_drops_at_its_milestones():
    shape = FAMILIES["multi_step"](first=0.25, drops=3, factor=0.5)
    t = np.array([0.0, 0.24, 0.25, 0.49, 0.5, 0.74, 0.75, 1.0])
    np.testing.assert_allclose(shape(t), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125], atol=1e-15)
    np.testing.assert_array_equal(FAMILIES["multi_step"](first=1.0, drops=5)(T), 1.0)
    # floating point puts two of these milestones just after the step that lies on them
    fifths = FAMILIES["multi_step"](first=0.2, drops=4, factor=0.1)(np.arange(5) / 5)
    np.testing.assert_allclose(fifths, [1, 0.1, 0.01, 0.001, 0.0001], rtol=1e-12)


def test_cyclic_cosine_restarts_lower_each_time():
    shape = FAMILIES["cyclic_cosine"](cycles=4, floor=0.2, restart=0.5)
    np.testing.assert_allclose(shape([0.0, 0.25, 0.5, 0.75]), 0.2 + 0.8 * 0.5 ** np.arange(4), atol=1e-12)
    np.testing.assert_allclose(shape(np.array([0.25, 0.5, 0.75, 1.0]) - 1e-9), 0.2, atol=1e-9)
    assert shape(1.0) == 0.2
    one = FAMILIES["cyclic_cosine"](cycles=1, floor=0.2)
    np.testing.assert_allclose(one(T), FAMILIES["cosine_floor"](floor=0.2)(T), atol=1e-15)


def test_one_cycle_without_rise_is_a_cosine():
    np.testing.assert_allclose(FAMILIES["one_cycle"](peak=0.0)(T), FAMILIES["cosine"]()(T), atol=1e-15)


def test_rex_is_linear_at_one():
    np.testing.assert_allclose(FAMILIES["rex"](beta=1.0)(T), FAMILIES["linear"]()(T), atol=1e-15)


@pytest.mark.parametrize("name", ["two_point_linear", "two_point_spline"])
def test_two_points_are_a_line_by_default(name):
    np.testing.assert_allclose(FAMILIES[name](warmup=0.1)(T), FAMILIES["linear"](warmup=0.1)(T), atol=1e-12)


def test_two_point_knots_are_where_the_paper_puts_them():
    w, y1, d1, d2, dy, ye = 0.2, 0.7, 0.4, 0.6, 0.3, 0.5
    x1 = w + d1 * (1 - w)
    x2 = x1 + d2 * (1 - x1)
    after = T[w <= T]
    shape = FAMILIES["two_point_spline_floor"](
        warmup=w, y1=y1, delta_x1=d1, delta_x2=d2, delta_y2=dy, y_end=ye
    )
    expected = PchipInterpolator([w, x1, x2, 1.0], [1.0, y1, dy * y1, ye * dy * y1])(after)
    np.testing.assert_allclose(shape(after), expected, atol=1e-9)


@pytest.mark.parametrize("peak", [0.0, 0.1, 0.3, 0.5, 0.65, 0.9, 1.0])
def test_smooth_nonmonotonic_sorts_its_knots(peak):
    shape = FAMILIES["smooth_nonmonotonic"](
        y_start=0.2, y_end=0.1, x_peak=peak, y1=0.4, delta_x1=0.3, y2=0.6, delta_x2=0.5
    )
    knots = sorted([(0.0, 0.2), (0.3, 0.4), (0.65, 0.6), (peak, 1.0), (1.0, 0.1)], key=lambda k: k[0])
    xs, ys = np.array(knots).T
    xs = np.maximum.accumulate(xs + 1e-9 * np.arange(5))  # SciPy needs them apart
    t = T[np.min(np.abs(T - xs[:, None]), axis=0) > 1e-6]
    # At a tie the peak comes last of the inner knots and before the end, as `sorted` leaves the others.
    np.testing.assert_allclose(shape(t), PchipInterpolator(xs, ys)(np.clip(t, xs[0], xs[-1])), atol=1e-6)


def test_table_interpolates_and_says_how_to_scale():
    shape = FAMILIES["table"](values=np.array([0.0, 1.0, 0.25]))
    assert shape.values == (0.0, 1.0, 0.25)
    np.testing.assert_allclose(shape(T), np.interp(T, [0, 0.5, 1], [0, 1, 0.25]), atol=1e-15)
    np.testing.assert_array_equal(FAMILIES["table"](values=[1])(T), 1.0)
    for values in ([0.5, 0.25], [0.0]):
        with pytest.raises(InputError, match=r"maximum 1, got .*divide.*base LR"):
            FAMILIES["table"](values=values)
    for values in (
        [],
        [2.0, 1.0],
        [1.0, -0.1],
        [1.0, float("nan")],
        [1.0, "a"],
        "1.0",
        [True],
        [[1.0]],
        None,
        1.0,
    ):
        with pytest.raises(InputError, match="values must be a non-empty list of numbers in"):
            FAMILIES["table"](values=values)
