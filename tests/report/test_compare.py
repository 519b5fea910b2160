"""The figure that compares schedules: one panel each, whatever their names."""

import io

import numpy as np
import pytest

from lrshape.report.figures.shapes import compare_figure
from lrshape.report.palette import CATEGORIES
from lrshape.report.plotting import Curve, styled
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import progress


def drawn(name, family="rex", steps=50):
    schedule = Schedule(family, {}, 1.0, steps)
    return Curve(name, f"{steps} steps", CATEGORIES[0].light, progress(steps), schedule.multipliers())


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
def test_one_panel_each_and_the_first_behind_the_others(count):
    figure = compare_figure([drawn(f"s{i}", ("rex", "wsd", "cosine")[i % 3]) for i in range(count)])
    assert len(figure.axes) == count
    lines = [len(ax.lines) for ax in figure.axes]
    assert lines == [1, *[2] * (count - 1)]
    np.testing.assert_array_equal(figure.axes[-1].lines[0].get_ydata(), drawn("s0").values)


@pytest.mark.parametrize("name", ["$x_1$", "<script>&", "a\nb", "x" * 200, "", "ü λ 0.1 %s {}"])
def test_any_name_is_drawn_as_it_is(name):
    figure = compare_figure([drawn(name), drawn("cosine", "cosine", 1)])
    with styled():
        for kind in ("png", "svg"):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind)
            assert len(buffer.getvalue()) > 1000
