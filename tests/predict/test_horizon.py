"""Shapes and base LRs carry over to another horizon."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.predict.law import LAWS
from lrshape.predict.runs import Run


def schedule(shape, steps, base_lr):
    return base_lr * shape((np.arange(steps) + 0.5) / steps)


def linear(t):
    return 1 - t


def hold(t):
    return np.minimum(1, 5 * (1 - t))


def loss(shape, steps, base_lr, power=0.4):
    strength = np.log(base_lr / 0.01) + power * np.log(steps / 1000)
    return 3 + 0.02 * (shape is hold) - 0.1 * np.log(steps / 1000) + 0.015 * strength**2


def runs(cases):
    return [
        Run(f"{i}", schedule(*case), np.array([case[1]]), np.array([loss(*case)]))
        for i, case in enumerate(cases)
    ]


def test_two_horizons_give_the_power_of_the_base_lr_and_the_fall_of_the_loss():
    given = [
        (shape, steps, lr) for shape in (linear, hold) for steps in (500, 1500) for lr in (0.003, 0.01, 0.03)
    ]
    fitted = LAWS["horizon"]().fit(runs(given))
    asked = [(shape, 3000, lr) for shape in (linear, hold) for lr in (0.004, 0.008)]
    predicted = fitted.predict([schedule(*case) for case in asked])
    assert fitted.power == pytest.approx(0.4, abs=0.05)
    np.testing.assert_allclose(predicted, [loss(*case) for case in asked], atol=0.005)


def test_one_horizon_keeps_the_order_of_shapes_and_lowers_the_base_lr():
    fitted = LAWS["horizon"]().fit(
        runs([(s, 1000, lr) for s in (linear, hold) for lr in (0.005, 0.01, 0.02)])
    )
    lrs = np.geomspace(0.002, 0.02, 41)
    losses = {shape: fitted.predict([schedule(shape, 8000, lr) for lr in lrs]) for shape in (linear, hold)}
    assert losses[linear].min() < losses[hold].min()
    assert lrs[losses[linear].argmin()] == pytest.approx(0.01 * 8 ** (-1 / 3), rel=0.15)


def test_losses_must_be_above_zero():
    with pytest.raises(InputError, match="needs losses above 0"):
        LAWS["horizon"]().fit([Run("a", np.ones(10), np.array([10]), np.array([-1.0]))])
