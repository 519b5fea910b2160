"""JAX beyond the contract of families: traced progress, and choices that differ in a batch."""

import jax
import jax.numpy as jnp
import numpy as np

from lrshape.shapes import FAMILIES, evaluate
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import progress

GRID = np.unique(np.concatenate([progress(16, s) for s in ("midpoint", "left", "right")]))


def test_progress_may_be_the_traced_one():
    shape = FAMILIES["two_point_spline"](warmup=0.1, y1=0.4)
    np.testing.assert_allclose(jax.jit(shape)(GRID), shape(GRID), atol=1e-6)
    assert jax.jit(shape)(1).dtype == np.float32  # an integer becomes a float
    slope = jax.vmap(jax.grad(shape))(jnp.asarray(GRID, jnp.float32))
    assert np.isfinite(slope).all()


def test_a_schedule_with_a_lowest_lr_takes_traced_progress():
    schedule = Schedule("rex", {}, 0.1, 40, min_lr=0.02)
    expected = schedule.at(GRID)
    assert expected.min() == 0.02
    for at in (schedule.at, jax.jit(schedule.at), jax.vmap(schedule.at)):
        found = at(jnp.asarray(GRID))
        assert isinstance(found, jax.Array)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert isinstance(schedule.multiplier(jnp.asarray(0.5)), jax.Array)


def test_one_shape_is_broadcast_and_choices_may_differ():
    two = evaluate(
        FAMILIES["constant"],
        {"warmup": jnp.array([0.2, 0.2, 0.2]), "warmup_shape": ["cosine", "linear", "cosine"]},
        GRID,
    )
    expected = [
        FAMILIES["constant"](warmup=0.2, warmup_shape=s)(GRID) for s in ("cosine", "linear", "cosine")
    ]
    np.testing.assert_allclose(two, expected, atol=1e-6)
