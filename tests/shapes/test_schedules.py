"""Schedules of several quantities: names, groups, changes, files."""

import copy
import json
import pickle

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.frameworks import export
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule, read_schedules
from lrshape.shapes.schedules import Schedules

LR = Schedule("rex", {"warmup": 0.1}, 0.1, 20)
SCHEDULES = Schedules(
    {"lr": LR, "lr.matrix": LR.replace(base_lr=0.02), "weight_decay": Schedule("cosine", {}, 0.3, 20)}
)


def test_it_is_a_value():
    again = Schedules({**SCHEDULES})
    assert again == SCHEDULES
    assert hash(again) == hash(SCHEDULES)
    assert pickle.loads(pickle.dumps(SCHEDULES)) == copy.deepcopy(SCHEDULES) == SCHEDULES
    assert eval(repr(SCHEDULES)) == SCHEDULES
    assert SCHEDULES.steps == 20


def test_a_group_has_its_own_schedules_before_those_of_all():
    assert {**SCHEDULES.group("matrix")} == {
        "lr": SCHEDULES["lr.matrix"],
        "weight_decay": SCHEDULES["weight_decay"],
    }
    assert {**SCHEDULES.group("rest")} == {"lr": LR, "weight_decay": SCHEDULES["weight_decay"]}
    with pytest.raises(InputError, match=r"no schedule is for the group 'rest', there are lr\.matrix"):
        Schedules({"lr.matrix": LR}).group("rest")


def test_another_horizon_and_the_rest():
    for name, values in SCHEDULES.replace(steps=50).tail(30).values().items():
        np.testing.assert_allclose(values, SCHEDULES[name].replace(steps=50).values()[30:], rtol=1e-12)


def test_the_rest_of_what_has_ended_is_refused_with_what_to_do():
    ended = Schedules({"lr": LR, "weight_decay": Schedule("table", {"values": [1, 0, 0]}, 0.3, 20)})
    rule = r"weight_decay: the values that are left must not all be 0, .* step 12 on: keep .* with step=12\)"
    with pytest.raises(InputError, match=rule):
        ended.tail(12)
    assert ended.tail(9)["weight_decay"].steps == 11


def test_files(tmp_path):
    assert read_schedules(export(SCHEDULES, "json", tmp_path / "s.json")) == SCHEDULES
    with pytest.raises(
        InputError, match=r"s\.json: must hold one schedule, got 3: lr, lr\.matrix, weight_decay"
    ):
        read_schedule(tmp_path / "s.json")
    lines = export(SCHEDULES, "csv", tmp_path / "s.csv").read_text().splitlines()
    assert lines[0] == "step,lr,lr.matrix,weight_decay"
    rows = np.array([line.split(",") for line in lines[1:]], float)
    np.testing.assert_array_equal(rows[:, 1:].T, [*SCHEDULES.values().values()])
    with pytest.raises(InputError, match="a file for npy holds one schedule, got 3"):
        export(SCHEDULES, "npy", tmp_path / "s.npy")


@pytest.mark.parametrize(
    ("schedules", "message"),
    [
        ({}, "must map at least one name to a schedule, got {}"),
        ([LR], "must map at least one name to a schedule"),
        ({"lr.": LR}, r"must be QUANTITY or QUANTITY\.GROUP, e\.g\. lr\.matrix, got 'lr\.'"),
        ({3: LR}, "must be QUANTITY or"),
        ({"lr": 0.1}, r"lr must be a schedule, got 0\.1"),
        ({"lr": LR, "weight_decay": LR.replace(steps=30)}, "equal steps, got lr of 20, weight_decay of 30"),
    ],
)
def test_what_is_none_is_one_line(schedules, message):
    with pytest.raises(InputError, match=message):
        Schedules(schedules)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"format": 2}, "format of schedules must be 1, got 2"),
        ({"schedules": [1]}, r"must map names to schedules, got \[1\]"),
        ({"schedules": {"lr": {}}}, "lr: a schedule has keys"),
        ({"more": 1}, "have the keys format and schedules"),
    ],
)
def test_wrong_files_are_one_line(tmp_path, edit, message):
    file = tmp_path / "s.json"
    file.write_text(json.dumps(SCHEDULES.to_dict() | edit))
    with pytest.raises(InputError, match=message):
        read_schedules(file)


def test_keys_that_are_no_texts_are_refused():
    with pytest.raises(InputError, match="have the keys format and schedules"):
        Schedules.from_dict({1: 1, "schedules": {}})
