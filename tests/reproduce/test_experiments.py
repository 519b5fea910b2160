"""The table of experiments: every spec is right, every step can be loaded, the costs are counted."""

import json

import numpy as np
import pytest

from lrshape.cli.reproduce import _command
from lrshape.engine import evaluate
from lrshape.errors import InputError
from lrshape.reproduce import EXPERIMENTS, SCALES, experiment
from lrshape.reproduce.cost import cost
from lrshape.reproduce.experiments import Command, Function
from lrshape.reproduce.fitted import fitted
from lrshape.reproduce.gallery import gallery
from lrshape.reproduce.trajectories import loss_curves
from lrshape.schedule import Schedule
from lrshape.study.axes import preset_axes
from lrshape.study.spec import StudySpec
from lrshape.workloads.linear_regression import LinearRegression


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_right_spec_and_steps(name, scale):
    found = experiment(name)
    document = found.spec(scale)
    if document:
        StudySpec.parse(document)
    known = _command().commands
    for step in found.steps:
        assert step.shows
        if isinstance(step, Function):
            assert callable(step.load())
            continue
        command, *words = step.arguments(scale, "/somewhere")
        assert any(word.startswith("/somewhere/") for word in words)
        assert not any("{" in word for word in words)
        if command in known and command != "report":
            known[command].make_context(command, list(words), resilient_parsing=True)
        if command == "sweep":
            preset_axes(words[words.index("--preset") + 1], document)
        if command == "report":
            metric = words[words.index("--objective") + 1]
            assert metric in StudySpec.parse(document).workload.metric_names()
            assert metric != StudySpec.parse(document).objective


def test_unknown_experiments_are_refused():
    with pytest.raises(InputError, match=r"one of families, .*horizon, got 'horizons'"):
        experiment("horizons")


def test_costs_are_those_of_the_specs():
    smoke = cost(experiment("seeds"), "smoke")
    # 2 families x 4 shapes and 4 baselines at 4 base LRs; (3 + 2 + 4) x 3 x 2 seeds; 6 shapes x 6 seeds
    assert smoke.trainings == 12 * 4 + (3 + 2 + 4) * 3 * 2 + 6 * 6
    assert smoke.steps == smoke.trainings * 30
    assert smoke.follow_ups == ("seeds",)
    for name in ("weight-decay-constant", "horizon", "cifar10"):
        costs = [cost(experiment(name), scale).trainings for scale in SCALES]
        assert costs == sorted(costs)
        assert costs[0] < costs[2]


def test_the_gallery_has_every_family(tmp_path):
    svg, png = gallery({}, "smoke", tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.stat().st_size > 10_000


@pytest.mark.parametrize("dynamics", ["recursion", "sgd"])
def test_a_loss_curve_ends_where_the_engine_ends(dynamics):
    workload = LinearRegression(dimension=12, steps=20, dynamics=dynamics)
    lrs = np.stack([np.full(20, 0.5), np.linspace(1.0, 0.0, 20)])
    curves = loss_curves(workload, lrs, np.arange(400))
    assert curves.shape == (400, 2, 21)
    seeds = np.arange(400) if dynamics == "sgd" else np.zeros(400, np.int64)
    for i in range(2):
        final = evaluate(workload, np.tile(lrs[i], (400, 1)), seeds)["final/train_loss"]
        error = np.hypot(final.std(), curves[:, i, -1].std()) / 20  # the draws differ: equal in the mean
        assert abs(final.mean() - curves[:, i, -1].mean()) <= 4 * error + 1e-5 * final.mean()
        assert curves[:, i, -1].mean() < curves[:, i, 0].mean()


def test_the_fit_says_what_it_loses(tmp_path):
    document = experiment("nonmonotonic-fit").spec("smoke")
    with pytest.raises(InputError, match=r"optimum\.json: is no optimum"):
        fitted(document, "smoke", tmp_path)
    lrs = Schedule("power", {"warmup": 0.0, "exponent": 1.0}, base_lr=1.0, steps=50).values()
    (tmp_path / "optimum").mkdir()
    (tmp_path / "optimum" / "optimum.json").write_text(json.dumps({"optimum": {"lrs": lrs.tolist()}}))
    fitted(document, "smoke", tmp_path)
    found = json.loads((tmp_path / "fit.json").read_text())
    assert abs(found["gap"]) < 0.05
    assert found["relative_rms_error"] < 0.05
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "optimum" / "optimum.json").write_text(json.dumps({"optimum": {"lrs": [1.0]}}))
    with pytest.raises(InputError, match="must have 50 learning rates, got 1"):
        fitted(document, "smoke", tmp_path)


def test_commands_name_their_arguments_at_each_scale():
    step = Command(("search", "{out}/spec.toml"), {"smoke": ("--set", "a=1")}, "x")
    assert step.arguments("smoke", "d") == ["search", "d/spec.toml", "--set", "a=1"]
    assert step.arguments("cpu", "d") == ["search", "d/spec.toml"]
