"""Fits: a member's own curve is found again, noise does not matter, wrong input is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.paper.run import all_families
from lrshape.procedure.fit import Distance, fit
from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule

QUICK = ("cosine_floor", "inverse_sqrt", "power", "rex", "wsd")


def member(family, seed, steps=80, step_rule="midpoint"):
    space = FAMILIES[family].space()
    point = 0.15 + 0.7 * np.random.default_rng(seed).random((1, len(space)))
    params = {name: values[0].item() for name, values in space.from_unit(point).items()}
    return Schedule(family, params, 0.3, steps, step_rule)


@pytest.mark.parametrize("family", all_families())
def test_a_members_own_curve_is_found_again(family):
    truth = member(family, 3)
    found = fit(truth.values(), family)
    assert found.error < 1e-6
    assert found.schedule.base_lr == pytest.approx(0.3, rel=1e-3)
    np.testing.assert_allclose(found.schedule.values(), truth.values(), atol=1e-5 * 0.3)


@settings(deadline=None, max_examples=5, derandomize=True)
@given(st.sampled_from(QUICK), st.integers(4, 10_000), st.sampled_from(["midpoint", "left", "right"]))
def test_any_members_curve_is_found_again(family, seed, step_rule):
    truth = member(family, seed, 60, step_rule)
    found = fit(truth.values(), family, step_rule=step_rule)
    assert found.error < 1e-4
    assert found.schedule.step_rule == step_rule


def test_a_long_curve_is_thinned_for_the_search_alone():
    truth = member("two_point_spline", 1, 4000)
    found = fit(truth.values(), "two_point_spline")
    assert found.schedule.steps == 4000
    assert found.error < 1e-6


def test_noise_is_averaged_out_and_the_nearest_family_is_nearest():
    truth = member("wsd", 2, 200)
    noise = 0.003 * np.random.default_rng(0).standard_normal(200)
    curve = np.maximum(truth.values() + noise, 0)
    found = fit(curve, "wsd")
    assert found.error == pytest.approx(0.01, rel=0.25)
    assert np.abs(found.schedule.values() - truth.values()).max() < 0.01 * 0.3 * 3
    assert fit(curve, "cosine").error > 3 * found.error


def recorded(scheduler, steps=120):
    """The learning rates that a PyTorch scheduler gives."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, found = scheduler(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(found)


def test_schedules_of_others_get_their_names():
    """PyTorch reads its schedulers at the beginning of a step; the defaults of OneCycleLR come out."""
    cycle = fit(
        recorded(lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=121)),
        "one_cycle",
        step_rule="left",
    )
    assert cycle.error < 1e-9
    assert cycle.schedule.params["start"] == pytest.approx(1 / 25)
    cosine = recorded(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 120, eta_min=0.01))
    found = fit(cosine, "cosine_floor", step_rule="left")
    assert found.error < 1e-9
    assert found.schedule.params["floor"] == pytest.approx(0.1)
    assert found.schedule.base_lr == pytest.approx(0.1)


def test_no_member_is_nearer_than_the_fit():
    """Against a brute force over the whole space of a family with one parameter and a scale."""
    curve = member("rex", 5, 80).values()
    found = fit(curve, "cosine")
    distance = Distance(curve)
    shapes = np.stack([Schedule("cosine", {"warmup": w}, 1.0, 80).values() for w in np.linspace(0, 0.3, 301)])
    scales = (shapes @ curve) / (shapes**2).sum(axis=1)
    brute = np.sqrt(distance.losses(shapes * scales[:, None]).min())
    assert brute * (1 - 1e-3) <= found.error <= brute * (1 + 1e-9)


def test_the_gradient_is_that_of_the_distance():
    rng = np.random.default_rng(0)
    target, lrs = rng.random(20) * 3, rng.random(20) * 3
    distance = Distance(target)
    value, gradient = distance.value_and_gradient(lrs)
    assert value == pytest.approx(distance.losses(lrs[None])[0])
    step = 1e-6 * np.eye(20)
    numeric = (distance.losses(lrs + step) - distance.losses(lrs - step)) / 2e-6
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("bad", [[], [0.0, 0.0], [1.0, -1.0], [1.0, np.nan], [[1.0]], 1.0])
def test_what_is_no_curve_is_an_input_error(bad):
    with pytest.raises(InputError, match="a fit needs finite learning rates"):
        fit(np.asarray(bad), "rex")


def test_families_without_a_formula_or_a_name():
    with pytest.raises(InputError, match="table holds any list of values, so there is nothing to fit"):
        fit(np.ones(4), "table")
    with pytest.raises(InputError, match="did you mean 'rex'"):
        fit(np.ones(4), "rexx")


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_very_short_curves(steps):
    assert fit(np.linspace(1.0, 0.5, steps), "linear").error < 1e-3
