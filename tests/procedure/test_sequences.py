"""What single samplers promise beyond the contract."""

import numpy as np
import pytest
from scipy.stats import qmc

from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS


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
