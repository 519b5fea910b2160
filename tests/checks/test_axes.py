"""Axes, presets and settings of a sweep."""

import re

import pytest

from lrshape.checks.axes import parse_axis, preset_axes, settings
from lrshape.errors import InputError
from lrshape.study.spec import StudySpec

SPEC = {"name": "digits", "workload": {"name": "digits-mlp", "steps": 300}, "families": ["rex"]}
DECAY = "workload.optimizer.weight_decay"


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("workload.steps=100,300", "workload.steps", [100, 300]),
        (f"{DECAY} = 0, 1e-2", DECAY, [0, 0.01]),
        ("workload.hidden=[8],[8, 8]", "workload.hidden", [[8], [8, 8]]),
        ("a.b=lr,constant", "a.b", ["lr", "constant"]),
        ("a=x,3,true", "a", ["x", 3, True]),
    ],
)
def test_axes_are_read_as_toml_or_as_texts(text, key, values):
    assert parse_axis(text) == (key, values)


@pytest.mark.parametrize("text", ["", "a", "=1", "a.=1", "a=", "a=1,,x", "name=a,b"])
def test_wrong_axes(text):
    with pytest.raises(InputError, match="--over"):
        parse_axis(text)


def test_settings_are_the_product_and_each_is_a_spec_of_its_own():
    made = settings(SPEC, {DECAY: [0, 0.01], "workload.optimizer.coupling": ["lr", "constant"]})
    assert [s.slug for s in made] == [
        "weight_decay-0__coupling-lr",
        "weight_decay-0__coupling-constant",
        "weight_decay-0.01__coupling-lr",
        "weight_decay-0.01__coupling-constant",
    ]
    spec = StudySpec.parse(made[3].document)
    optimizer = spec.workload.optimizer
    assert (optimizer.name, optimizer.weight_decay, optimizer.coupling) == ("adam", 0.01, "constant")
    assert spec.name == "digits: weight_decay 0.01, coupling constant"
    assert "optimizer" not in SPEC["workload"]  # the given spec is left alone
    assert made[3].label == "weight_decay 0.01, coupling constant"
    assert made[3].short == "0.01, constant"


def test_an_optimizer_is_shown_as_one_but_stored_by_the_old_name():
    (made, _) = settings(SPEC, {"workload.optimizer.name": ["adamw", "muon"]})
    assert made.label == "optimizer adamw"
    assert made.slug == "name-adamw"  # else sweeps of earlier versions could not be opened
    assert StudySpec.parse(made.document).name == "digits: name adamw"


def test_values_that_differ_at_their_end_are_two_settings():
    eight = ["rex", "linear", "cosine", "constant", "exponential", "power", "inverse_sqrt", "cosine_floor"]
    made = settings(SPEC, {"families": [eight, [*eight, "wsd"]]})
    assert [len(StudySpec.parse(one.document).families) for one in made] == [8, 9]
    assert len({one.slug for one in made}) == 2
    with pytest.raises(InputError, match="values must differ"):
        settings(
            SPEC, {"workload.optimizer": [{"name": "adam", "beta1": 0.5}, {"beta1": 0.5, "name": "adam"}]}
        )


def test_short_forms_of_tables_can_be_swept_into():
    document = {"workload": {"name": "digits-mlp", "optimizer": "sgd"}, "families": ["rex"]}
    made = settings(document, {DECAY: [0.0, 0.1]})
    assert StudySpec.parse(made[1].document).workload.optimizer.name == "sgd"
    made = settings({"workload": "digits-mlp", "families": ["rex"]}, {"workload.steps": [5, 6]})
    assert [StudySpec.parse(s.document).workload.steps for s in made] == [5, 6]


def test_slugs_are_directory_names_and_differ():
    made = settings(SPEC, {"workload.hidden": [[8], [8, 8], [64]]})
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", s.slug) for s in made)
    assert len({s.slug for s in made}) == 3
    made = settings(SPEC, {"workload.steps": [3, 4], "screen.shapes": [1, 2]})
    assert made[0].slug == "steps-3__shapes-1"
    made = settings(SPEC, {"screen.seeds": [1, 2], "rescore.seeds": [1, 2]})
    assert made[0].slug == "screen.seeds-1__rescore.seeds-1"


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "at least one --over"),
        ({"workload.steps": [300]}, "2 to 100 settings, got 1"),
        ({"workload.steps": list(range(1, 200))}, "2 to 100 settings, got 199"),
        ({"workload.steps": [3, 3]}, "must differ"),
        ({DECAY: [0, 0.0]}, "must differ"),
        ({DECAY: [0, -1]}, "weight_decay -1: workload.optimizer"),
        ({"workload.optimizer.beta3": [0, 1]}, "unknown key 'beta3'"),
        ({"workload.steps.deep": [0, 1]}, "workload.steps is not a table"),
        ({"metric": ["final/train_loss", "final/test_loss"]}, "one metric"),
    ],
)
def test_wrong_settings(axes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        settings(SPEC, axes)


@pytest.mark.parametrize(
    ("name", "fixed", "axes"),
    [
        ("horizon", {}, {"workload.steps": [75, 150, 300, 600]}),
        ("beta1", {}, {"workload.optimizer.beta1": [0.0, 0.5, 0.9, 0.98]}),
        ("beta2", {}, {"workload.optimizer.beta2": [0.9, 0.99, 0.999]}),
        ("weight-decay", {}, {DECAY: [0.0, 0.01, 0.1, 1.0]}),
        ("weight-decay:lr", {"workload.optimizer.coupling": "lr"}, {DECAY: [0.0, 0.01, 0.1, 1.0]}),
        (
            "weight-decay:constant",
            {"workload.optimizer.coupling": "constant"},
            {DECAY: [0.0, 0.0003, 0.003, 0.03]},
        ),
    ],
)
def test_presets(name, fixed, axes):
    assert preset_axes(name, SPEC) == (fixed, axes)
    settings(SPEC, axes)


def test_the_weight_decay_preset_takes_the_specs_coupling():
    document = {**SPEC, "workload": {**SPEC["workload"], "optimizer": {"coupling": "schedule"}}}
    assert preset_axes("weight-decay", document)[1] == {DECAY: [0.0, 0.0003, 0.003, 0.03]}


@pytest.mark.parametrize("name", ["decay", "beta1:lr", "weight-decay:", "weight-decay:both"])
def test_wrong_presets(name):
    with pytest.raises(InputError, match="--preset"):
        preset_axes(name, SPEC)
