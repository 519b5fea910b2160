"""Schedules as functions of the step: other horizons, base LRs and batch sizes; what is refused."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule

REX = Schedule("rex", {"warmup": 0.1}, base_lr=0.1, steps=30)


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


def test_every_step_alone_and_past_the_ends(schedule):
    values = schedule.values()
    np.testing.assert_allclose([schedule(step) for step in range(40)], values, rtol=1e-14)
    assert schedule(40) == schedule(10**9) == schedule(39)
    assert schedule(-1) == schedule(0)
    assert schedule(np.int64(3)) == schedule(3)
    assert type(schedule(3)) is float
    np.testing.assert_array_equal(schedule(np.array([[-1, 0], [39, 99]])), values[[[0, 0], [39, 39]]])
    for bad in (1.5, "1", None, [0.5], 10**30):
        with pytest.raises(InputError, match="a step must be a whole number, got"):
            schedule(bad)


def test_multipliers_at_any_progress(schedule):
    t = np.linspace(0, 1, 9)
    bounded = schedule.replace(min_lr=0.5 * schedule.base_lr)
    np.testing.assert_array_equal(bounded.multiplier(t), np.maximum(schedule.shape(t), 0.5))
    assert schedule.multiplier(0.25) == schedule.shape(0.25)


def test_a_shape_in_memory_makes_a_schedule():
    shape = FAMILIES["rex"](warmup=0.1)
    assert Schedule(shape, {}, base_lr=0.1, steps=30) == REX
    assert Schedule(shape, {"beta": 2}, 0.1, 30).params == {**REX.params, "beta": 2.0}
    assert REX.shape == shape


def test_steps_and_base_lr_can_be_replaced():
    expected = Schedule("rex", {"warmup": 0.1}, base_lr=2.0, steps=77)
    changed = REX.replace(steps=77, base_lr=2.0)
    np.testing.assert_array_equal(changed.values(), expected.values())
    assert (changed.steps, changed.base_lr) == (77, 2.0)


@given(
    st.lists(st.integers(1, 2**20), min_size=1, max_size=30), st.sampled_from(["left", "midpoint", "right"])
)
def test_progress_is_the_share_of_samples_seen(sizes, step_rule):
    changed = Schedule("linear", {}, 1.0, 10, step_rule).replace(batch_sizes=sizes)
    seen = np.concatenate([[0], np.cumsum(sizes)])
    offset = {"left": 0.0, "midpoint": 0.5, "right": 1.0}[step_rule]
    expected = (seen[:-1] + offset * np.array(sizes)) / seen[-1]
    np.testing.assert_allclose(changed.progress(np.arange(changed.steps)), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(changed.values(), 1 - expected, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 1000), st.integers(1, 40))
def test_equal_batches_change_nothing(size, steps):
    equal = REX.replace(batch_sizes=[size] * steps)
    np.testing.assert_allclose(equal.values(), REX.replace(steps=steps).values(), rtol=1e-12)


def test_runs_are_the_same_as_single_steps():
    runs, single = REX.replace(batch_sizes=[(8, 10), (16, 20)]), REX.replace(batch_sizes=[8] * 10 + [16] * 20)
    assert runs.batch_sizes == single.batch_sizes == ((8, 10), (16, 20))
    as_array = REX.replace(batch_sizes=np.array([[8, 10], [16, 20]]))
    np.testing.assert_array_equal(runs.values(), single.values())
    np.testing.assert_array_equal(runs.values(), as_array.values())


@pytest.mark.parametrize("schedule", [REX, example("table")])
@pytest.mark.parametrize("changes", [{}, {"steps": 12, "base_lr": 3}, {"batch_sizes": [(8, 3), (16, 4)]}])
def test_survives_json_and_pickle(schedule, changes):
    changed = schedule.replace(**changes)
    for again in (Schedule.from_dict(changed.to_dict()), pickle.loads(pickle.dumps(changed))):
        assert again == changed
        np.testing.assert_array_equal(again.values(), changed.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"batch_sizes": [(1, 10**9), (2, 10**9)]}, "steps must be"),
        ({"steps": 2.5}, "steps must be"),
        ({"base_lr": 0}, "base_lr must be"),
        ({"base_lr": "0.1"}, "base_lr must be"),
        ({"steps": 5, "batch_sizes": [1, 2]}, "steps must be the number of batch sizes, 2, got 5"),
        *(({"batch_sizes": bad}, "batch_sizes must be") for bad in
          ([], [0], [-1], [1.5], ["8"], "8x3", 8, None.__class__, [(8, 0)], [(8, 3, 1)], [True], [2**60],
           {"a": 1}, np.array([1.5]), [None])),
    ],
)  # fmt: skip
def test_what_is_not_legal_is_an_input_error(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        REX.replace(**changes)
    assert "\n" not in str(caught.value)
