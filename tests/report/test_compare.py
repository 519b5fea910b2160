"""The figure that compares schedules: one panel each, whatever their names."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from lrshape.report.drawing import inline, save
from lrshape.report.figures.shapes import compare_figure
from lrshape.report.palette import CATEGORIES
from lrshape.report.plotting import Curve
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


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        *((name, name) for name in ("$x_1$", "<script>&", "", "ü λ 0.1 %s {}")),
        ("a\nb", "a b"),
        ("x" * 200, "x" * 51 + "…"),
    ],
)
def test_any_name_is_drawn_as_it_is(tmp_path, name, printed):
    figure = compare_figure([drawn(name), drawn("cosine", "cosine", 1)])
    save(figure, tmp_path, "compared")
    words = "".join(ET.fromstring(inline(figure, "compared", "")).itertext())
    assert "".join(printed.split()) in "".join(words.split())
