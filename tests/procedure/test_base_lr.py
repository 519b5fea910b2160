"""The base-LR grid: where it looks, when it extends, when it stops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lrshape.analysis.scores import best_base_lrs
from lrshape.procedure.base_lr import GridLR, JointLR
from lrshape.procedure.trial import ShapeRecord

SHAPES = [ShapeRecord.of(name, "rex", {}) for name in ("a", "b")]


def scored(scores):
    """A table of scores, ``{shape: {base_lr: score}}``, reduced to the best."""
    rows = [
        {
            "phase": "screen",
            "shape": shape,
            "family": "rex",
            "params": "{}",
            "base_lr": lr,
            "hyperparameters": "{}",
            "seeds": 1,
            "score": score,
        }
        for shape, by_lr in scores.items()
        for lr, score in by_lr.items()
    ]
    return best_base_lrs(pd.DataFrame(rows))


def run(strategy, metric):
    """Follow the strategy on a function of (shape id, base LR); return what was tried."""
    tried = {shape.id: {} for shape in SHAPES}
    best = pd.DataFrame()
    while proposals := strategy.propose(SHAPES, best):
        for shape, base_lr, _ in proposals:
            assert base_lr not in tried[shape.id]
            tried[shape.id][base_lr] = metric(shape.id, base_lr)
        best = scored(tried)
    return tried


def test_a_best_inside_the_grid_needs_the_grid_alone():
    grid = GridLR(low=0.01, high=1.0, points=5)
    tried = run(grid, lambda shape, lr: abs(np.log(lr / 0.1)))
    for by_lr in tried.values():
        np.testing.assert_allclose(sorted(by_lr), np.geomspace(0.01, 1.0, 5))


def test_a_best_beyond_the_grid_is_followed_until_it_is_bracketed():
    grid = GridLR(low=0.01, high=1.0, points=3, extend=4)
    optimum = {"a": 100.0, "b": 0.001}
    tried = run(grid, lambda shape, lr: abs(np.log(lr / optimum[shape])))
    np.testing.assert_allclose(sorted(tried["a"]), [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0])
    np.testing.assert_allclose(sorted(tried["b"]), [0.0001, 0.001, 0.01, 0.1, 1.0])


def test_extension_ends_at_its_limit():
    grid = GridLR(low=0.01, high=1.0, points=3, extend=2)
    tried = run(grid, lambda shape, lr: -lr)
    assert len(tried["a"]) == 5


def test_where_everything_diverges_smaller_rates_are_tried():
    grid = GridLR(low=0.01, high=1.0, points=3, extend=1)
    tried = run(grid, lambda shape, lr: np.inf)
    np.testing.assert_allclose(min(tried["a"]), 0.001)


def test_extension_ends_where_float32_does():
    grid = GridLR(low=1e-20, high=1e20, points=2, extend=9)
    assert max(run(grid, lambda shape, lr: -lr)["a"]) == pytest.approx(1e60)
    assert min(run(grid, lambda shape, lr: lr)["a"]) == pytest.approx(1e-60)


def test_a_single_point_is_a_fixed_base_lr():
    grid = GridLR(low=0.1, high=0.1, points=1)
    assert all(list(by_lr) == [0.1] for by_lr in run(grid, lambda shape, lr: lr).values())
    assert grid.bracket(0.1, 3) == [0.1]


@given(
    st.floats(1e-6, 1e3),
    st.floats(1.001, 1e6),
    st.integers(2, 50),
    st.integers(1, 9),
    st.integers(-4, 54),
)
def test_brackets_stay_within_a_grid_step(low, factor, points, count, index):
    assume(index <= points + 4)
    grid = GridLR(low=low, high=low * factor, points=points)
    centre = grid.at(index)
    bracket = grid.bracket(centre, count)
    assert len(bracket) == count
    assert all(grid.at(index - 1) < lr < grid.at(index + 1) for lr in bracket)
    if count % 2:
        assert bracket[count // 2] == centre


@pytest.mark.parametrize(("low", "high", "points"), [(1.0, 0.1, 3), (1.0, 1.0, 3), (0.1, 1.0, 1)])
def test_impossible_grids(low, high, points):
    with pytest.raises(ValueError, match=r"low must be (at most|less than) high"):
        GridLR(low=low, high=high, points=points)


def test_the_joint_range_narrows_to_where_known_shapes_are_best():
    strategy = JointLR(low=1e-6, high=1e3)
    assert (strategy.dimension(pd.DataFrame()).low, strategy.dimension(pd.DataFrame()).high) == (1e-6, 1e3)
    row = {
        "shape": "baseline-constant",
        "family": "constant",
        "params": '{"warmup": 0.0}',
        "edge": "",
        "tried": 5,
    }
    best = pd.DataFrame([row | {"base_lr": 0.1, "score": 1.0}])
    narrow = strategy.dimension(best)
    assert (narrow.low, narrow.high) == pytest.approx((0.01, 1.0), rel=0.01)
    beyond = JointLR(low=1e-3, high=0.1).dimension(best)
    assert (beyond.low, beyond.high) == pytest.approx(
        (0.01, 1.0), rel=0.01
    )  # the best lies inside, wherever the range began
    diverged = pd.DataFrame([row | {"base_lr": 0.1, "score": np.inf}])
    assert strategy.dimension(diverged) == strategy.dimension(pd.DataFrame())
