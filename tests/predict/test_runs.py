"""A run refuses what is no run, and estimates its final loss."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.predict.runs import Run

POINTS = np.arange(50, 10_001, 50)
SMOOTH = 3 + 2 * (POINTS / 100.0) ** -0.5
LRS = np.full(10_000, 1e-3)


def test_a_smooth_log_ends_with_its_last_loss():
    run = Run("a", LRS, POINTS, SMOOTH)
    assert run.final_loss == SMOOTH[-1]
    assert run.noise < 1e-5


def test_a_noisy_log_ends_with_a_mean():
    rng = np.random.default_rng(0)
    runs = [Run("a", LRS, POINTS, SMOOTH + 0.1 * rng.normal(size=200)) for _ in range(100)]
    assert np.median([run.noise for run in runs]) == pytest.approx(0.1, rel=0.1)
    error = np.array([run.final_loss for run in runs]) - SMOOTH[-1]
    assert np.sqrt(np.mean(error**2)) < 0.06
    assert abs(np.mean(error)) < 0.02


def test_one_loss_is_enough_and_a_run_cannot_be_changed():
    run = Run("a", LRS, [10_000], [2.5])
    assert (run.final_loss, run.noise, run.steps) == (2.5, 0.0, 10_000)
    with pytest.raises(ValueError, match="read-only"):
        run.losses[0] = 1.0


@pytest.mark.parametrize(
    ("lrs", "points", "losses", "message"),
    [
        ([[1.0]], [1], [1.0], "a: LRs must be one row"),
        ([1.0, np.nan], [1], [1.0], "a: LRs must be one row of finite .* of which one is nan"),
        ([0.0, 0.0], [1], [1.0], "not all 0"),
        ([0.0, 1.0], [1], [1.0], "a: an LR before the last loss must be above 0"),
        ([1.0, 1.0], [0, 1], [1.0, 1.0], "rise, from 1 to 2, got 0 to 1"),
        ([1.0, 1.0], [1, 3], [1.0, 1.0], "rise, from 1 to 2, got 1 to 3"),
        ([1.0, 1.0], [], [], "got none"),
        ([1.0, 1.0], [1, 2], [1.0], "needs 2 finite losses"),
        ([1.0, 1.0], [1, 2], [np.inf, 1.0], "needs 2 finite losses"),
        ([1.0, 1.0], [1, 2], [1.0, np.nan], "needs 2 finite losses"),
    ],
)
def test_what_is_no_run_is_one_line(lrs, points, losses, message):
    with pytest.raises(InputError, match=message) as caught:
        Run("a", lrs, points, losses)
    assert "\n" not in str(caught.value)
