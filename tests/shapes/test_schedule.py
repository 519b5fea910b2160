"""Schedules: progress, values, equality, JSON and what is refused."""

import copy
import dataclasses
import json
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.shapes import FAMILIES, evaluate
from lrshape.shapes.json_value import FORMAT
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import progress

GOOD = {"format": FORMAT, "family": "rex", "params": {}, "base_lr": 0.1, "steps": 10,
        "step_rule": "midpoint", "batch_sizes": None}  # fmt: skip


@pytest.mark.parametrize(
    ("step_rule", "expected"),
    [
        ("midpoint", [0.1, 0.3, 0.5, 0.7, 0.9]),
        ("left", [0, 0.2, 0.4, 0.6, 0.8]),
        ("right", [0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_progress_follows_the_policy(step_rule, expected):
    t = progress(5, step_rule)
    assert t.dtype == np.float64
    np.testing.assert_array_equal(t, expected)


@given(st.integers(1, 10_000))
def test_progress_stays_in_training(steps):
    for step_rule in ("midpoint", "left", "right"):
        t = progress(steps, step_rule)
        assert t.shape == (steps,)
        assert t[0] >= 0
        assert t[-1] <= 1
        assert np.all(np.diff(t) > 0)


def test_values_are_base_lr_times_shape():
    schedule = Schedule("wsd", {"warmup": 0.1, "decay": 0.5}, base_lr=0.3, steps=20, step_rule="right")
    shape = FAMILIES["wsd"](warmup=0.1, decay=0.5)
    np.testing.assert_array_equal(schedule.multipliers(), shape(progress(20, "right")))
    np.testing.assert_array_equal(schedule.values(), 0.3 * schedule.multipliers())
    assert schedule.values().dtype == np.float64
    assert schedule.values().shape == (20,)


def test_a_tail_goes_on_where_the_whole_was_left():
    whole = Schedule("cosine", {"warmup": 0.1}, 0.3, 45, batch_sizes=[(8, 20), (16, 25)])
    tail = whole.tail(12)
    assert (tail.steps, tail.batch_sizes) == (33, None)
    np.testing.assert_allclose(tail.values(), whole.values()[12:], rtol=1e-12)
    assert whole.tail(0) is whole
    for step in (45, -1, 1.5):
        with pytest.raises(InputError, match="step must be"):
            whole.tail(step)


def test_what_is_given_in_steps_stays_as_many_at_every_horizon():
    schedule = Schedule("wsd", {"warmup_steps": 5, "decay_steps": 10}, base_lr=0.3, steps=50, min_lr=0.01)
    for steps in (17, 50, 1000):
        expected = Schedule("wsd", {"warmup": 5 / steps, "decay": 10 / steps}, base_lr=0.3, steps=steps)
        lrs = schedule.replace(steps=steps).values()
        np.testing.assert_array_equal(lrs, np.maximum(expected.values(), 0.01))
    assert schedule.at(1.0) == schedule.at(np.array([0.5, 1.0]))[1] == 0.01
    assert Schedule.from_json(schedule.to_json()) == pickle.loads(pickle.dumps(schedule)) == schedule
    assert hash(Schedule.from_json(schedule.to_json())) == hash(schedule)
    assert eval(repr(schedule)) == schedule
    shares = schedule.replace(params={"decay": 0.5})
    assert shares.in_steps == {"warmup": 5}
    assert shares.replace(params={"decay_steps": 10}) == schedule
    for params in ([1], "ab", 3):
        with pytest.raises(InputError, match="params must map names to values"):
            schedule.replace(params=params)


@pytest.mark.parametrize(
    ("params", "rest", "message"),
    [
        ({"warmup_steps": 16}, {}, "warmup_steps must be at most 30% of the 50 steps, got 16"),
        ({"warmup_steps": 1.5}, {}, "warmup_steps must be a whole number from 0, got 1.5"),
        ({"warmup_steps": 5, "warmup": 0.1}, {}, "warmup and warmup_steps are one parameter: give one"),
        ({"floor_steps": 5}, {}, "wsd has parameters .*, got 'floor_steps'"),
        ({"warmup_steps": 5}, {"batch_sizes": [(8, 50)]}, "warmup_steps cannot go with batch_sizes"),
        ({}, {"min_lr": 0.4}, "min_lr must be from 0 to the base LR, 0.3, got 0.4"),
        ({}, {"min_lr": -1}, "min_lr must be from 0 to the base LR, 0.3, got -1"),
        ({}, {"min_lr": [0.1, 0.2]}, "min_lr must be from 0 to the base LR, 0.3, got"),
    ],
)
def test_lengths_in_steps_and_lowest_lrs_that_are_none(params, rest, message):
    with pytest.raises(InputError, match=message):
        Schedule("wsd", params, base_lr=0.3, steps=50, **rest)


def test_values_are_those_of_the_batch_entry_bit_for_bit():
    schedule = Schedule("rex", {}, 1.0, 1000)
    np.testing.assert_array_equal(evaluate(FAMILIES["rex"], {}, progress(1000))[0], schedule.multipliers())


def test_is_a_value():
    a = Schedule("rex", {"beta": 2}, 1, 10)
    b = Schedule("rex", {"beta": np.float64(2.0), "warmup": 0.0}, Fraction(1), np.int64(10))
    assert a == b
    assert hash(a) == hash(b)
    assert dict(a.params) == {"warmup": 0.0, "warmup_shape": "linear", "beta": 2.0}
    changes = (
        ("family", "linear"),
        ("params", {"beta": 3.0}),
        ("base_lr", 2),
        ("steps", 9),
        ("step_rule", "left"),
        ("batch_sizes", [(1, 5), (2, 5)]),
    )
    for key, value in changes:
        changed = {"family": "rex", "params": {"beta": 2}, "base_lr": 1, "steps": 10, key: value}
        if key == "family":
            changed["params"] = {}
        assert Schedule(**changed) != a
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.steps = 3
    with pytest.raises(TypeError):
        a.params["beta"] = 3.0
    ramp = a.replace(batch_sizes=[(1, 5), (2, 5)])
    assert hash(ramp) != hash(a)
    assert eval(repr(ramp), {"Schedule": Schedule}) == ramp
    for same in (copy.deepcopy(a), pickle.loads(pickle.dumps(a)), eval(repr(a), {"Schedule": Schedule})):
        assert same == a
    table = Schedule("table", {"values": [0.5, 1.0]}, 1.0, 10)
    assert hash(table) == hash(Schedule("table", {"values": (0.5, 1.0)}, 1.0, 10))


def test_changing_the_given_parameters_later_changes_nothing():
    params = {"beta": 2.0}
    schedule = Schedule("rex", params, 1.0, 10)
    params["beta"] = 5.0
    assert schedule.params["beta"] == 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "rexx"}, r"family must be one of .*got 'rexx'; did you mean 'rex'\?"),
        ({"family": ["rex"]}, "family must be one of"),
        ({"family": None}, "family must be one of"),
        ({"params": {"gamma": 1}}, "rex has parameters warmup, .* got 'gamma'"),
        ({"params": {1: 1}}, "rex has parameters"),
        ({"params": {"beta": 11}}, r"beta must be a number in \[0.01, 10\], got 11"),
        ({"params": {"beta": None}}, "beta must be a number"),
        ({"params": {"beta": np.array([1.0, 2.0])}}, "beta of a schedule must be one value"),
        ({"params": [1]}, r"params must map names to values, got \[1\]"),
        ({"params": None}, "params must map"),
        *(({"base_lr": v}, "base_lr must be a finite number above 0, got") for v in
          (0, -1.0, float("nan"), float("inf"), "0.1", None, True, 10**400, 1j)),
        *(({"steps": v}, "steps must be a whole number from 1 to 1,000,000,000, got") for v in
          (0, -5, 1.5, 10.0, "10", None, True, 10**9 + 1, 10**400)),
        *(({"step_rule": v}, "step_rule must be one of midpoint, left, right, got") for v in
          ("middle", None, 1, ["left"])),
    ],
)  # fmt: skip
def test_what_is_not_legal_is_an_input_error(change, message):
    arguments = {"family": "rex", "params": {}, "base_lr": 0.1, "steps": 10} | change
    with pytest.raises(InputError, match=message) as caught:
        Schedule(**arguments)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=message):
        Schedule.from_dict(GOOD | change)


@settings(deadline=None)
@given(
    base_lr=st.floats(5e-324, 1.7e308),
    steps=st.integers(1, 200),
    warmup=st.floats(0, 0.3),
    exponent=st.floats(0.1, 4),
    step_rule=st.sampled_from(["midpoint", "left", "right"]),
)
def test_json_gives_bit_identical_values(base_lr, steps, warmup, exponent, step_rule):
    schedule = Schedule(
        "generalized_cosine", {"warmup": warmup, "exponent": exponent}, base_lr, steps, step_rule
    )
    again = Schedule.from_json(schedule.to_json())
    assert again == schedule
    assert again.to_json() == schedule.to_json()
    assert again.values().tobytes() == schedule.values().tobytes()
    assert Schedule.from_json(schedule.to_json().encode()) == schedule


def test_the_format_is_written_down():
    assert Schedule("table", {"values": [0.25, 1]}, 0.1, 3).to_dict() == {
        "format": 1,
        "family": "table",
        "params": {"values": [0.25, 1.0]},
        "base_lr": 0.1,
        "steps": 3,
        "step_rule": "midpoint",
        "batch_sizes": None,
    }


@pytest.mark.parametrize("key", list(GOOD))
def test_a_missing_key_is_named(key):
    with pytest.raises(InputError, match=f"this one is missing {key}$"):
        Schedule.from_dict({k: v for k, v in GOOD.items() if k != key})


def test_an_unknown_key_or_format_is_named():
    with pytest.raises(InputError, match="this one has unknown 'lr'"):
        Schedule.from_dict(GOOD | {"lr": 1})
    for version in (0, 2, "1", 1.0, True, None):
        with pytest.raises(InputError, match="format of a schedule must be 1, got"):
            Schedule.from_dict(GOOD | {"format": version})


def _with(**change):
    return json.dumps(GOOD | change)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "1", '"rex"', "{}", "nonsense", "[" * 100_000, '{"a":' * 100_000,
        "\x00", "\ud800", b"\xff\xfe\x00", b"", None, 3, GOOD,
        _with(base_lr=float("nan")), _with(base_lr=float("inf")),
        _with().replace("0.1", "1e999"), _with().replace("0.1", "1" * 5000),
        _with().replace("10,", "1" * 5000 + ","),
        _with().replace("10,", "9" * 400 + ","),
        _with(family="x" * 100_000), _with(family={}), _with(params=[["beta", 1]]),
        _with(params={"beta": {}}),
        _with(params={"beta": "1"}), _with(params={"x" * 100_000: 1}), _with(params={"__class__": 1}),
        _with(family="table", params={"values": []}), _with(family="table", params={"values": [[[]]]}),
        _with(family="table", params={"values": {"0": 1}}),
        '{"format": 1, ' + _with()[1:], _with().replace("{}", '{"beta": 1, "beta": 2}'),
    ],
    ids=lambda text: repr(text)[:30],
)  # fmt: skip
def test_hostile_json_is_one_line_of_input_error(text):
    with pytest.raises(InputError) as caught:
        Schedule.from_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(key=st.sampled_from(list(GOOD)), value=JSON)
@example("steps", 1)
def test_any_json_value_anywhere_is_either_fine_or_an_input_error(key, value):
    message = ""
    try:
        schedule = Schedule.from_json(json.dumps(GOOD | {key: value}))
        assert Schedule.from_json(schedule.to_json()) == schedule
    except InputError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize(
    ("lrs", "message"),
    [
        ([], r"shape \(steps,\)"),
        ([[0.1]], r"shape \(steps,\)"),
        ([0.1, -1.0], "at least 0, got -1"),
        ([0.1, float("nan")], "finite and at least 0, got nan"),
        ([0.0, 0.0], "not all be 0"),
        (["fast"], "must be numbers"),
        (["1", 0.5], "must be numbers"),
        ([True, 0.5], "must be numbers"),
        (np.array([True, False]), "must be numbers"),
        (np.array([True, 0.5], object), "must be numbers"),
        (np.array(["1", 0.5], object), "must be numbers"),
        ([10**400, 1], "must be numbers"),
    ],
)
def test_learning_rates_that_are_no_schedule(lrs, message):
    with pytest.raises(InputError, match=message):
        Schedule.from_values(lrs)
