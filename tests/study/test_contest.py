"""Contests: given schedules compared without a search."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import lrshape
from lrshape import Schedule
from lrshape.cli.app import app
from lrshape.cli.verdicts import print_best
from lrshape.procedure.budget import contest_least
from lrshape.shapes.steps import progress
from lrshape.study.given_schedules import table_values
from lrshape.study.spec import StudySpec

STEPS = 12
MINE = [0.5, 0.5, 0.4, 0.3, 0.2, 0.1]
GIVEN = {"linear": "linear", "constant": {"family": "constant"}, "mine": {"lrs": MINE, "tune": False}}


def train(lrs, seed):
    """The nearer to a linear decay from 0.4 the better; every seed has its own level and noise."""
    rng = np.random.default_rng(seed)
    ideal = 0.4 * (1 - (np.arange(len(lrs)) + 0.5) / len(lrs))
    away = np.mean((np.asarray(lrs) - ideal) ** 2) / np.mean(ideal**2)
    return float(np.exp(3 * away + 0.1 * rng.normal()))


def contest(out, schedules=GIVEN, **settings):
    settings = {"base_lr": {"low": 0.05, "high": 1.0}, "trials": 150} | settings
    return lrshape.compare(train=train, steps=STEPS, schedules=schedules, out=out, **settings)


def parse(schedules, **settings):
    return StudySpec.parse({"workload": "digits-mlp", "schedules": schedules} | settings)


@pytest.mark.report
def test_a_contest_from_start_to_end(tmp_path):
    study = contest(tmp_path / "one")
    best, rows = study.best(), study.trials()
    assert study.is_complete()
    assert set(rows["phase"]) == {"screen", "tune", "confirm"}
    assert len(rows) <= 150
    assert best.is_contest
    assert {best.name, *(one.name for one in best.baselines)} == set(GIVEN)
    assert not best.families
    assert json.loads(json.dumps(best.to_dict(), allow_nan=False))["name"] == best.name
    verdicts = {one.name: one.verdict for one in best.baselines}
    assert (best.name, verdicts["constant"]) == ("linear", "better")
    mine = rows[rows["shape"] == "baseline-mine"]
    assert set(mine["base_lr"]) == {0.5}
    page = (study.path / "report.html").read_text()
    assert "baseline" not in page.partition("<h2")[0].partition("<h1")[2]
    assert study.schedule().steps == STEPS

    again = contest(study.path)
    assert again.best() == best
    pd.testing.assert_frame_equal(again.trials(), rows)


def test_who_is_shown_to_be_better_takes_the_winners_place(tmp_path, monkeypatch):
    """Whatever the tuning holds for the best, the confirm phase has the last word."""
    from lrshape.procedure.tuning import _Tuner

    choose = _Tuner.choose

    def choose_the_worst(self, shapes):
        chosen = choose(self, shapes)
        schedules = sorted(chosen.schedules, key=lambda one: one.shape.id != "baseline-constant")
        return type(chosen)(schedules)

    monkeypatch.setattr(_Tuner, "choose", choose_the_worst)
    study = contest(tmp_path / "one", {"linear": "linear", "constant": "constant"})
    assert study.choice().winner.shape.id == "baseline-constant"
    assert study.best().name == "linear"
    assert [one.verdict for one in study.best().baselines] == ["better"]
    assert study.is_complete()


@pytest.mark.parametrize("step_rule", ["midpoint", "left", "right"])
def test_learning_rates_are_trained_as_they_are_given(step_rule):
    values, base_lr = table_values(MINE, step_rule)
    found = base_lr * lrshape.families["table"](values=values)(progress(len(MINE), step_rule))
    np.testing.assert_allclose(found, MINE, rtol=1e-15)


def test_schedules_are_given_in_many_ways(tmp_path):
    file = tmp_path / "theirs.csv"
    file.write_text("lr\n0.2\n0.1\n0\n")
    wsd = Schedule("wsd", {"decay": 0.3}, base_lr=0.02, steps=9)
    spec = parse(["linear", wsd, {"family": "rex", "params": {"beta": 0.5}}, MINE, str(file)], tune=True)
    assert list(spec.baselines) == ["linear", "wsd", "rex", "list-4", "theirs"]
    assert spec.baselines["linear"].params["warmup"] == 0.05  # the standard baseline
    assert spec.baselines["wsd"].params["decay"] == 0.3
    assert spec.kept_base_lrs == {}
    file.unlink()
    assert StudySpec.parse(spec.document()) == spec  # needs no file

    file.write_text("lr\n0.2\n0.1\n0\n")
    kept = parse([wsd, MINE, file], tune=False)
    assert kept.kept_base_lrs == {"wsd": 0.02, "list-2": 0.5, "theirs": 0.2}
    searched = StudySpec.parse({"workload": "digits-mlp", "baselines": {"theirs": {"file": str(file)}}})
    assert searched.baselines["theirs"].family == "table"
    left = Schedule("linear", {}, base_lr=0.1, steps=9, step_rule="left")
    assert parse([left, MINE]).baselines["linear"].family == "table"  # the study reads shapes elsewhere
    bounded = Schedule("linear", {}, base_lr=0.1, steps=9, min_lr=0.02)
    values = parse([bounded, MINE], tune=False).baselines["linear"].params["values"]
    assert min(values) / max(values) == pytest.approx(0.02 / bounded.values().max())
    counted = Schedule("wsd", {"warmup_steps": 15, "decay_steps": 3}, base_lr=0.02, steps=100)
    params = parse([counted, "linear"], workload={"name": "digits-mlp", "steps": 300}).baselines["wsd"].params
    assert (params["warmup"], params["decay"]) == (0.05, 0.01)


@pytest.mark.parametrize(
    ("schedules", "settings", "message"),
    [
        (["linear"], {}, "schedules must be two or more, got 1"),
        (["linear", "linaer"], {}, "schedules.linaer: family must be one of"),
        (["linear", "no.csv"], {}, "schedules.no: no.csv: cannot be read"),
        (["linear", [0.1, -0.1]], {}, "list-2: learning rates must be finite and at least 0, got -0.1"),
        (["linear", [0.1, float("nan")]], {}, "list-2: learning rates must be finite"),
        (["linear", "linear"], {}, "two are called 'linear'"),
        (["linear", "cosine"], {"tune": False}, "schedules.linear: tune = false needs base_lr"),
        ({"a": "linear", "b": {"family": "rex", "base_lr": 0.1}}, {}, "base_lr is only kept with tune"),
        ({"a": "linear", "b": {"params": {}}}, {}, "b: needs one of family, file and lrs, got none"),
        ({1: "linear", 2: "cosine"}, {}, "schedules: names must be text, got 1"),
        ({"a": "linear", "b c": "cosine"}, {}, "names of schedules must be letters, digits"),
        ("linear", {}, "schedules must be a list or a table"),
        (["linear", "cosine"], {"families": ["rex"]}, "families belongs to a search"),
        (["linear", "cosine"], {"trials": 99, "max_trials": 99}, "trials and max_trials both limit"),
        (["linear", "cosine"], {"trials": 5}, "trials for 2 schedules must be a whole number from"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_a_line(schedules, settings, message):
    with pytest.raises(lrshape.InputError) as error:
        parse(schedules, **settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_same_command_resumes_a_contest_that_max_trials_limits(tmp_path):
    given = {"train": train, "steps": STEPS, "schedules": ["linear", "cosine"], "max_trials": 80}
    document = lrshape.compare(**given, out=tmp_path / "x").document
    assert lrshape.compare(**given, out=tmp_path / "x").document == document


def test_a_contest_may_use_a_grid():
    spec = parse(["linear", "cosine"], base_lr={"strategy": "grid", "points": 7})
    assert spec.base_lr.points == 7


@pytest.mark.parametrize("count", [2, 4])
def test_few_trials_are_spent_on_few_looks(count):
    """A look spends its share of the error of all: with looks that cannot be paid, nothing is decided."""
    names = ["linear", "cosine", "wsd", "constant"][:count]
    least = contest_least(count, count, 1000.0)
    assert parse(names, trials=least, base_lr={"low": 1e-4, "high": 0.1}).confirm.most == 6
    seeds = [parse(names, trials=trials).confirm.most for trials in (100, 400, 10_000)]
    assert 6 < seeds[0] < seeds[1] < seeds[2] == 160
    assert parse(names).confirm.most == 160


def test_a_search_takes_no_schedules_and_a_contest_needs_them(tmp_path):
    with pytest.raises(lrshape.InputError, match=r"use lrshape\.compare"):
        lrshape.search({"workload": "digits-mlp", "schedules": ["linear", "cosine"]}, out=tmp_path / "a")
    with pytest.raises(lrshape.InputError, match="schedules must be given"):
        lrshape.compare({"workload": "digits-mlp"}, out=tmp_path / "a")


def test_the_command_prints_json_alone_and_best_its_winner(tmp_path, monkeypatch, capsys):
    from typer.testing import CliRunner

    (tmp_path / "quadratic.py").write_text(
        "import numpy as np\n"
        "def train(lrs, seed):\n"
        "    x = 1 + 0.1 * np.random.default_rng(seed).normal()\n"
        "    return float(abs(x - sum(lrs)) + 0.1)\n"
    )
    spec = tmp_path / "two.toml"
    spec.write_text(
        'trials = 60\n[workload]\nname = "function"\nfunction = "quadratic:train"\nsteps = 4\n'
        "[base_lr]\nlow = 0.1\nhigh = 1.0\n"
        '[schedules.flat]\nfamily = "constant"\n[schedules.steps]\nlrs = [0.4, 0.2]\ntune = false\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = CliRunner().invoke(app, ["contest", str(spec), "--out", "two", "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["name"] in ("flat", "steps")
    found = lrshape.compare(spec, out="two").best()
    printed = CliRunner().invoke(app, ["contest", str(spec), "--out", "two"]).stdout
    assert f"schedule: {found.name}, " in printed
    assert printed.endswith("report: two/report.html\n")
    (row,) = found.baselines
    for verdicts, title in (
        (["better", "equal"], "best schedule: "),
        (["better", "open"], "leading schedule: "),
    ):
        rows = tuple(dataclasses.replace(row, verdict=verdict) for verdict in verdicts)
        print_best(dataclasses.replace(found, baselines=rows), {})
        assert f"{title}{found.name}, " in capsys.readouterr().out
