"""Spaces: the map to and from the unit cube, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.shapes.space import Dimension, Space

unit = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20)
CONTINUOUS = [Dimension("a", -2.0, 3.0), Dimension("b", 1e-4, 10.0, "log"), Dimension("c", 0.5, 0.5)]


@pytest.mark.parametrize("dimension", CONTINUOUS, ids=lambda d: d.name)
@given(u=unit)
def test_continuous_values_stay_in_range_and_come_back(dimension, u):
    values = dimension.from_unit(u)
    assert np.all((values >= dimension.low) & (values <= dimension.high))
    np.testing.assert_allclose(dimension.from_unit(dimension.to_unit(values)), values, rtol=1e-12, atol=1e-12)
    if dimension.low < dimension.high:
        np.testing.assert_allclose(dimension.to_unit(values), u, atol=1e-12)


@given(low=st.floats(1e-300, 1e3), ratio=st.floats(1.0, 1e6))
def test_ends_are_exact(low, ratio):
    for scale in ("linear", "log"):
        d = Dimension("x", low, low * ratio, scale)
        assert d.from_unit([0.0, 1.0]).tolist() == [d.low, d.high]


def test_log_is_uniform_in_the_logarithm():
    np.testing.assert_allclose(
        Dimension("x", 0.01, 100.0, "log").from_unit(np.linspace(0, 1, 5)), [0.01, 0.1, 1, 10, 100]
    )


def test_integers_and_choices_have_equal_shares():
    u = (np.arange(300) + 0.5) / 300
    values, counts = np.unique(Dimension("n", 2, 7, "integer").from_unit(u), return_counts=True)
    assert values.tolist() == [2, 3, 4, 5, 6, 7]
    assert counts.tolist() == [50] * 6
    choice = Dimension("c", scale="choice", choices=("x", "y", 3))
    assert choice.from_unit([0.0, 0.34, 0.99, 1.0]).tolist() == ["x", "y", 3, 3]
    assert Dimension("n", 2, 7, "integer").from_unit([0.0, 1.0]).tolist() == [2, 7]


@given(u=unit)
def test_integers_and_choices_come_back(u):
    for d in (Dimension("n", -1, 4, "integer"), Dimension("c", scale="choice", choices=("x", "y", "z"))):
        values = d.from_unit(u)
        assert d.from_unit(d.to_unit(values)).tolist() == values.tolist()


def test_a_space_maps_columns():
    space = Space((Dimension("a", 0, 2), Dimension("k", scale="choice", choices=("x", "y"))))
    points = np.array([[0.25, 0.25], [1.0, 0.75]])
    values = space.from_unit(points)
    assert {k: v.tolist() for k, v in values.items()} == {"a": [0.5, 2.0], "k": ["x", "y"]}
    np.testing.assert_array_equal(space.to_unit(values), points)
    assert space.names == ("a", "k")
    assert len(space) == 2
    assert Space(()).from_unit(np.zeros((3, 0))) == {}
    assert Space(()).to_unit({}).shape == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", 2.0, 1.0), "low <= high"),
        (("x", 0.0, float("inf")), "finite"),
        (("x", float("nan"), 1.0), "finite"),
        (("x", 0.0, 1.0, "log"), "log range must be positive"),
        (("x", 0.5, 2.0, "integer"), "whole ends"),
        (("x", 0.0, 1.0, "cubic"), "scale must be one of linear, log, integer, choice, got 'cubic'"),
        (("x", 0.0, 1.0, "choice"), "at least one value"),
    ],
)
def test_bad_dimensions_are_input_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        Dimension(*arguments)


def test_bad_points_and_values_are_input_errors():
    space = Space((Dimension("a"), Dimension("k", scale="choice", choices=("x", "y"))))
    for points in ([[0.1]], [0.1, 0.2], np.zeros((1, 3))):
        with pytest.raises(InputError, match=r"points must have shape \(n, 2\), got"):
            space.from_unit(points)
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"points must lie in \[0, 1\], got"):
            space.from_unit([[0.5, value]])
    with pytest.raises(InputError, match="got none for k"):
        space.to_unit({"a": [0.1]})
    with pytest.raises(InputError, match=r"k must be one of .*, got 'z'"):
        space.to_unit({"a": [0.1], "k": ["z"]})
    with pytest.raises(InputError, match="names must differ, got a, a"):
        Space((Dimension("a"), Dimension("a")))
