"""Shapes as points of a cube and as curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.procedure.base_lr import base_lrs_at
from lrshape.procedure.curves import BINS, multiplier_rms
from lrshape.procedure.family_spec import FamilySpec
from lrshape.procedure.shape_search import ShapeSpace
from lrshape.shapes import FAMILIES
from lrshape.shapes.space import Dimension

LR = Dimension("base_lr", 1e-3, 10.0, "log")
ALL = [FamilySpec(name=name) for name in FAMILIES if name != "table"]


def space_of(*names, base_lr=LR):
    return ShapeSpace([FamilySpec(name=name) for name in names], base_lr)


@pytest.mark.parametrize("families", [ALL, ALL[:1]], ids=["all", "one"])
@given(seed=st.integers(0, 1000))
def test_every_point_is_a_legal_shape_with_a_finite_curve(families, seed):
    space = ShapeSpace(families, LR)
    points = np.random.default_rng(seed).random((20, len(space))).round(seed % 3)
    for shape, index in zip(space.shapes(points), space.family(points), strict=True):
        assert families[index].name == shape.name
    curves = space.curves(points)
    assert curves.shape == (20, len(BINS))
    assert np.all(np.isfinite(curves))
    assert np.all(curves >= 0)


def test_a_shape_comes_back_from_its_point():
    space = space_of("two_point_spline", "power", "wsd")
    shape = FAMILIES["power"](warmup=0.1, exponent=2.0)
    point = space.point(shape, 0.3)
    assert point.shape == (len(space),)
    (back,) = space.shapes(point[None])
    assert type(back) is type(shape)
    assert [back.warmup, back.exponent, back.floor] == pytest.approx([0.1, 2.0, 0.0])
    assert base_lrs_at(space.lr_rms(point[None]), [shape])[0] == pytest.approx(0.3)


def test_a_shape_outside_the_ranges_is_moved_into_the_cube():
    space = ShapeSpace([FamilySpec(name="rex", ranges={"beta": (0.1, 1.0)})], LR)
    point = space.point(FAMILIES["rex"](beta=5.0), 1e6)
    assert point.tolist() == pytest.approx([0.0, 1.0, 1.0])


def test_the_same_schedule_of_two_families_or_two_points_is_one_curve():
    space = space_of("power", "wsd", "two_point_spline")
    line = [
        FAMILIES["power"](exponent=1.0),
        FAMILIES["wsd"](decay=1.0),
    ]
    straight = {"warmup": 0.0, "y1": 0.6, "delta_x1": 1.0, "delta_x2": 0.5, "delta_y2": 0.5}
    dropped = {"warmup": 0.0, "y1": 1.0, "delta_x1": 0.0, "delta_x2": 1.0, "delta_y2": 0.6}
    valleys = [FAMILIES["two_point_spline"](**p) for p in (straight, dropped)]
    for pair in (line, valleys):
        a, b = (space.curves(space.point(shape, 0.1 / multiplier_rms([shape])[0])[None]) for shape in pair)
        assert np.abs(a - b).max() < 0.02


def test_the_scale_of_a_curve_is_the_base_lr_alone():
    space = space_of("constant", "power")
    points = np.random.default_rng(0).random((50, len(space)))
    curves = space.curves(points)
    np.testing.assert_array_equal(curves[:, -1], points[:, -1])
    assert np.all(space_of("constant", "power", base_lr=None).curves(points[:, :-1]) == curves[:, :-1])


def test_what_is_fixed_is_not_searched():
    space = ShapeSpace([FamilySpec(name="rex", fixed={"warmup": 0.1}), FamilySpec(name="cosine")], None)
    assert len(space) == 2
    points = np.random.default_rng(0).random((20, 2))
    assert {s.warmup for s in space.shapes(points) if s.name == "rex"} == {0.1}
