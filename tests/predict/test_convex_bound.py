"""The bound is the theorem's, its gradients are exact, and it notices where it cannot hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.paper.dynamics import Recursion
from lrshape.predict.laws.convex_bound import ConvexBound, bound_terms
from lrshape.predict.runs import Run
from lrshape.training.workloads.linear_regression import LinearRegression

STEPS = 400
LINEAR = np.linspace(1, 0, STEPS, endpoint=False)
HOLD = np.minimum(1, 5 * LINEAR)
"""Constant, then linear over the last 20%."""
TO_TENTH = 0.1 + 0.45 * (1 + np.cos(np.pi * np.arange(STEPS) / STEPS))


def run(lrs, loss, name="run"):
    return Run(name, lrs, np.array([len(lrs)]), np.array([loss]))


def sweep(shape, base_lrs, loss):
    return [run(shape * base_lr, loss(shape * base_lr), f"{base_lr:g}") for base_lr in base_lrs]


def theorem(lrs):
    """Twice both terms of theorem 1 of arXiv:2501.18965, as it is written."""
    noise = (lrs**2).sum() / lrs.sum()
    for k in range(len(lrs) - 1):
        tail = lrs[k:]
        noise += lrs[k] / lrs[k + 1 :].sum() * (tail**2).sum() / tail.sum()
    return 1 / lrs.sum(), noise


@pytest.mark.parametrize("lrs", [LINEAR, HOLD, TO_TENTH, np.ones(STEPS)])
def test_with_exponents_of_one_it_is_the_theorem_but_for_a_steps_own_lr(lrs):
    """Where a step's own LR does not count, the last step stands alone."""
    distance, noise, _ = bound_terms(lrs)
    expected = theorem(lrs)
    remaining = np.cumsum(lrs[::-1])[::-1]
    telescoped = lrs[-1] + (lrs[:-1] ** 2 / remaining[1:]).sum()
    assert distance == pytest.approx(expected[0])
    assert telescoped == pytest.approx(expected[1])
    assert 0.75 * telescoped < noise <= telescoped


def test_steps_that_do_not_move_cost_nothing_and_a_tiny_last_lr_little():
    assert bound_terms(np.append(HOLD, np.zeros(50))) == bound_terms(HOLD)
    assert bound_terms(np.append(HOLD, 1e-12)).noise == pytest.approx(bound_terms(HOLD).noise)


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=8),
    st.floats(0.1, 1),
    st.floats(1, 2),
    st.floats(0.1, 10),
)
def test_terms_scale_with_the_base_lr(values, rate, memory, factor):
    lrs = np.array(values)
    scaled = bound_terms(lrs, rate, memory).scaled(factor, rate)
    assert scaled == pytest.approx(bound_terms(lrs * factor, rate, memory))


def test_without_runs_it_ranks_schedules_at_their_best_base_lr():
    law = ConvexBound(rate=1, memory=1)
    found = [law.lowest(lrs) for lrs in (3 * LINEAR, HOLD, TO_TENTH, np.ones(STEPS))]
    (factor, linear), (_, hold), (_, tenth), (_, constant) = found
    assert linear < min(hold, tenth) < max(hold, tenth) < constant
    assert law.lowest(LINEAR) == pytest.approx((3 * factor, linear))
    terms = law.terms(3 * LINEAR).scaled(factor, law.rate)
    assert terms.distance + terms.noise == pytest.approx(linear)


def test_a_sweep_gives_its_parameters_back():
    law = ConvexBound()
    reference = law.terms(0.01 * HOLD)

    def loss(lrs):
        terms = law.terms(lrs)
        return 3 + 0.08 * terms.distance / reference.distance + 0.03 * terms.noise / reference.noise

    fitted = law.fit(sweep(HOLD, [0.0025, 0.005, 0.01, 0.02, 0.04], loss))
    schedules = [0.02 * LINEAR, 0.01 * TO_TENTH, 0.02 * HOLD]
    np.testing.assert_allclose(fitted.predict(schedules), [loss(lrs) for lrs in schedules], atol=0.003)
    best = fitted.best_factors([law.terms(0.02 * LINEAR)])[0]
    lower, lowest, higher = fitted.predict([0.02 * LINEAR * best * factor for factor in (0.99, 1, 1.01)])
    assert lowest < min(lower, higher)


def test_it_does_not_hold_in_least_squares_and_says_why():
    workload = LinearRegression()
    dynamics = Recursion(workload.spectrum(), workload.batch_size)
    runs = sweep(LINEAR, dynamics.lr_scale * np.array([0.1, 0.3]), lambda lrs: dynamics.losses(lrs)[0])
    with pytest.raises(InputError, match=r"does not hold: the loss of .* where it allows 3"):
        ConvexBound().fit(runs)


def test_a_run_that_left_the_stable_region_is_left_out():
    runs = [run(lr * HOLD, loss, f"{lr}") for lr, loss in [(1, 3.02), (2, 3.0), (4, 3.03), (8, 7.6)]]
    fitted = ConvexBound().fit(runs)
    assert [each.name for each in fitted.unstable] == ["8"]
    np.testing.assert_array_equal(fitted.coefficients, ConvexBound().fit(runs[:3]).coefficients)
