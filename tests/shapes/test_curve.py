"""Curves: other horizons, base LRs and batch sizes; what is refused."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.shapes.curve import BLOCK, Curve, read_batch_sizes
from lrshape.shapes.schedule import Schedule

REX = Schedule("rex", {"warmup": 0.1}, base_lr=0.1, steps=30)


def test_values_are_the_schedules(schedule):
    np.testing.assert_array_equal(schedule.curve().values(), schedule.values())


def test_every_step_alone_and_past_the_ends(schedule):
    curve, values = schedule.curve(), schedule.values()
    np.testing.assert_allclose([curve(step) for step in range(40)], values, rtol=1e-14)
    assert curve(40) == curve(10**9) == curve(39)
    assert curve(-1) == curve(0)
    assert curve(np.int64(3)) == curve(3)


def test_a_long_schedule_step_by_step_and_at_random():
    curve = REX.curve(steps=3 * BLOCK + 7)
    values = curve.values()
    order = [*range(curve.steps), *np.random.default_rng(0).integers(0, curve.steps, 200).tolist()]
    np.testing.assert_allclose([curve(step) for step in order], values[order], rtol=1e-14)


def test_steps_and_base_lr_can_be_replaced():
    expected = Schedule("rex", {"warmup": 0.1}, base_lr=2.0, steps=77)
    curve = REX.curve(steps=77, base_lr=2.0)
    np.testing.assert_array_equal(curve.values(), expected.values())
    assert (curve.steps, curve.base_lr) == (77, 2.0)


@given(
    st.lists(st.integers(1, 2**20), min_size=1, max_size=30), st.sampled_from(["left", "midpoint", "right"])
)
def test_progress_is_the_share_of_samples_seen(sizes, step_rule):
    curve = Schedule("linear", {}, 1.0, 10, step_rule).curve(batch_sizes=sizes)
    seen = np.concatenate([[0], np.cumsum(sizes)])
    offset = {"left": 0.0, "midpoint": 0.5, "right": 1.0}[step_rule]
    expected = (seen[:-1] + offset * np.array(sizes)) / seen[-1]
    np.testing.assert_allclose(curve.progress(np.arange(curve.steps)), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(curve.values(), 1 - expected, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 1000), st.integers(1, 40))
def test_equal_batches_change_nothing(size, steps):
    equal = REX.curve(batch_sizes=[size] * steps)
    np.testing.assert_allclose(equal.values(), REX.curve(steps=steps).values(), rtol=1e-12)


def test_runs_are_the_same_as_single_steps():
    runs, single = REX.curve(batch_sizes=[(8, 10), (16, 20)]), REX.curve(batch_sizes=[8] * 10 + [16] * 20)
    assert runs.runs == single.runs == ((8, 10), (16, 20))
    as_array = REX.curve(batch_sizes=np.array([[8, 10], [16, 20]]))
    np.testing.assert_array_equal(runs.values(), single.values())
    np.testing.assert_array_equal(runs.values(), as_array.values())


@pytest.mark.parametrize("changes", [{}, {"steps": 12, "base_lr": 3}, {"batch_sizes": [(8, 3), (16, 4)]}])
def test_survives_json_and_pickle(schedule, changes):
    curve = schedule.curve(**changes)
    for again in (Curve.from_dict(curve.to_dict()), pickle.loads(pickle.dumps(curve))):
        assert again.to_dict() == curve.to_dict()
        np.testing.assert_array_equal(again.values(), curve.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"steps": 2.5}, "steps must be"),
        ({"base_lr": 0}, "base_lr must be"),
        ({"base_lr": "0.1"}, "base_lr must be"),
        ({"steps": 5, "batch_sizes": [1, 2]}, "steps must be the number of batch sizes, 2, got 5"),
        *(({"batch_sizes": bad}, "batch_sizes must be") for bad in
          ([], [0], [-1], [1.5], ["8"], "8x3", 8, None.__class__, [(8, 0)], [(8, 3, 1)], [True], [2**60],
           {"a": 1}, np.array([1.5]), [(1, 10**9), (2, 10**9)], [None])),
    ],
)  # fmt: skip
def test_what_is_not_legal_is_an_input_error(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        REX.curve(**changes)
    assert "\n" not in str(caught.value)


def test_batch_sizes_from_the_command_line(tmp_path):
    file = tmp_path / "sizes.txt"
    file.write_text("8\n8\n16\n")
    assert read_batch_sizes(str(file)) == [(8, 1), (8, 1), (16, 1)]
    assert read_batch_sizes("8x2,16x1") == [(8, 2), (16, 1)]
    file.write_text("8\nx\n")
    for bad in (str(file), "8", "8x", "x", "", "8x2;9x1", "a" * 10_000, str(tmp_path), "\0"):
        with pytest.raises(InputError, match="--batch-sizes must be"):
            read_batch_sizes(bad)
