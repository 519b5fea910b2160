"""Laws of curves decide between shapes where they predict held-out runs, and say so where they do not."""

import numpy as np
import pytest

from law_curves import PROGRESS, STEPS, WARMUP, typical
from lrshape.errors import InputError
from lrshape.predict.ensemble import KNOWN_ERROR, curves_of, fit_ensemble
from lrshape.predict.laws.curves import CURVE_LAWS, MULTI_POWER
from lrshape.predict.runs import Run
from lrshape.predict.suggest import suggest

SHAPES = {
    "constant": WARMUP,
    "cosine": WARMUP * (0.1 + 0.9 * (1 + np.cos(np.pi * PROGRESS)) / 2),
    "step": WARMUP * np.where(PROGRESS < 0.5, 1, 0.3),
    "wsd": WARMUP * np.clip((1 - PROGRESS) / 0.2, 0.05, 1),
    "power": WARMUP * np.maximum(1 - PROGRESS, 0.05) ** 2,
}
GIVEN = ("constant", "cosine", "step")
POINTS = np.arange(100, STEPS + 1, 50)


@pytest.fixture(scope="module")
def curves():
    """Runs at one LR that follow the multi-power law, by shape."""
    truth = typical(MULTI_POWER)
    return {
        name: Run(name, 1e-3 * shape, POINTS, truth.curve(1e-3 * shape, POINTS))
        for name, shape in SHAPES.items()
    }


def test_unseen_shapes_are_put_in_order_and_lie_in_their_intervals(curves):
    ensemble = fit_ensemble([curves[name] for name in GIVEN])
    today = curves["cosine"]
    names = list(SHAPES)
    mean, error = ensemble.differences([curves[name].lrs for name in names], today.lrs)
    truth = np.array([curves[name].final_loss - today.final_loss for name in names])
    assert np.argsort(mean).tolist() == np.argsort(truth).tolist()
    assert np.all(np.abs(mean - truth) < 1.96 * error)
    assert ensemble.error >= KNOWN_ERROR * today.final_loss * 0.9
    assert error[names.index("cosine")] < ensemble.error
    assert sum(ensemble.weights.values()) == pytest.approx(1)
    assert min(ensemble.weights[name] for name in CURVE_LAWS) > ensemble.weights["convex-bound"]
    assert {left.name for left in ensemble.held_out} == set(GIVEN)


def test_a_suggestion_is_at_the_base_lr_that_was_run(curves):
    found = suggest([curves[name] for name in GIVEN])
    assert "decide between shapes" in found.curve_laws
    assert [row.schedule.base_lr for row in found.rows] == pytest.approx([1e-3] * len(found.rows), rel=0.01)
    assert found.rows[0].difference < 0
    assert "these runs do not tell which one is best" in found.doubts[0]
    assert max(row.better for row in found.rows) <= 0.99
    assert found.to_dict()["curve_laws"] == found.curve_laws


def test_a_logged_loss_of_0_leaves_the_laws_of_curves_out(curves):
    losses = np.where(POINTS == 2100, 0.0, curves["constant"].losses)
    few = slice(0, None, 4)  # so that it fills a bin
    glitch = Run("glitch", curves["constant"].lrs, POINTS[few], losses[few])
    found = suggest([glitch, curves["cosine"], curves["step"]])
    assert "needs logged losses above 0, got 0 in glitch" in found.curve_laws


def test_losses_of_the_first_steps_alone_are_no_curve(curves):
    early = Run("early", curves["constant"].lrs, np.arange(10, 110, 5), np.linspace(5, 4, 20))
    runs = [curves["cosine"], curves["step"], early]
    assert curves_of(runs) == runs[:2]
    assert "at least 3 runs with loss curves, got 2" in suggest(runs).curve_laws
    with pytest.raises(InputError, match="needs logged losses after the first 5% of the steps, got none in"):
        MULTI_POWER.fit(runs)


def test_laws_that_miss_held_out_runs_take_no_part(curves):
    rng = np.random.default_rng(0)
    runs = [
        Run(name, curve.lrs, curve.points, curve.losses + rng.choice([-0.2, 0.2]) * curve.points / STEPS)
        for name, curve in curves.items()
    ]
    found = suggest(runs)
    assert "take no part: on held-out runs they miss" in found.curve_laws
    assert ", no less than the differences that they would predict, " in found.curve_laws
    assert "decide between" not in found.curve_laws


def test_a_sweep_of_base_lrs_is_left_to_the_bound(curves):
    cosine = curves["cosine"]
    sweep = [
        Run(f"{lr:g}", lr * cosine.lrs, cosine.points, cosine.losses + loss)
        for lr, loss in {0.5: 0.03, 1: 0.0, 2: 0.02}.items()
    ]
    found = suggest(sweep)
    assert found.curve_laws.endswith("your runs are a sweep of them.")
    assert len({row.schedule.base_lr for row in found.rows}) > 1


def test_few_runs_are_told_which_cheap_runs_would_help(curves):
    found = suggest([curves["cosine"]])
    assert "need at least 3 runs with loss curves, got 1" in found.curve_laws
    assert [run.name for run in found.next_runs[1:]] == ["constant", "WSD 20%"]
    assert "checkpoint of constant after 3,2" in found.next_runs[2].reason
    for family in ("wsd", "cosine"):
        found = suggest([curves["cosine"]], families=[family])
        assert {run.schedule.family for run in found.next_runs} == {family}
    cooled = suggest([curves["wsd"]])
    assert "constant" not in [run.name for run in cooled.next_runs]
    with pytest.raises(InputError, match="got none in"):
        fit_ensemble([Run(f"{i}", WARMUP, POINTS, 3 + POINTS**-0.5) for i in range(3)])
