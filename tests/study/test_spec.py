"""Specs: what is accepted, what is refused, and how it reads."""

import json
import re
import tomllib

import pytest

from lrshape.errors import InputError
from lrshape.study.spec import StudySpec, override, read_spec
from lrshape.study.template import commented_spec
from lrshape.training.workload import WORKLOADS

MINIMAL = {"workload": "digits-mlp", "families": ["rex"]}


def test_defaults_come_from_the_workload():
    spec = StudySpec.parse(MINIMAL)
    assert spec.metric == "final/train_loss"
    assert (spec.base_lr.low, spec.base_lr.high) == (1e-4, 1e-1)
    assert spec.workload.steps == 300
    assert set(spec.baselines) == {"constant", "linear", "cosine", "wsd"}


SIXTY = {"workload": {"name": "digits-mlp", "steps": 60}, "warmup_steps": 6}


@pytest.mark.parametrize(
    ("metric", "given", "direction"),
    [
        ("accuracy", {}, "maximize"),
        ("valid_f1", {}, "maximize"),
        ("loss", {}, "minimize"),
        ("accuracy", {"direction": "minimize"}, "minimize"),
    ],
)
def test_a_metric_is_maximised_if_its_name_says_so(metric, given, direction):
    workload = {"name": "function", "function": "mine:train", "steps": 10, "metrics": [metric, "other"]}
    assert StudySpec.parse({"workload": workload, **given}).direction == direction


def test_a_warmup_in_steps_is_that_of_all_families_and_baselines():
    spec = StudySpec.parse({**SIXTY, "families": ["rex", {"name": "wsd"}], "min_lr": 1e-3})
    assert [family.fixed for family in spec.families] == [{"warmup": 0.1}] * 2
    assert {name: one.params["warmup"] for name, one in spec.baselines.items()} == dict.fromkeys(
        ("constant", "linear", "cosine", "wsd"), 0.1
    )
    assert StudySpec.parse(spec.document()) == spec
    assert "one_cycle" not in [family.name for family in StudySpec.parse({**SIXTY, "trials": 500}).families]


@pytest.mark.parametrize("trials", [60, 160, 512])
def test_a_decay_in_steps_leaves_the_family_that_has_one_whatever_the_trials(trials):
    spec = StudySpec.parse({"workload": "digits-mlp", "trials": trials, "decay_steps": 50})
    assert [family.name for family in spec.families] == ["wsd"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"families": ["one_cycle"]}, "warmup_steps: family one_cycle has no warmup: remove one of them"),
        ({"families": [{"name": "rex", "fixed": {"warmup": 0.2}}]}, "family rex gives warmup, too"),
        ({"families": [{"name": "rex", "ranges": {"warmup": [0, 0.2]}}]}, "family rex gives warmup, too"),
        ({"warmup_steps": 40}, "warmup_steps must be at most 30% of the 60 steps, got 40"),
        ({"warmup_steps": 2.5}, "warmup_steps: must be a whole number, got 2.5"),
        ({"decay_steps": 5}, "decay_steps: family rex has no decay: remove one of them"),
        ({"decay_steps": 5, "baselines": ["linear"]}, "decay_steps: no schedule has a decay: remove it"),
        ({"tune": {"beta1": {"low": 0.5, "high": 0.9, "limits": [0, 2]}}}, "limits of beta1 must be within"),
        ({"min_lr": 1.0}, "min_lr must be at most base_lr.high, 0.1, got 1"),
        ({"families": 3}, "families"),
        ({"families": [{"shapes": 3}]}, "families.0.name"),
        ({"families": ["rexx"]}, "rexx"),
    ],
)
def test_lengths_that_do_not_fit_are_one_clear_line(change, message):
    with pytest.raises(InputError, match=message):
        StudySpec.parse({**SIXTY, "families": ["rex"], **change})


def test_document_reads_back_and_hashes_alike():
    spec = StudySpec.parse(
        {
            "workload": {"name": "digits-mlp", "hidden": [8], "optimizer": {"weight_decay": 0.1}},
            "families": [
                "cosine",
                {"name": "rex", "shapes": 3, "fixed": {"warmup": 0.1}, "ranges": {"beta": [0.1, 1]}},
            ],
            "baselines": {"mine": {"family": "wsd", "params": {"decay": 0.5}}},
            "sampler": {"name": "random"},
        }
    )
    again = StudySpec.parse(json.loads(json.dumps(spec.document())))
    assert again == spec
    assert again.document() == spec.document()


@pytest.mark.parametrize("group", ["default", "low", "high", "scale", "family"])
def test_a_group_may_be_called_as_a_field_of_a_hyperparameter(group):
    groups = [{"name": group}]
    tune = {"lr": {group: {"low": 0.1, "high": 10, "scale": "log"}}}
    spec = StudySpec.parse({"workload": {"name": "digits-mlp", "groups": groups}, "tune": tune})
    assert list(spec.tune) == [f"lr.{group}"]


@pytest.mark.parametrize(("low", "high"), [(1e-12, 1e-6), (1.0, 1e32)])
def test_a_range_near_the_bounds_of_a_setting_is_kept_and_reads_back(low, high):
    tune = {"optimizer.eps": {"low": low, "high": high, "scale": "log"}}
    spec = StudySpec.parse({"workload": "digits-mlp", "tune": tune})
    one = spec.tune["optimizer.eps"]
    assert (one.value(0.0), one.value(1.0)) == (low, high)
    assert StudySpec.parse(spec.document()) == spec


def test_optimizer_settings_without_a_name_change_the_default_one():
    spec = StudySpec.parse({**MINIMAL, "workload": {"name": "digits-mlp", "optimizer": {"beta1": 0.5}}})
    assert spec.workload.optimizer.name == "adam"
    assert spec.workload.optimizer.beta1 == 0.5
    named = StudySpec.parse({**MINIMAL, "workload": {"name": "digits-mlp", "optimizer": "sgd"}})
    assert named.workload.optimizer.name == "sgd"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"familes": ["rex"]}, r"unknown key 'familes'; allowed: .*; did you mean 'families'\?"),
        ({"workload": None}, "workload: needs a name, one of .*digits-cnn, digits-mlp, .*"),
        ({"workload": "digits"}, r"workload: must be one of .*got 'digits'; did you mean .*"),
        (
            {"workload": {"name": "digits-mlp", "step": 3}},
            r"workload: unknown key 'step'; allowed: steps, .*did you mean 'steps'\?",
        ),
        (
            {"workload": {"name": "digits-mlp", "steps": 0}},
            "workload.steps: must be at least 1, got 0",
        ),
        (
            {"workload": {"name": "digits-mlp", "steps": "many"}},
            "workload.steps: must be a whole number, got 'many'",
        ),
        (
            {"workload": {"name": "digits-mlp", "optimizer": "adamax"}},
            "workload.optimizer: must be one of adam, adamw, lion, momentum, muon, .* sgd, got .*",
        ),
        (
            {"workload": {"name": "digits-mlp", "optimizer": {"name": "sgd", "beta1": 0.9}}},
            "workload.optimizer: unknown key 'beta1'; allowed: .*",
        ),
        (
            {"workload": {"name": "digits-mlp", "optimizer": {"beta1": 1.0}}},
            "workload.optimizer.beta1: must be less than 1, got 1.0",
        ),
        (
            {"workload": {"name": "linear-regression", "dimension": 2, "batch_size": 3}},
            "workload: batch_size must be at most dimension = 2 data points, got 3",
        ),
        ({"families": []}, "families: must have 1 entries or more, got .*"),
        ({"families": 5}, "families: must be a list, got 5"),
        ({"families": ["rexx"]}, r"families.0: family must be one of .*got 'rexx'; did you mean 'rex'\?"),
        ({"families": ["rex", "rex"]}, "families must differ, got rex, rex"),
        ({"families": [{"name": "rex", "fixed": {"gamma": 1}}]}, "families.0: rex has parameters .*'gamma'"),
        ({"families": [{"name": "rex", "fixed": {"beta": 99}}]}, "families.0: beta must be .*, got 99"),
        (
            {"families": [{"name": "rex", "ranges": {"beta": [0.1, 99]}}]},
            r"families.0: rex: the range of beta must be within \[0.01, 10\], got \[0.1, 99\]",
        ),
        (
            {"families": [{"name": "rex", "ranges": {"beta": [1, 0.1]}}]},
            r"families.0: rex: the range of beta must begin with its lower end, got \[1, 0.1\]",
        ),
        (
            {"families": [{"name": "rex", "fixed": {"beta": 1}, "ranges": {"beta": [0.1, 1]}}]},
            "families.0: rex: beta is both fixed and given a range",
        ),
        (
            {"families": [{"name": "multi_step", "ranges": {"drops": [1.5, 2.5]}}]},
            r"families.0: drops: an integer range has whole ends, got \[1.5, 2.5\]",
        ),
        ({"base_lr": {"high": 10**400}}, "base_lr.high: must be a number, got 1000.*"),
        ({"seed": 2e40}, r"seed: must be a whole number between -2\^63 and 2\^63, got 2e\+40"),
        (
            {"workload": {"name": "function", "function": "a:b", "steps": 3, "metrics": ["a", "final/a"]}},
            r"workload.metrics: must differ and have names, got \['a', 'final/a'\]",
        ),
        (
            {"workload": {"name": "function", "function": "a:b", "steps": 3, "metrics": [""]}},
            r"workload.metrics: must differ and have names, got \[''\]",
        ),
        ({"chunk_size": 1.5}, "chunk_size: must be a whole number or auto, got 1.5"),
        ({"workload": {"name": "function", "steps": 3}}, "workload.function: must be given"),
        (
            {"base_lr": {"strategy": "line"}},
            "base_lr: strategy must be one of bracket, grid, joint, got .*",
        ),
        ({"metric": "final/loss"}, "metric must be one of final/train_loss, .*got 'final/loss'"),
        ({"step_rule": "center"}, "step_rule: must be one of midpoint, left, right, got 'center'"),
        ({"sampler": "sobel"}, r"sampler: must be one of .*got 'sobel'; did you mean 'sobol'\?"),
        ({"sampler": {"name": "sobol", "levels": 3}}, "sampler: unknown key 'levels'; allowed: .*"),
        ({"base_lr": {"low": 0.1, "high": 0.01}}, "base_lr: low must be at most high, .*"),
        ({"base_lr": {"points": 0}}, "base_lr.points: must be at least 1, got 0"),
        ({"base_lr": {"low": -1.0}}, "base_lr.low: must be greater than 0, got -1.0"),
        ({"base_lr": {"low": float("nan")}}, "base_lr.low: must be a finite number, got nan"),
        ({"screen": {"seeds": 0}}, "screen.seeds: must be at least 1, got 0"),
        ({"rescore": {"top": 0}}, "rescore.top: must be at least 1, got 0"),
        (
            {"confirm": {"seed": 20}},
            r"confirm: unknown key 'seed'; allowed: least, .* seeds; did you mean 'seeds'\?",
        ),
        ({"confirm": {"seeds": 9, "most": 8}}, "confirm: seeds cannot be combined with least and most"),
        (
            {"confirm": {"least": 9, "most": 8}},
            "confirm: least must not exceed most, got least = 9, most = 8",
        ),
        ({"chunk_size": 0}, "chunk_size: must be auto or from 1 to 1000000, got 0"),
        ({"chunk_size": "12"}, "chunk_size: must be a whole number or auto, got '12'"),
        ({"screen": {"stop_gain": True}}, "screen.stop_gain: must be a number or auto, got True"),
        ({"screen": {"seeds": True}}, "screen.seeds: must be a whole number, got True"),
        ({"base_lr": {"points": "3"}}, "base_lr.points: must be a whole number, got '3'"),
        (
            {"workload": {"name": "digits-mlp", "hidden": [16, "8"]}},
            "workload.hidden.1: must be a whole number, got '8'",
        ),
        (
            {"families": [{"name": "rex", "ranges": {"beta": [True, 5]}}]},
            "families.0.ranges.beta.0: must be a number, got True",
        ),
        (
            {"tune": {"optimizer": ["sgd", "adamw"]}},
            r"tune.optimizer: must be a table, .* need a table with choices; got \['sgd', 'adamw'\]",
        ),
        (
            {"tune": {"beta1": {"low": 0.5, "high": 0.9, "limits": [0.5, "1"]}}},
            "tune.beta1.limits.1: must be a number, got '1'",
        ),
        (
            {"baselines": {"x": {"lrs": [True, 0.5]}}},
            r"baselines.x: learning rates must be numbers, got \[True, 0.5\]",
        ),
        ({"base_lr": {"low": 1e-320}}, "base_lr: low must be at least 1e-30, got 1e-320"),
        ({"baselines": [["a"]]}, "baselines: unknown baseline .*"),
        ({"seed": -1}, "seed: must be at least 0, got -1"),
        (
            {"baselines": ["cosin"]},
            r"baselines: unknown baseline 'cosin'; allowed: .*did you mean 'cosine'\?",
        ),
        ({"baselines": {"x": {"family": "nope"}}}, "baselines.x: family must be one of .*got 'nope'"),
        ({"baselines": {"<b>": {"family": "rex"}}}, "names of schedules must be letters, digits, .*'<b>'"),
    ],
)
def test_each_kind_of_mistake_is_one_clear_line(change, line):
    with pytest.raises(InputError, match=f"^{line}$") as caught:
        StudySpec.parse({**MINIMAL, **change})
    assert "\n" not in str(caught.value)


def test_several_mistakes_are_a_line_each():
    with pytest.raises(InputError) as caught:
        StudySpec.parse(
            {
                "seed": -1,
                "familes": ["rex"],
                "screen": {"seeds": 0, "shape": 3},
                "workload": {"name": "digits-mlp", "steps": 0},
                "base_lr": {"high": -1},
            }
        )
    lines = str(caught.value).splitlines()
    assert sorted(line.partition(" ")[0] for line in lines) == [
        *("base_lr.high:", "families:", "screen.seeds:", "screen:", "seed:", "unknown", "workload.steps:")
    ]
    assert "schedules; did you mean 'families'?" in lines[0]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_commented_spec_is_a_spec_with_the_defaults(workload):
    text = commented_spec(workload)
    spec = StudySpec.parse(tomllib.loads(text))
    needed = [name for name, field in WORKLOADS[workload].model_fields.items() if field.is_required()]
    given = {"name": workload, **{name: getattr(spec.workload, name) for name in needed}}
    assert spec == StudySpec.parse({"workload": given})
    for trials in (24, 100):
        StudySpec.parse({**tomllib.loads(text), "trials": trials})
    assert all(f"{name} =" in text or f"[{name}" in text for name in StudySpec.model_fields)


def test_in_a_commented_spec_another_metric_decides_the_direction():
    document = tomllib.loads(commented_spec("function").replace("final/score", "final/accuracy"))
    document["workload"]["metrics"] = ["accuracy"]
    assert StudySpec.parse(document).direction == "maximize"


@pytest.mark.parametrize("workload", WORKLOADS)
def test_what_is_commented_in_a_spec_is_the_default(workload):
    text = commented_spec(workload)
    planned = tomllib.loads(text)
    own = {"families": ["rex"], "screen": {}, "workload": planned["workload"]}
    found = {"families": 1, "baselines": 1, "screen": 4, "rescore": 5, "tuning": 4, "confirm": 3}
    commented = re.findall(r"^# ((?:families|baselines) = \[\".*\"\])$", text, re.MULTILINE)
    settings = [tomllib.loads(line) for line in commented]
    for section in re.findall(r"^# (\[(?:screen|rescore|tuning|confirm)\]\n(?:# .*\n)*)", text, re.MULTILINE):
        ((name, table),) = tomllib.loads(section.replace("\n# ", "\n")).items()
        settings += [{name: table}, *({name: {key: value}} for key, value in table.items())]
        assert len(table) == found[name]
    assert len(settings) == sum(found.values()) + 4
    for setting in settings:
        document = own if setting.keys() & {"screen", "rescore"} else planned
        expected = StudySpec.parse(document).document()
        assert StudySpec.parse(document | setting).document() == expected, setting


def test_what_is_commented_in_a_spec_can_be_used_where_it_stands():
    text = commented_spec("digits-mlp")
    before, _, sections = text.partition("# The other sections")
    for example in re.findall(r"^# ((?:families|baselines) = .*)$", before, re.MULTILINE):
        StudySpec.parse(tomllib.loads(f"{example}\n{text}"))
    own = ("# sampler", "# strategy", "# extend", "# points")
    lines = [line.removeprefix("# ") if line.startswith(own) else line for line in before.splitlines()]
    lines = [line for line in lines if not line.startswith("trials")]
    lines += [line.removeprefix("#").removeprefix(" ") for line in sections.splitlines()[1:]]
    document = tomllib.loads("\n".join(['families = ["rex"]', *lines]))
    assert {"screen", "rescore", "tuning", "confirm"} < set(document)
    spec = StudySpec.parse(document)
    assert (spec.sampler.name, spec.base_lr.name) == ("sobol", "grid")


def test_override_reads_toml_and_falls_back_to_text():
    document = {"workload": "digits-mlp"}
    for text in (
        "workload.steps=5",
        "families=['rex']",
        "base_lr.low = 1e-3",
        "sampler=random",
        "a.b.c=true",
    ):
        override(document, text)
    assert document == {
        "workload": {"name": "digits-mlp", "steps": 5},
        "families": ["rex"],
        "base_lr": {"low": 1e-3},
        "sampler": "random",
        "a": {"b": {"c": True}},
    }


@pytest.mark.parametrize("text", ["workload.steps", "=3", "a..b=1", "seed.x=3"])
def test_override_refuses_what_is_no_assignment(text):
    with pytest.raises(InputError, match="--set"):
        override({"seed": 1}, text)


def test_unreadable_files(tmp_path):
    with_mark = tmp_path / "bom"  # as some editors write
    with_mark.write_bytes(b"\xef\xbb\xbfseed = 3")
    assert read_spec(with_mark) == {"seed": 3}
    missing, broken, utf16, huge = (tmp_path / name for name in ("none", "broken", "utf16", "huge"))
    broken.write_text("a = [1,\nb = 2")
    utf16.write_bytes("seed = 3".encode("utf-16"))
    huge.write_bytes(b"#" * 1_000_001)
    for path, message in (
        (missing, "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (broken, "is not TOML: .*line 2"),
        (utf16, "must be UTF-8 text, got UTF-16"),
        (huge, "at most 1,000,000 bytes"),
    ):
        with pytest.raises(InputError, match=message):
            read_spec(path)


def test_settings_that_a_spec_gives_are_kept_where_the_others_follow_from_trials():
    spec = StudySpec.parse({**MINIMAL, "trials": 512, "tuning": {"rounds": 1}, "confirm": {"seeds": 7}})
    assert spec.tuning.rounds == 1
    assert (spec.confirm.least, spec.confirm.most) == (7, 7)
