"""What single samplers promise beyond the contract."""

import numpy as np
import pytest
from scipy.stats import qmc

from lrshape.errors import InputError
from lrshape.samplers import SAMPLERS


def _points(sampler, n, dimensions=2, seed=0):
    return sampler.ask(sampler.init(dimensions, seed), n)[0]


@pytest.mark.parametrize("name", ["random", "sobol"])
def test_seeds_give_other_points(name):
    assert not np.array_equal(_points(SAMPLERS[name](), 8, seed=0), _points(SAMPLERS[name](), 8, seed=1))


def test_random_is_uniform():
    points = _points(SAMPLERS["random"](), 4000, 3)
    np.testing.assert_allclose(points.mean(axis=0), 0.5, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(points.T), np.eye(3), atol=0.06)


def test_sobol_fills_the_cube_better_than_random():
    assert qmc.discrepancy(_points(SAMPLERS["sobol"](), 128)) < qmc.discrepancy(
        _points(SAMPLERS["random"](), 128)
    )
    # one point in each of 64 equal slices, in each dimension
    counts = [np.histogram(column, 64, (0, 1))[0] for column in _points(SAMPLERS["sobol"](), 64, 5).T]
    assert np.all(np.array(counts) == 1)


def test_sobol_says_how_far_it_goes():
    with pytest.raises(InputError, match="at most 21201 dimensions, got 21202"):
        SAMPLERS["sobol"]().init(21202, 0)
    state = SAMPLERS["sobol"]().init(1, 0) | {"asked": 2**30 - 1}
    assert SAMPLERS["sobol"]().ask(state, 1)[0].shape == (1, 1)
    with pytest.raises(InputError, match="sobol has 1073741824 points"):
        SAMPLERS["sobol"]().ask(state, 2)


@pytest.mark.parametrize("levels", [1, 2, 4, (4, 1), (2, 3), (1, 7), [3, 5]])
def test_grid_gives_each_combination_once(levels):
    sampler = SAMPLERS["grid"](levels=levels)
    counts = (levels, levels) if isinstance(levels, int) else tuple(levels)
    total = counts[0] * counts[1]
    first, state = sampler.ask(sampler.init(2, 0), 3)
    rest, state = sampler.ask(state, 100)
    points = np.concatenate([first, rest])
    assert points.shape == (total, 2)
    assert len(np.unique(points, axis=0)) == total
    for column, count in zip(points.T, counts, strict=True):
        expected = np.linspace(0, 1, count) if count > 1 else [0.5]
        np.testing.assert_allclose(np.unique(column), expected, atol=1e-15)
    none, state = sampler.ask(state, 5)
    assert none.shape == (0, 2)
    assert state["asked"] == total


def test_a_few_points_of_a_grid_are_spread_over_it():
    points = _points(SAMPLERS["grid"](levels=10), 10)
    assert qmc.discrepancy(points) < 0.5 * qmc.discrepancy(
        np.stack([np.zeros(10), np.arange(10) / 9], axis=1)
    )


def test_a_huge_grid_costs_nothing_until_it_is_asked():
    assert _points(SAMPLERS["grid"](levels=10), 3, dimensions=40).shape == (3, 40)


@pytest.mark.parametrize("levels", [0, -1, 2.5, True, "3", (3, 0), None])
def test_bad_levels_are_input_errors(levels):
    with pytest.raises(InputError, match="levels must be whole numbers of at least 1, got"):
        SAMPLERS["grid"](levels=levels)


def test_levels_must_fit_the_dimensions():
    with pytest.raises(InputError, match="levels must be one number or 3, got 2"):
        SAMPLERS["grid"](levels=(2, 2)).init(3, 0)
