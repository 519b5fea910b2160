"""Shapes to start from."""

import json

import pytest

from lrshape.cli.starts import TOP, starts_from
from lrshape.errors import InputError
from lrshape.schedule import Schedule
from lrshape.study.study import Study

PLANNED = """
families = ["rex", "linear"]
baselines = ["constant"]
members = 8

[workload]
name = "function"
function = "my_training:train"
steps = 10

[base_lr]
low = 0.01
high = 1.0

[confirm]
seeds = 6
"""


def test_the_best_shapes_of_a_study_start_another(finished, folder):
    study = finished.path / "study"
    starts = starts_from(study, ["rex", "power"])
    assert 1 <= len(starts) <= TOP
    assert {start["family"] for start in starts} == {"rex"}
    found = json.loads(finished.run("best", "study", "--json")[1])
    won = next(f for f in [found, *found["families"]] if f["family"] == "rex")
    assert starts[0]["params"] == won["params"]
    (folder.path / "planned.toml").write_text(PLANNED)
    command = ("search", "planned.toml", "--out", "second", "--trainings", 48, "--start-from", study)
    code, _, errors = folder.run(*command)
    assert code == 0, errors
    assert "screen: 36 shapes shared by rex, linear" in errors
    first = Study(folder.path / "second").trainings().query("family == 'rex'").iloc[0]
    assert json.loads(first["params"]) == pytest.approx(won["params"])
    code, _, errors = folder.run(*command)
    assert code == 0, errors
    assert "resuming" in errors


def test_a_schedule_is_a_start(tmp_path):
    schedule = Schedule("rex", {"beta": 0.5, "warmup": 0.1}, base_lr=0.1, steps=10)
    file = tmp_path / "schedule.json"
    file.write_text(schedule.to_json())
    (start,) = starts_from(file, ["rex"])
    assert (start["family"], start["base_lr"]) == ("rex", 0.1)
    assert start["params"] == dict(schedule.params)
    with pytest.raises(InputError, match="holds no shape of power to start from"):
        starts_from(file, ["power"])
