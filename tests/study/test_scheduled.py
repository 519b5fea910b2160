"""Hyperparameters with schedules of their own, searched together with the shape of the learning rate."""

import math
import sys

import numpy as np
import pytest
from optuna import load_study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from typer.testing import CliRunner

import lrshape
from lrshape.cli import app
from lrshape.cli.source import schedule_of, schedules_of, study_of
from lrshape.errors import InputError
from lrshape.procedure.family_spec import FamilySpec
from lrshape.procedure.scheduled import schedule, series, units_of, value_at
from lrshape.procedure.trial import Candidate, ShapeRecord
from lrshape.shapes.schedule import Schedule
from lrshape.store import hyperparameters_of
from lrshape.study.spec import StudySpec
from lrshape.study.trial_files import flat, write_trials

STEPS = 24
BEST = 0.3 * (1 - (np.arange(STEPS) + 0.5) / STEPS) ** 1.5
SCHEDULED = {"low": 0.02, "high": 1.0, "family": "power", "fixed": {"warmup": 0.0}}


def train(lrs, seed, *, weight_decay):
    """Any LR of the right size will do, but the weight decay must fall from 0.3 to 0."""
    assert weight_decay.shape == (STEPS,)
    assert weight_decay.dtype == np.float64
    off = np.mean((weight_decay - BEST) ** 2) / 0.3**2
    size = math.log(np.sqrt((lrs**2).mean()) / 0.1)
    noise = np.random.default_rng([seed, int(1e6 * lrs[0])]).normal()
    return 1 + 0.5 * off + 0.2 * size**2 + 0.003 * noise


@pytest.fixture(scope="module")
def searched(without_report, tmp_path_factory):
    with without_report():
        return lrshape.search(
            train=train, steps=STEPS, families=["linear"], baselines=["linear"], trials=120,
            base_lr={"low": 0.01, "high": 1.0}, tune={"weight_decay": SCHEDULED},
            out=tmp_path_factory.mktemp("scheduled") / "study",
        )  # fmt: skip


def test_a_decaying_weight_decay_is_found_and_beats_the_best_constant_one(searched):
    best = searched.best()
    found = searched.schedules()
    assert list(found) == ["lr", "weight_decay"]
    assert found["lr"] == searched.schedule()
    assert np.mean((found["weight_decay"].values() - BEST) ** 2) < 0.1 * np.var(BEST)
    assert best.hyperparameters["weight_decay"]["base"] == found["weight_decay"].base_lr
    assert len(searched.schedules(steps=100)["weight_decay"].values()) == 100
    (constant,) = best.baselines
    assert constant.hyperparameters["weight_decay"] == pytest.approx(np.mean(BEST), rel=0.35)
    assert constant.verdict == "better"
    low, high = best.sensitivity.flat["weight_decay"]
    assert low <= found["weight_decay"].base_lr <= high


def test_commands_export_all_schedules_and_draw_the_learning_rate(searched, tmp_path):
    path = str(searched.path)
    assert dict(schedules_of(path, None, study_of(path))) == searched.schedules()
    assert schedule_of(path) == searched.schedule()
    arguments = ["export", path, "--to", "json", "--out", str(tmp_path / "all.json")]
    exported = CliRunner().invoke(app, arguments)
    assert exported.stdout == f"wrote {tmp_path / 'all.json'}\n"  # nothing was tuned that is not in it


def test_searched_shapes_try_constant_values_too_and_baselines_nothing_else(searched):
    trials = searched.trials()
    is_number = np.array(
        [isinstance(hyperparameters_of(text)["weight_decay"], float) for text in trials["hyperparameters"]]
    )
    baseline = trials["shape"].str.startswith("baseline").to_numpy()
    assert is_number[baseline].all()
    assert 0 < is_number[~baseline].mean() < 0.5


def test_the_spec_reads_back_and_report_and_tables_hold_the_schedule(searched, tmp_path):
    assert StudySpec.parse(searched.spec.document()) == searched.spec
    page = lrshape.report.page.write_report(searched).read_text()
    assert "its weight_decay" in page
    assert "Schedules of its hyperparameters are relative to their base values." in page
    assert "weight_decay exponent" in page
    lines = page.partition("weight_decay = Schedule(")[2].partition("\n")[0]
    assert "base_lr=0." in lines
    assert "steps=schedule.steps" in lines
    table = flat(searched.trials())
    names = [name for name in table if name.startswith("hyperparameter.")]
    parts = ["exponent", "family", "floor", "warmup"]
    assert names == [f"hyperparameter.weight_decay{part}" for part in ("", *(f".{part}" for part in parts))]
    table.to_parquet(tmp_path / "table.parquet")
    log = write_trials(searched.trials(), "optuna", tmp_path / "t.log", metric=searched.metric, name="x")
    trials = load_study(study_name="x", storage=JournalStorage(JournalFileBackend(str(log)))).trials
    assert len(trials) == len(table)
    assert any("weight_decay.family" in trial.params for trial in trials)


def test_the_engine_trains_with_schedules_of_weight_decay_and_of_a_group(tmp_path):
    groups = [{"name": "head", "parameters": "output.*"}, {"name": "body"}]
    study = lrshape.search(
        {
            "workload": {"name": "digits-mlp", "steps": 8, "hidden": [4], "optimizer": "adamw"}
            | {"groups": groups},
            "families": ["linear"],
            "baselines": ["cosine"],
            "trials": 60,
            "tune": {
                "optimizer.weight_decay": {"low": 0.001, "high": 0.1, "family": "power"},
                "lr": {"head": {"low": 0.3, "high": 3.0, "family": "wsd"}},
            },
        },
        out=tmp_path / "study",
    )  # fmt: skip
    best, found = study.best(), study.schedules()
    assert list(found) == ["lr", "lr.head", "weight_decay"]
    value = best.hyperparameters["lr.head"]
    base = value["base"] if isinstance(value, dict) else value
    assert found["lr.head"].base_lr == pytest.approx(base * best.base_lr)
    assert all(isinstance(value, float) for value in best.baselines[0].hyperparameters.values())
    assert (study.trials()["status"] == "ok").all()


def test_a_group_follows_the_learning_rate_or_has_a_shape_beside_its_base():
    candidates = [
        Candidate(ShapeRecord.of("a", "linear", {}), 0.2),
        Candidate(ShapeRecord.of("a", "linear", {}), 0.4),
    ]
    shape = {"family": "constant", "params": {}, "base": 0.5}
    found = series("lr.head", [2.0, shape], candidates, 4, "left")
    np.testing.assert_allclose(found, [[0.4, 0.3, 0.2, 0.1], [0.2] * 4])
    found = series("lr.head", [2.0, shape], candidates, 4, "left", min_lr=0.125)
    np.testing.assert_allclose(found, [[0.4, 0.3, 0.25, 0.25], [0.2] * 4])
    lr = Schedule("wsd", {"warmup_steps": 5}, 0.2, 50, min_lr=0.1).replace(steps=500)
    head = schedule("lr.head", 2.0, lr, base_lr=0.2)
    np.testing.assert_allclose(head.replace(steps=100).values(), 2 * lr.replace(steps=100).values())
    lowest = Schedule("constant", {}, 0.5, 4, min_lr=0.5)  # of a base LR of 0.2, below the lowest allowed
    np.testing.assert_allclose(schedule("lr.head", shape, lowest, base_lr=0.2).values(), [0.1] * 4)
    np.testing.assert_allclose(schedule("lr.head", 0.4, lowest, base_lr=0.2).values(), [0.2] * 4)
    found = series("weight_decay", [2.0, shape], candidates, 2, "left")
    np.testing.assert_allclose(found, [[2.0, 2.0], [0.5, 0.5]])


def test_a_command_gets_a_file_for_each_schedule():
    code = (
        "import sys, json, csv; rows = list(csv.DictReader(open(sys.argv[1])));"
        "json.dump(sum(float(row['weight_decay']) for row in rows), open(sys.argv[2], 'w'))"
    )
    command = [sys.executable, "-c", code, "{weight_decay}", "{metrics}", "{schedule}"]
    spec = {
        "workload": {"name": "command", "command": command, "steps": 4},
        "tune": {"weight_decay": SCHEDULED},
    }
    workload = StudySpec.parse(spec).workload
    result = workload.call(np.ones(4), 0, {"weight_decay": np.array([0.5, 0.25, 0.125, 0.125])})
    assert result.scores == {"final/score": 1.0}


ENGINE = {"name": "digits-mlp", "groups": [{"name": "all"}]}


@pytest.mark.parametrize(
    ("tune", "line"),
    [
        ({"batch_size": {"family": "power"}}, "batch_size cannot have a schedule: it stays the same"),
        ({"clip_norm": {"family": "power"}}, "cannot have a schedule: it must stay above 0"),
        ({"weight_decay": {"family": "powr"}}, "family must be one of"),
        ({"weight_decay": {"family": "power", "scale": "linear"}}, 'needs scale = "log", got \'linear\''),
        ({"weight_decay": {"ranges": {"exponent": [1, 2]}}}, "fixed and ranges need a family"),
        ({"weight_decay": {"family": "power", "ranges": {"floor": [0, 2]}}}, "the range of floor must be"),
        ({"weight_decay": {"family": "power", "choices": [0.1, 0.2]}}, "choices cannot be combined with"),
        ({"lr.all": {"low": -1.0}}, "lr.all must be above 0, relative to the base LR"),
    ],
)  # fmt: skip
def test_what_cannot_have_a_schedule_is_told_in_a_line(tune, line):
    tune = {name: one if "choices" in one else {"low": 0.1, "high": 1.0} | one for name, one in tune.items()}
    with pytest.raises(InputError) as error:
        StudySpec.parse({"workload": ENGINE, "tune": tune})
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_parameter_at_its_default_reads_back():
    family = FamilySpec(name="generalized_cosine", ranges={"floor": (0, 0.5)})
    value = value_at(family, 0.1, [1.0] + [0.0] * len(family.space()))
    assert "floor" not in value["params"]
    assert units_of(family, value)[1:] == pytest.approx([0.0] * len(family.space()))


def test_given_schedules_have_constant_hyperparameters():
    with pytest.raises(InputError, match="schedules of hyperparameters belong to a search"):
        StudySpec.parse(
            {"workload": ENGINE, "schedules": ["linear", "cosine"], "tune": {"weight_decay": SCHEDULED}}
        )
