"""Hyperparameters that are tuned beside the base LR: fair to every schedule, checked, stored and resumed."""

import json
import math
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lrshape
from lrshape.errors import InputError
from lrshape.procedure.hyperparameter_space import HyperparameterSpace
from lrshape.procedure.hyperparameters import HyperparameterSpec
from lrshape.procedure.scheduled import base_of
from lrshape.report.hyperparameters import _named
from lrshape.store import hyperparameters_of, text_of
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec

STEPS = 24
WEIGHT_DECAY = {"weight_decay": (0.02, 0.2, "log")}
SETTINGS = {
    "steps": STEPS,
    "base_lr": {"low": 0.01, "high": 1.0},
    "schedules": ["constant", "linear"],
    "trials": 130,
}


def train(lrs, seed, *, weight_decay=0.02, nesterov=False):
    """A decay wins where it has a weight decay of 0.4, and loses at 0.02, which suits a constant LR."""
    lrs = np.asarray(lrs)
    decayed = 1 - (lrs / lrs.max())[-6:].mean()
    off = math.log(weight_decay / 0.02) - decayed * math.log(20)
    size = math.log(np.sqrt((lrs**2).mean()) / 0.1)
    noise = np.random.default_rng([seed, int(1e6 * lrs[0])]).normal()
    return 1.3 - 0.2 * decayed + 0.1 * off**2 + 0.2 * size**2 + 0.1 * nesterov + 0.01 * noise


def own_of(study):
    """The result's schedules by name."""
    best = study.best()
    return {one.name: one for one in (best, *best.baselines)}


@pytest.fixture(scope="module")
def tuned(without_report, tmp_path_factory):
    with without_report():
        default = {"low": 0.02, "high": 0.2, "scale": "log", "default": 0.02}
        out = tmp_path_factory.mktemp("tuned") / "study"
        return lrshape.compare(train=train, tune={"weight_decay": default}, out=out, **SETTINGS)


def test_each_schedule_is_judged_at_its_own_best_value_and_its_range_widens(tuned):
    own = own_of(tuned)
    assert tuned.best().name == "linear"
    assert own["constant"].hyperparameters["weight_decay"] == pytest.approx(0.02, rel=0.5)
    assert own["linear"].hyperparameters["weight_decay"] == pytest.approx(0.3, rel=0.35)  # beyond 0.2
    low, high = own["linear"].sensitivity.flat["weight_decay"]
    assert low <= own["linear"].hyperparameters["weight_decay"] <= high
    ranks = {name: (one.sensitivity.rank, one.sensitivity.fixed_rank) for name, one in own.items()}
    assert ranks == {"linear": (1, 2), "constant": (2, 1)}
    assert own["linear"].sensitivity.fixed_cost > 0.1 > own["constant"].sensitivity.fixed_cost
    assert len(tuned.trials()) <= SETTINGS["trials"]


def test_the_spec_and_the_choice_read_back_and_the_report_states_them(tuned):
    assert StudySpec.parse(tuned.spec.document()) == tuned.spec
    assert tuned.choice().document() == json.loads(json.dumps(tuned.choice().document()))
    page = lrshape.report.page.write_report(tuned).read_text()
    assert "constant would come first, not linear" in page
    assert _named({"label": "cosine baseline", "is_baseline": True}) == "the cosine baseline"
    assert "weight_decay" in page


def test_a_resumed_study_is_the_same(tuned, tmp_path):
    calls = []

    def stopping(lrs, seed, *, weight_decay):
        calls.append(weight_decay)
        if len(calls) == 60:
            raise KeyboardInterrupt
        return train(lrs, seed, weight_decay=weight_decay)

    tune = {"weight_decay": tuned.spec.tune["weight_decay"].model_dump()}
    with pytest.raises(KeyboardInterrupt):
        lrshape.compare(train=stopping, tune=tune, out=tmp_path / "study", **SETTINGS)
    again = lrshape.compare(train=stopping, tune=tune, out=tmp_path / "study", **SETTINGS)
    kept = [one.trials().drop(columns="wall_time") for one in (again, tuned)]
    pd.testing.assert_frame_equal(*kept, check_exact=True)


@pytest.fixture(scope="module")
def tuned_search(without_report, tmp_path_factory):
    with without_report():
        out = tmp_path_factory.mktemp("tuned") / "search"
        return lrshape.search(
            train=train, steps=STEPS, families=["power"], baselines=["linear"], trials=96, out=out,
            base_lr={"low": 0.01, "high": 1.0}, tune=WEIGHT_DECAY | {"nesterov": {"choices": [True, False]}},
        )  # fmt: skip


def test_a_search_tunes_choices_and_shapes_together(tuned_search):
    tried = {text: hyperparameters_of(text) for text in tuned_search.trials()["hyperparameters"]}
    assert {values["nesterov"] for values in tried.values()} == {True, False}
    assert all(one.hyperparameters["nesterov"] is False for one in own_of(tuned_search).values())
    tuning = tuned_search.spec.tuning
    assert Plan(tuned_search.spec).trials["tune"] == 3 * 15 * tuning.seeds * tuning.rounds


def test_a_range_over_many_orders_of_magnitude_has_limits_that_are_numbers():
    huge = HyperparameterSpec(low=1e-60, high=1e60, scale="log")
    assert huge.legal == (1e-300, 1e300)


def test_a_command_gets_hyperparameters_in_its_arguments(tmp_path):
    code = "import sys, json; json.dump(abs(float(sys.argv[1]) - 0.1), open(sys.argv[2], 'w'))"
    command = [sys.executable, "-c", code, "{weight_decay}", "{metrics}", "{schedule}"]
    spec = {"workload": {"name": "command", "command": command, "steps": 4}, "tune": WEIGHT_DECAY}
    workload = StudySpec.parse(spec).workload
    assert workload.call(np.ones(4), 0, {"weight_decay": 0.3}).scores["final/score"] == pytest.approx(0.2)
    with pytest.raises(InputError, match=r"an argument must contain \{beta2\}"):
        workload.check(["beta2"])


def test_one_setting_cannot_be_tuned_by_two_names():
    tune = {"weight_decay": (0.0, 1.0), "optimizer.weight_decay": (0.0, 1.0)}
    with pytest.raises(InputError, match=r"weight_decay and optimizer.weight_decay are one hyperparameter"):
        StudySpec.parse({"workload": {"name": "digits-mlp", "optimizer": {"name": "adamw"}}, "tune": tune})


@pytest.mark.parametrize(
    ("tune", "line"),
    [
        ({"lr": (0.1, 1)}, "lr cannot be tuned here"),
        ({f"a{i}": (0.1, 1) for i in range(5)}, "at most 4 hyperparameters can be tuned, got 5"),
        ({"beta2": (0.9, 0.9)}, "low must be less than high, got low = 0.9, high = 0.9"),
        ({"weight_decay": (0.0, 1.0, "log")}, "a log range must be positive"),
        (
            {"weight_decay": {"low": 0.1, "high": 1.0, "scale": "cubic"}},
            "must be one of linear, log, integer",
        ),
        ({"weight_decay": {"choices": [1]}}, "two or more that differ, got [1]"),
        ({"weight_decay": {"choices": [1, 1.0]}}, "two or more that differ, got [1, 1.0]"),
        ({"weight_decay": {"choices": [1, math.nan]}}, "choices must be finite numbers or texts"),
        ({"weight_decay": {"choices": [1, 2], "low": 0.1}}, "choices cannot be combined with low"),
        ({"weight_decay": {"low": 0.1}}, "low and high, or choices, must be given"),
        ({"weight_decay": {"low": 0.1, "high": 1, "limits": [0.2, 2]}}, "limits must enclose the range"),
        (
            {"weight_decay": {"low": 0.1, "high": 1, "default": 2}},
            "default must be a value that may be tried",
        ),
        (
            {"weight_decay": {"low": 1, "high": 4, "scale": "integer", "default": 2.5}},
            "default must be a value that may be tried, got 2.5",
        ),
        (
            {"weight_decay": {"low": 1, "high": 4, "scale": "integer", "default": 10**400}},
            "default must be a value that may be tried, got 1000",
        ),
        (
            {"weight_decay": {"low": 0.1, "high": 1, "scale": "log", "limits": [0, 10], "default": 0.0}},
            "default must be above 0 on a log scale, got 0.0",
        ),
        ({"weight_decay": 0.1}, "must be a table"),
        ({"decay": (0.1, 1)}, "must take (lrs, seed, *, decay)"),
        ({"optimizer": {"weight_decay": [0.1, 1]}}, "optimizer.weight_decay must be a word"),
    ],
)
def test_what_cannot_be_tuned_is_told_in_a_line(tmp_path, tune, line):
    with pytest.raises(InputError) as error:
        lrshape.search(train=train, steps=STEPS, tune=tune, out=tmp_path / "study")
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "study").exists()


def test_a_schedule_that_keeps_its_base_lr_has_no_hyperparameters_to_tune(tmp_path):
    schedules = {"a": "linear", "b": {"family": "constant", "tune": False, "base_lr": 0.1}}
    with pytest.raises(InputError, match="b keeps its base LR, and would keep its weight_decay"):
        lrshape.compare(
            train=train, steps=STEPS, schedules=schedules, tune=WEIGHT_DECAY, out=tmp_path / "study"
        )


@st.composite
def spaces(draw):
    numbers = st.floats(1e-6, 1e6).map(lambda x: float(f"{x:.6g}"))
    found = {}
    for name in draw(st.lists(st.sampled_from("abcd"), unique=True)):
        kind = draw(st.sampled_from(["linear", "log", "integer", "choices", "power", "wsd"]))
        if kind == "choices":
            found[name] = HyperparameterSpec(choices=("x", 0.5, True))
            continue
        low, high = sorted(draw(st.tuples(numbers, numbers).filter(lambda ends: ends[0] != ends[1])))
        if kind == "integer":
            low, high = math.floor(low), math.floor(high) + 1
        shape = {"family": kind} if kind in ("power", "wsd") else {"scale": kind}
        found[name] = HyperparameterSpec(low=low, high=high, **shape)
    return HyperparameterSpace(found)


@given(spaces(), st.data())
def test_values_stay_inside_and_survive_json(space, data):
    units = np.array([data.draw(st.lists(st.floats(0, 1), min_size=len(space), max_size=len(space)))])
    text = space.texts(units)[0]
    assert text_of(json.loads(text)) == text
    assert space.texts(space.units([text])) == [text]
    for name, value in hyperparameters_of(text).items():
        one, value = space.specs[name], base_of(value)
        assert value in one.choices or one.low <= value <= one.high
        assert type(value) is not float or float(f"{value:.6g}") == value or value in (one.low, one.high)


@pytest.mark.parametrize(
    ("table", "first", "side"),
    [
        ([1e-3, 1e-2, "log"], 1e-3, min),
        ([0.0012345678, 0.01, "log"], 0.00123457, min),
        ({"low": 0.0, "high": 0.1, "limits": (0, 1)}, 0.1, max),
        ({"low": 400, "high": 460, "scale": "integer", "limits": (1, 1000)}, 400, min),
        ({"low": 400, "high": 460, "scale": "integer", "limits": (1, 1000)}, 460, max),
    ],
)
def test_a_range_widens_as_long_as_the_best_value_lies_at_its_end(table, first, side):
    one = HyperparameterSpec.model_validate(table)
    space = HyperparameterSpace({"x": one})
    text, tried, found = space.untuned, [one.unit(one.untuned)], []
    for _ in range(3):
        known = space.beside(text, "x", tried)
        tried += known
        found.append(side(hyperparameters_of(other)["x"] for other in known.values()))
        text = text_of({"x": found[-1]})
    assert found[0] == first
    assert found == sorted(set(found), reverse=side is min)


def test_whole_numbers_end_where_their_range_does():
    one = HyperparameterSpec(low=16, high=64, scale="integer", limits=(1, 1000))
    assert [one.value(0.0), one.value(1.0), one.nearest(64.0)] == [16, 64, 64]
    assert type(one.nearest(16.0)) is int


def test_checks_train_at_the_values_of_the_study(tuned_search):
    from lrshape.checks.local import LocalCheck, best_shapes

    trained = LocalCheck(points=2, base_lrs=1, seeds=1, confirm_seeds=2, top=1).train(tuned_search)
    assert set(trained["hyperparameters"]) == {best_shapes(tuned_search, 1)[0].hyperparameters}
