"""Every registered exporter keeps its contract; files of code in their frameworks."""

import copy
import importlib
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.frameworks import EXPORTERS, export
from lrshape.shapes import FAMILIES
from lrshape.shapes.family import Family, namespace
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule
from lrshape.testing import exporters
from lrshape.testing.exporters import run
from lrshape.testing.families import draw


def standalone(schedule, target="python"):
    return EXPORTERS[target].content(schedule).decode()


@pytest.mark.parametrize("name", EXPORTERS)
@pytest.mark.parametrize("rule", exporters.RULES)
def test_keeps_the_contract(name, rule):
    rule(EXPORTERS[name])


@pytest.mark.parametrize("family", FAMILIES)
def test_any_legal_parameters(family):
    t = np.linspace(0, 1, 65)
    for params in draw(FAMILIES[family], 20):
        schedule = Schedule(family, params, 1.0, 60)
        multiplier = run(standalone(schedule))["multiplier"]
        expected = schedule.multiplier(t)
        np.testing.assert_allclose([multiplier(x) for x in t.tolist()], expected, rtol=1e-6, atol=1e-12)


def test_the_python_file_runs_without_anything(tmp_path):
    """Isolated and without site-packages, so that only the standard library is there."""
    schedule = Schedule("two_point_spline", {"warmup": 0.1, "y1": 0.4}, 0.1, 12)
    file = export(schedule, "python", tmp_path / "schedule.py")
    command = [sys.executable, "-I", "-S", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split(",") for line in printed.splitlines()]
    assert [int(step) for step, _ in rows] == list(range(12))
    np.testing.assert_allclose([float(lr) for _, lr in rows], schedule.values(), rtol=1e-12)


def test_a_formula_without_python_text_is_an_input_error(monkeypatch):
    monkeypatch.setattr(FAMILIES, "_classes", dict(FAMILIES))

    @FAMILIES.register("strange")
    @dataclass(frozen=True, kw_only=True)
    class Strange(Family):
        """Strange."""

        formula = "sinc(t)"

        def multiplier(self, t):
            return namespace(t).sinc(t)

    with pytest.raises(InputError, match=r"strange cannot be written as plain Python .*sinc.*export json"):
        standalone(Schedule("strange", {}, 0.1, 5))


def test_long_tables_are_written_whole(same):
    values = np.random.default_rng(0).random(5000)
    schedule = Schedule("table", {"values": values / values.max()}, 0.1, 3000)
    text = standalone(schedule)
    lr = run(text)["lr"]
    same([lr(step) for step in range(3000)], schedule.values())
    once = repr(schedule.params["values"][1000])
    assert text.count(once) == 1  # files that are read have a limited size


MAKERS = [("torch", "make_scheduler"), ("transformers", "make_scheduler"), ("lightning", "configured"),
          ("optax", "make_schedule"), ("keras", "ShapeSchedule")]  # fmt: skip
"""What the files hand to their frameworks."""


def arguments(name):
    import torch

    return [] if name in ("make_schedule", "ShapeSchedule") else [torch.optim.SGD([torch.zeros(1)], lr=1.0)]


@pytest.mark.parametrize(("target", "name"), MAKERS)
def test_files_refuse_the_steps_that_lrshape_refuses(target, name):
    """Such as inf, which trainers without an end give: the learning rate would never change."""
    make = run(standalone(Schedule("rex", {}, 0.1, 10), target))[name]
    for steps in exporters.NO_STEPS:
        with pytest.raises(ValueError, match="steps must be a whole number from 1 to"):
            make(*arguments(name), steps=steps)
    with pytest.raises(ValueError, match="base_lr must be a finite number above 0, got inf"):
        make(*arguments(name), base_lr=float("inf"))


def test_files_refuse_a_length_that_lrshape_refuses():
    lr = run(standalone(Schedule("cosine", {"warmup_steps": 30}, 0.1, 1000)))["lr"]
    with pytest.raises(ValueError, match="warmup_steps must be at most 30% of the 90 steps"):
        lr(0, steps=90)
    assert lr(29, steps=100) < 0.1


@pytest.mark.parametrize(("target", "name"), MAKERS)
def test_files_refuse_a_base_lr_below_the_lowest_as_lrshape_does(target, name):
    """The learning rate would stay at the lowest one."""
    schedule = Schedule("rex", {}, 0.1, 10, min_lr=0.02)
    text = standalone(schedule, target)
    rule = "min_lr must be from 0 to the base LR, 0.01, got 0.02"
    with pytest.raises(InputError, match=rule):
        schedule.replace(base_lr=0.01)
    with pytest.raises(ValueError, match=rule):
        run(text)[name](*arguments(name), base_lr=0.01)
    with pytest.raises(ValueError, match=rule):
        run(text.replace("BASE_LR = 0.1", "BASE_LR = 0.01"))["lr"](0)
    assert run(text)["lr"](9, base_lr=0.02) == 0.02


@pytest.mark.parametrize("target", ["optax", "keras"])
def test_a_table_has_an_end(target):
    with pytest.raises(InputError, match="at most 10,000,000 steps here, got 10,000,001"):
        standalone(Schedule("rex", {}, 0.1, 10_000_001), target)


@pytest.mark.parametrize(("target", "name"), MAKERS)
def test_what_files_make_can_be_pickled_and_copied(tmp_path, monkeypatch, target, name):
    module = f"pickled_{target}"
    export(Schedule("rex", {}, 0.1, 10), target, tmp_path / f"{module}.py")
    monkeypatch.syspath_prepend(tmp_path)
    made = getattr(importlib.import_module(module), name)(*arguments(name))
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert type(again) is type(made)
        if callable(made):
            assert again(7) == made(7)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("STEPS = 10 * 1000", "numbers must be written out to be read, got STEPS = 10 * 1000"),
        ("STEPS = 1e4", "steps must be a whole number from 1 to 1,000,000,000, got 10000.0"),
        ("BASE_LR = -0.1", "base_lr must be a finite number above 0, got -0.1"),
        ("BASE_LR = float('inf')", "numbers must be written out to be read, got BASE_LR = float"),
        ("STEPS: int = 12", None),
    ],
)
def test_constants_that_were_edited_are_read_or_refused(tmp_path, edit, message):
    file = export(Schedule("rex", {}, 0.1, 10), "python", tmp_path / "schedule.py")
    file.write_text(file.read_text("utf-8").replace("STEPS = 10\n", f"STEPS = 10\n{edit}\n"), "utf-8")
    if message is None:
        assert read_schedule(file) == Schedule("rex", {}, 0.1, 12)
    else:
        with pytest.raises(InputError, match=re.escape(message)):
            read_schedule(file)


class TestFrameworks:
    """The files' adapters in the frameworks themselves; what these share with lrshape is tested there."""

    def test_torch(self, schedule, same, caplog):
        import torch

        names = run(standalone(schedule, "torch"))
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = names["make_scheduler"](optimizer)
        used = []
        for _ in range(42):
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        same(used, schedule.values())
        again = schedule.to_torch(optimizer)  # the states are the same as lrshape's
        again.load_state_dict(scheduler.state_dict())
        assert not caplog.text
        assert again.get_last_lr() == pytest.approx(scheduler.get_last_lr())

    def test_optax(self, schedule, same):
        import jax

        names = run(standalone(schedule, "optax"))
        same(jax.jit(jax.vmap(names["make_schedule"]()))(np.arange(42)), schedule.values())

    def test_keras(self, schedule, same):
        import keras

        names = run(standalone(schedule, "keras"))
        made = names["ShapeSchedule"](gradient_accumulation_steps=2)
        made = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
        same([float(made(step)) for step in range(0, 84, 2)], schedule.values())

    def test_two_keras_files_in_one_program(self, same):
        """A saved model finds the schedule that it was saved with, also where its numbers were edited."""
        import keras

        linear, cosine = Schedule("linear", {}, 0.1, 10), Schedule("cosine", {}, 0.1, 10)
        made = run(standalone(linear, "keras"))["ShapeSchedule"](steps=20)
        saved = keras.saving.serialize_keras_object(made)
        for other in (cosine, Schedule("linear", {}, 0.1, 10, "left"), linear.replace(base_lr=0.7)):
            run(standalone(other, "keras"))
        again = keras.saving.deserialize_keras_object(saved)
        same([float(again(step)) for step in range(20)], linear.replace(steps=20).values())

    def test_lightning(self, same):
        import torch

        schedule = Schedule("rex", {}, 0.1, 10)
        names = run(standalone(schedule, "lightning"))
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        found = names["configured"](optimizer, 20)
        assert found["lr_scheduler"]["interval"] == "step"
        assert found["optimizer"] is optimizer
        assert optimizer.param_groups[0]["lr"] == pytest.approx(schedule.replace(steps=20)(0))
