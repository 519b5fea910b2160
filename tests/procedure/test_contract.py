"""What every registered sampler promises. A new sampler is tested here without a line being added."""

import dataclasses
import inspect
import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS, Sampler

every_sampler = pytest.mark.parametrize("name", list(SAMPLERS))


def _through_json(state):
    again = json.loads(json.dumps(state, allow_nan=False))
    assert again == state
    return again


def test_the_basic_samplers_are_there():
    assert {"random", "sobol"} <= set(SAMPLERS)


@every_sampler
def test_is_a_documented_frozen_dataclass(name):
    sampler = SAMPLERS[name]()
    assert isinstance(sampler, Sampler)
    assert sampler.name == name
    assert inspect.getdoc(SAMPLERS[name])
    assert dataclasses.replace(sampler) == sampler
    assert hash(sampler) == hash(SAMPLERS[name]())


@every_sampler
@settings(max_examples=12, deadline=None)
@given(
    dimensions=st.integers(0, 8), seed=st.integers(0, 2**63), counts=st.lists(st.integers(0, 9), max_size=4)
)
def test_points_lie_in_the_cube_and_states_survive_json(name, dimensions, seed, counts):
    sampler = SAMPLERS[name]()
    state = _through_json(sampler.init(dimensions, seed))
    for n in counts:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            points, new = sampler.ask(state, n)
        repeated, _ = sampler.ask(state, n)
        np.testing.assert_array_equal(points, repeated)  # asking has no side effect
        assert points.dtype == np.float64
        assert points.shape[1] == dimensions
        assert len(points) <= n
        assert np.all((points >= 0) & (points <= 1))
        assert new["asked"] == state["asked"] + len(points)
        state = _through_json(sampler.tell(_through_json(new), points, points.sum(axis=1)))
    assert state["told"] == state["asked"]


@every_sampler
def test_a_sampler_that_was_told_nothing_gives_the_same_points_however_they_are_asked(name):
    sampler = SAMPLERS[name]()
    whole, _ = sampler.ask(sampler.init(3, 5), 8)
    first, state = sampler.ask(sampler.init(3, 5), 3)
    second, _ = sampler.ask(_through_json(state), 5)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    assert len(np.unique(whole, axis=0)) == len(whole) == 8


@every_sampler
def test_the_best_score_is_kept(name):
    sampler = SAMPLERS[name]()
    state = sampler.init(2, 0)
    assert state["best_point"] is None
    assert state["best_score"] is None
    state = sampler.tell(state, [[0.1, 0.2], [0.3, 0.4]], [2.0, 1.0])
    assert (state["best_point"], state["best_score"]) == ([0.3, 0.4], 1.0)
    worse = sampler.tell(state, [[0.5, 0.6], [0.7, 0.8]], [1.0, 3.0])
    assert (worse["best_point"], worse["best_score"]) == ([0.3, 0.4], 1.0)
    better = sampler.tell(worse, [[0.5, 0.6]], [-1.0])
    assert (better["best_point"], better["best_score"]) == ([0.5, 0.6], -1.0)
    assert better["told"] == 5


@every_sampler
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_never_wins_and_never_hides_another(name, bad):
    sampler = SAMPLERS[name]()
    state = sampler.tell(sampler.init(1, 0), [[0.1], [0.2]], [bad, bad])
    assert state["best_score"] is None
    for scores in ([bad, 7.0, bad], [bad, 7.0, 9.0], [9.0, 7.0, bad]):
        told = _through_json(sampler.tell(state, [[0.1], [0.2], [0.3]], scores))
        assert (told["best_point"], told["best_score"]) == ([0.2], 7.0)
        assert sampler.tell(told, [[0.9]], [bad])["best_point"] == [0.2]
    points, _ = sampler.ask(told, 4)  # and asking goes on
    assert points.shape == (4, 1)


@every_sampler
def test_without_dimensions_all_points_are_the_empty_one(name):
    sampler = SAMPLERS[name]()
    points, state = sampler.ask(sampler.init(0, 0), 1)
    assert points.shape == (1, 0)
    state = _through_json(sampler.tell(state, points, [0.5]))
    assert (state["best_point"], state["best_score"]) == ([], 0.5)


@every_sampler
def test_bad_calls_are_input_errors(name):
    sampler = SAMPLERS[name]()
    for dimensions, seed in ((-1, 0), (2, -1), (1.5, 0), (True, 0), (2, None), ("2", 0)):
        with pytest.raises(InputError, match="must be a whole number of at least 0, got"):
            sampler.init(dimensions, seed)
    state = sampler.init(2, 0)
    for n in (-1, 1.5, None, True):
        with pytest.raises(InputError, match="number of points must be"):
            sampler.ask(state, n)
    for points, scores in (
        ([[0.1]], [1.0]),
        ([[0.1, 0.2]], [1.0, 2.0]),
        ([0.1, 0.2], [1.0]),
        ([[0.1, 0.2]], 1.0),
    ):
        with pytest.raises(InputError, match="points and scores must have shapes"):
            sampler.tell(state, points, scores)
    for value in (1.5, -0.1, float("nan")):
        with pytest.raises(InputError, match=r"points must lie in \[0, 1\], got"):
            sampler.tell(state, [[0.5, value]], [1.0])
    for other in ({**state, "sampler": "another"}, {}):
        with pytest.raises(InputError, match=f"must be one of sampler {name}, got"):
            sampler.ask(other, 1)
