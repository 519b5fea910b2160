"""Each family at its exact best: against brute force, and never below the optimum."""

import numpy as np
import pytest

from lrshape.paper.descent import descend
from lrshape.paper.dynamics import Recursion
from lrshape.paper.run import all_families
from lrshape.procedure.family_optimum import best_of_family
from lrshape.shapes import FAMILIES
from lrshape.shapes.cube import Cube
from lrshape.shapes.steps import progress

STEPS = 50
SPECTRUM = np.arange(1, 31) ** -1.0 / np.sum(np.arange(1, 31) ** -1.0)
DYNAMICS = Recursion(SPECTRUM, 1)


def losses(lrs):
    """The recursion in NumPy."""
    m = np.tile(SPECTRUM, (len(lrs), 1))
    for lr in lrs.T:
        x = lr[:, None] * SPECTRUM
        with np.errstate(over="ignore", invalid="ignore"):
            m = (1 - x) ** 2 * m + x**2 * (1 - 1 / 30) * m.sum(axis=1, keepdims=True)
    return np.nan_to_num(m.sum(axis=1) / 60, nan=np.inf)


@pytest.fixture(scope="module")
def optimum():
    return descend(DYNAMICS, "constant", np.full(STEPS, 0.3))


def test_cosine_equals_brute_force():
    found = best_of_family("cosine", DYNAMICS, losses, STEPS, shapes=128)
    t = progress(STEPS)
    grid = [(w, b) for w in np.linspace(0, 0.3, 61) for b in np.geomspace(0.2, 5, 161)]
    brute = losses(np.stack([b * FAMILIES["cosine"](warmup=w)(t) for w, b in grid])).min()
    assert found.loss <= brute
    assert found.loss == pytest.approx(brute, rel=2e-3)


@pytest.mark.parametrize("family", all_families())
def test_no_family_beats_the_optimum_and_its_loss_is_its_schedules(family, optimum):
    found = best_of_family(family, DYNAMICS, losses, STEPS, shapes=64, refinements=2, shakes=2)
    assert found.loss >= optimum.loss * (1 - 1e-12)
    assert found.loss == pytest.approx(losses(found.schedule.values()[None])[0], rel=1e-9)
    assert found.loss <= optimum.loss * 3  # it was optimised: unoptimised shapes are far worse


def test_richer_families_are_at_least_as_good_as_those_they_contain():
    def loss(name):
        return best_of_family(name, DYNAMICS, losses, STEPS, shapes=512).loss

    assert loss("cosine_floor") <= loss("cosine") * (1 + 1e-9)
    assert loss("cyclic_cosine") <= loss("cosine_floor") * (1 + 1e-6)
    assert loss("two_point_spline_floor") <= loss("two_point_spline") * (1 + 1e-4)


def test_a_family_without_a_space_gets_its_best_base_lr():
    space = type(FAMILIES["constant"].space())(())
    found = best_of_family("constant", DYNAMICS, losses, STEPS, space=space)
    brute = losses(np.geomspace(0.05, 5, 4000)[:, None] * np.ones(STEPS)).min()
    assert found.loss == pytest.approx(brute, rel=1e-5)


@pytest.mark.parametrize("family", all_families())
def test_jacobian_agrees_with_finite_differences(family):
    cube = Cube(family, FAMILIES[family].space(), {}, 1.0, STEPS, "midpoint")
    point = np.random.default_rng(1).uniform(0.3, 0.6, len(cube.dimensions))
    lrs, jacobian = cube.jacobian(point)
    np.testing.assert_allclose(lrs, cube.lrs(point[None])[0], rtol=1e-9, atol=1e-12)
    h = 1e-6
    for column, i in enumerate(np.flatnonzero(cube.smooth)):
        step = np.zeros_like(point)
        step[i] = h
        ends = cube.lrs(np.stack([point + step, point - step]))
        wanted = (ends[0] - ends[1]) / (2 * h)
        off = np.abs(jacobian[:, column] - wanted) > 1e-5 * (np.abs(wanted).max() + 1e-9)
        assert off.mean() < 0.1  # steps of a staircase and kinks have none
