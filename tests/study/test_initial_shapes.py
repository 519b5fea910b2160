"""Starts from every kind of source: studies, schedules, curves; and what none of them is."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.shapes.schedule import Schedule
from lrshape.store import Store
from lrshape.study.initial_shapes import TOP, read_initial_shapes

FAMILIES = ["rex", "wsd", "cyclic_cosine"]


def test_a_schedule_is_a_start(tmp_path):
    schedule = Schedule("rex", {"beta": 0.5, "warmup": 0.1}, base_lr=0.1, steps=10)
    file = tmp_path / "schedule.json"
    file.write_text(schedule.to_json())
    (start,) = read_initial_shapes(file, ["rex"]).shapes
    assert start == {"family": "rex", "params": dict(schedule.params), "base_lr": 0.1}
    found = read_initial_shapes(file, ["power"])
    assert [one["family"] for one in found.shapes] == ["power"]
    assert found.notes[0].startswith("schedule.json: nearest is power")
    assert read_initial_shapes(file, ["table", "power"]) == found
    with pytest.raises(InputError, match="table holds any list of values"):
        read_initial_shapes(file, ["table"])


def test_logged_curves_become_the_nearest_members(tmp_path):
    """A chart of Weights & Biases: a column a run, with its spread, and gaps."""
    lrs = Schedule("rex", {"beta": 0.5, "warmup": 0.1}, base_lr=0.02, steps=400).values()
    logged = pd.DataFrame(
        {"Step": np.arange(400), "swift-1 - lr": lrs, "swift-1 - lr__MIN": lrs, "loss": 1.0}
    )
    logged[logged["Step"] % 3 == 0].to_csv(tmp_path / "chart.csv", index=False)
    logged[["swift-1 - lr"]].to_csv(tmp_path / "bare.csv", index=False)
    for name in ("chart.csv", "bare.csv"):
        found = read_initial_shapes(tmp_path / name, ["rex"])
        (start,) = found.shapes
        assert start["base_lr"] == pytest.approx(0.02, rel=1e-2)
        assert start["params"]["beta"] == pytest.approx(0.5, rel=0.05)
        assert start["params"]["warmup"] == pytest.approx(0.1, abs=0.005)
        assert "nearest is rex, RMS error 0." in found.notes[0]


HOSTILE = {
    "empty.csv": b"",
    "heading.csv": b"lr,score\n",
    "binary.csv": bytes(range(256)) * 10,
    "ragged.csv": b"a,b\n1,2,3\n4\n",
    "step.csv": b"Step,a - lr\n0,0.1\n99999999999,0.1\n",
    "again.csv": b"Step,a - lr\n0,0.1\n1,0.1\n0,0.2\n",
    "runs.csv": b"number,value,params_lr,state\n0,0.5,0.1,COMPLETE\n1,0.1,0.9,PRUNED\n",
    "many.csv": b"Step" + b",lr" * 9 + b"\n0" + b",0.1" * 9 + b"\n1" + b",0.1" * 9,
    "negative.csv": b"Step,a - lr\n0,-0.1\n1,0.1\n",
    "deep.json": b'{"family": ' + b"[" * 100_000,
    "text.db": b"SQLite format 3\0 but no more",
    "other.toml": b"x = 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_source_is_refused_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as refused:
        read_initial_shapes(name, ["rex"])
    assert name in str(refused.value)
    assert len(str(refused.value)) < 500
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    assert (tmp_path / name).read_bytes() == HOSTILE[name]


def test_a_directory_is_a_study_whatever_its_name(study, tmp_path):
    source = shutil.copytree(study.path, tmp_path / "study.py")
    assert read_initial_shapes(source, FAMILIES).shapes == read_initial_shapes(study.path, FAMILIES).shapes


@pytest.mark.parametrize("source", ["n" * 400, "nothing", "nothing.csv", "x.json"])
def test_what_does_not_exist_is_not_made(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no study|No such|no such|too long"):
        read_initial_shapes(source, ["rex"])
    assert list(tmp_path.iterdir()) == []


def test_initial_shapes_are_those_of_a_spec(study):
    from lrshape.procedure.spec import InitialShape

    found = read_initial_shapes(study.path, FAMILIES).shapes
    assert len(found) == TOP
    for start in found:
        assert InitialShape.model_validate(json.loads(json.dumps(start))).model_dump() == start


def test_where_higher_is_better_the_highest_is_the_first_start(study, tmp_path):
    turned = study.document | {"spec": study.document["spec"] | {"direction": "maximize"}}
    copy = Store.create(tmp_path / "higher", {k: v for k, v in turned.items() if k not in ("format", "hash")})
    for name in study.store.chunks():
        copy.write(name, study.store.read(name))
    rows = study.trials()
    rows = rows[(rows["phase"] == "rescore") & ~rows["shape"].str.startswith("baseline")]
    medians = rows.groupby(["params", "base_lr"], observed=True)["final/loss"].median()
    params, base_lr = medians[np.isfinite(medians)].idxmax()
    first = read_initial_shapes(copy.path, FAMILIES).shapes[0]
    assert first["base_lr"] == base_lr
    assert json.loads(params).items() <= first["params"].items()
