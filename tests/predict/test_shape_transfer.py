"""A sweep of one shape is moved to others, with its limits stated."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from law_curves import CURVES, need
from lrshape.errors import InputError
from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import transfer_sweep

ROOT = Path(__file__).resolve().parents[2]
STEPS = 500
LINEAR = np.linspace(1, 0, STEPS, endpoint=False)
HOLD = np.minimum(1, 5 * LINEAR)
REFERENCE = ConvexBound().terms(HOLD)


def loss(lrs):
    """By the law, with the best base LR of HOLD at 1."""
    terms = ConvexBound().terms(lrs)
    return 2.8 + 0.1 * terms.distance / REFERENCE.distance + 0.05 * terms.noise / REFERENCE.noise


def sweep(base_lrs):
    return [Run(f"{lr:g}", lr * HOLD, np.array([STEPS]), np.array([loss(lr * HOLD)])) for lr in base_lrs]


def test_base_lrs_and_differences_of_other_shapes_are_those_of_the_law():
    found = transfer_sweep(sweep([0.25, 0.5, 1, 2]), [HOLD, LINEAR])
    by_shape = {forecast.shape: forecast for forecast in found.forecasts}
    lrs = np.linspace(1, 3, 2001)
    losses = [loss(lr * LINEAR) for lr in lrs]
    assert by_shape[0].base_lr == pytest.approx(1, rel=0.1)
    assert by_shape[1].base_lr == pytest.approx(lrs[np.argmin(losses)], rel=0.1)
    low, high = by_shape[1].interval
    assert low < min(losses) - loss(HOLD) < high
    assert found.forecasts[0].shape == 1


def test_what_is_not_known_is_said_and_no_lr_far_above_those_run_is_suggested():
    below = transfer_sweep(sweep([0.1, 0.2]), [HOLD, LINEAR])
    assert any("three finished, stable runs to know it, and has 2." in doubt for doubt in below.doubts)
    assert "lies" not in " ".join(below.doubts)  # which two runs do not tell
    assert all(forecast.base_lr <= 0.4 for forecast in below.forecasts)
    told = "For the shape of your runs, the best base LR lies {} those of all runs."
    assert told.format("above") in transfer_sweep(sweep([0.05, 0.1, 0.2]), [LINEAR]).doubts
    assert told.format("below") in transfer_sweep(sweep([4, 8, 16]), [LINEAR]).doubts
    with pytest.raises(InputError, match=r"LRs of at most 0\.4 after these runs"):
        transfer_sweep(sweep([0.1, 0.2]), [LINEAR], base_lrs=[[1.0]])
    blown = Run("blown", np.full(STEPS, 0.08), np.array([STEPS]), np.array([9.0]))  # below all stable LRs
    assert transfer_sweep([*sweep([0.1, 0.2]), blown], [LINEAR]).limit == 0.4
    higher = Run("higher", np.full(STEPS, 0.25), np.array([STEPS]), np.array([9.0]))
    limit = transfer_sweep([*sweep([0.1, 0.2]), blown, higher], [LINEAR]).limit
    assert limit == pytest.approx(np.sqrt(0.2 * 0.25))
    with pytest.raises(InputError, match="from at least 1 run"):
        transfer_sweep([], [LINEAR])


def test_sweeps_of_a_public_grid_lead_to_its_best_cells():
    grid = need(CURVES / "lr-scheduling" / "grid_124m.csv")
    spec = importlib.util.spec_from_file_location("_suggest_grid", ROOT / "benchmarks" / "_suggest_grid.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    cells, shapes = benchmark.read_grid(grid)
    for source in benchmark.SOURCES:
        three = [cell for cell in cells[25_000] if cell.shape == source and cell.peak_lr > 2e-4]
        judged = benchmark.judge(cells[25_000], shapes, 25_000, three, np.zeros(3), None, benchmark.CAUTION)
        assert judged.regret <= benchmark.CLOSE
