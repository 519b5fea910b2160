"""The experiments as data: every command and spec is legal, costs are counted, curves are right."""

import json

import numpy as np
import pytest

from lrshape.checks.axes import preset_axes
from lrshape.cli.reproduce import find_command
from lrshape.errors import InputError
from lrshape.paper import curves
from lrshape.paper.experiments import EXPERIMENTS, SCALES, cost, experiment
from lrshape.shapes import FAMILIES
from lrshape.study.spec import StudySpec
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_command_and_spec_is_legal(name, scale):
    found = experiment(name)
    document = found.document(scale)
    parsed = StudySpec.parse(document) if document else None
    for step in found.steps:
        if step.call:
            assert callable(getattr(curves, step.call))
            continue
        command, *words = step.arguments(scale, "/somewhere")
        words = words[1:] if command in ("check", "shapes") else words
        options = find_command(step.arguments(scale, "")).make_context(command, list(words)).params
        assert any(word.startswith("/somewhere/") for word in words)
        assert not any("{" in word for word in words)
        assert parsed is not None or "/somewhere/spec.toml" not in words
        for preset in options.get("preset") or []:
            preset_axes(preset, document)
        if command == "report":
            assert options["metric"] in parsed.workload.metric_names()
            assert options["metric"] != parsed.metric


def test_the_gallery_has_every_family_that_is_a_formula():
    (step,) = experiment("families").steps
    assert set(step.arguments("cpu", "")[-1].split(",")) == set(FAMILIES) - {"table"}


def test_unknown_experiments_are_refused():
    with pytest.raises(InputError, match=r"one of families, .*horizon, got 'horizons'"):
        experiment("horizons")


def test_costs_are_those_of_the_specs():
    smoke = cost(experiment("seeds"), "smoke")
    # 2 families x 4 shapes and 4 baselines at 4 base LRs and 4 that extend them at most;
    # 3 + 1 shapes at 3 base LRs on 2 seeds; 2 shapes and 4 baselines at 3 base LRs, then on 6 seeds
    assert smoke["trials"] == 12 * (4 + 4) + (3 + 1) * 3 * 2 + 6 * 3 + 6 * 6
    assert smoke["steps"] == smoke["trials"] * 30
    assert smoke["more"] == ["check seeds"]
    horizon = cost(experiment("horizon"), "smoke")
    # in each of 4 settings a study, and 4 shapes at up to 11 base LRs on 2 seeds, then at 2 on 6 seeds
    assert horizon["trials"] == 4 * (smoke["trials"] + 4 * (11 * 2 + 2 * 6))
    for name in ("weight-decay-constant", "horizon", "cifar10"):
        costs = [cost(experiment(name), scale)["trials"] for scale in SCALES]
        assert costs == sorted(set(costs))


@pytest.mark.parametrize("dynamics", ["recursion", "sgd"])
def test_a_loss_curve_ends_where_the_engine_ends(dynamics):
    workload = LinearRegression(dimension=12, steps=20, dynamics=dynamics)
    lrs = np.stack([np.full(20, 0.5), np.linspace(1.0, 0.0, 20)])
    losses = curves.loss_curves(workload, lrs, np.arange(400))
    assert losses.shape == (400, 2, 21)
    seeds = np.arange(400) if dynamics == "sgd" else np.zeros(400, np.int64)
    for i in range(2):
        final = evaluate(workload, np.tile(lrs[i], (400, 1)), seeds)["final/train_loss"]
        error = np.hypot(final.std(), losses[:, i, -1].std()) / 20  # the draws differ: equal in the mean
        assert abs(final.mean() - losses[:, i, -1].mean()) <= 4 * error + 1e-5 * final.mean()
        assert losses[:, i, -1].mean() < losses[:, i, 0].mean()


def test_the_optimal_curve_is_what_the_optimum_found(tmp_path):
    (tmp_path / "optimum").mkdir()
    (tmp_path / "optimum" / "optimum.json").write_text(json.dumps({"optimum": {"lrs": [0.5, 0.25]}}))
    (file,) = curves.optimal_curve({}, tmp_path)
    assert json.loads(file.read_text()) == [0.5, 0.25]


def test_trajectories_are_drawn(tmp_path):
    files = curves.trajectories(experiment("trajectories").document("smoke"), tmp_path, seeds=6)
    assert [file.name for file in files] == ["trajectories.csv", "trajectories.svg", "trajectories.png"]
    assert files[2].read_bytes().startswith(b"\x89PNG")
    assert len(files[0].read_text().splitlines()) == 1 + len(curves.SCHEDULES) * 51
