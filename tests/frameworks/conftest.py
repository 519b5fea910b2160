import pytest

from lrshape.shapes.schedule import Schedule

TABLE = {"values": [0.1, 1.0, 0.7, 0.9, 0.0]}
SCHEDULES = [
    Schedule("rex", {"warmup": 0.1, "beta": 0.5}, 0.05, 40),
    Schedule("table", TABLE, 0.05, 40, "right"),
    Schedule("wsd", {"warmup_steps": 3, "decay_steps": 10}, 0.05, 40, "left", min_lr=0.002),
]


@pytest.fixture(params=SCHEDULES, ids=lambda schedule: schedule.family)
def schedule(request):
    """A schedule of 40 steps. Bindings only look learning rates up: tests of shapes cover each family."""
    return request.param
