"""Schedules of every family, and the one contract of all exporters."""

import numpy as np
import pytest

from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule

TOLERANCE = 1e-6
"""Relative, of every learning rate that an optimizer uses."""


def example(family, steps=40, step_rule="midpoint", seed=0):
    """A schedule of a family whose parameters are all away from their defaults."""
    if family == "table":
        params = {"values": [0.1, 1.0, 0.7, 0.9, 0.0]}
    else:
        space = FAMILIES[family].space()
        point = 0.2 + 0.6 * np.random.default_rng(seed).random((1, len(space)))
        params = {name: values[0].item() for name, values in space.from_unit(point).items()}
    return Schedule(family, params, 0.05, steps, step_rule)


EXAMPLES = [
    *(example(family) for family in FAMILIES),
    *(example(family, step_rule=s) for family in ("rex", "table") for s in ("left", "right")),
]


@pytest.fixture(params=EXAMPLES, ids=lambda schedule: f"{schedule.family}-{schedule.step_rule}")
def schedule(request):
    """A schedule of 40 steps, of each family, and read in each way."""
    return request.param


@pytest.fixture
def same():
    """Assert that learning rates agree to `TOLERANCE`, past the end too, where the last one stays."""

    def check(found, expected):
        expected = np.asarray(expected)
        expected = np.concatenate([expected, np.full(max(0, len(found) - len(expected)), expected[-1])])
        np.testing.assert_allclose(found, expected[: len(found)], rtol=TOLERANCE, atol=1e-12)

    return check
