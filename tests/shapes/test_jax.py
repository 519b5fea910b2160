"""Every family under JAX: the same values, batched, jitted and differentiated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrshape.shapes import FAMILIES, evaluate
from lrshape.shapes.schedule import progress

every_family = pytest.mark.parametrize("name", list(FAMILIES))
searched_family = pytest.mark.parametrize("name", [n for n, c in FAMILIES.items() if len(c.space())])
GRID = np.unique(np.concatenate([progress(16, s) for s in ("midpoint", "left", "right")]))


@every_family
def test_jit_equals_numpy_in_double_precision(name, columns):
    batch = columns(FAMILIES[name])
    with jax.enable_x64(True):
        arrays = {k: jnp.asarray(v) for k, v in batch.items()}
        jitted = jax.jit(lambda params: evaluate(FAMILIES[name], params, jnp.asarray(GRID)))(arrays)
    assert jitted.dtype == np.float64
    np.testing.assert_allclose(jitted, evaluate(FAMILIES[name], batch, GRID), atol=1e-12)


@every_family
def test_jit_equals_numpy_in_single_precision(name, columns):
    batch = columns(FAMILIES[name])
    jitted = np.asarray(jax.jit(lambda params: evaluate(FAMILIES[name], params, GRID))(batch))
    assert jitted.dtype == np.float32
    # Rounding moves knots by about 1e-7: beside a jump or on a steep piece compare with the values near by.
    near = [evaluate(FAMILIES[name], batch, np.clip(GRID + d, 0, 1)) for d in (-4e-7, 0.0, 4e-7)]
    assert np.all(jitted >= np.min(near, axis=0) - 2e-6)
    assert np.all(jitted <= np.max(near, axis=0) + 2e-6)
    assert np.all((jitted >= 0.0) & (jitted <= 1.0))


def _one(name, t):
    return lambda params: FAMILIES[name](**params)(t)


@searched_family
def test_gradients_are_finite_everywhere(name, columns):
    arrays = {k: jnp.asarray(v, jnp.float32) for k, v in columns(FAMILIES[name]).items()}
    gradients = jax.jit(jax.vmap(jax.jacrev(_one(name, jnp.asarray(GRID, jnp.float32)))))(arrays)
    for parameter, gradient in gradients.items():
        assert gradient.shape == (len(arrays[parameter]), len(GRID))
        assert np.isfinite(gradient).all(), parameter


@searched_family
def test_gradients_are_right(name):
    family = FAMILIES[name]
    points = np.random.default_rng(3).uniform(0.1, 0.9, (25, len(family.space())))
    batch = family.space().from_unit(points)
    t = progress(29)
    with jax.enable_x64(True):
        arrays = {k: jnp.asarray(v) for k, v in batch.items()}
        gradients = jax.jit(jax.vmap(jax.jacfwd(_one(name, jnp.asarray(t)))))(arrays)
    for p in family.parameters():
        if not p.searched or p.scale == "integer":
            continue
        h = 1e-6 * batch[p.name][:, None] if p.scale == "log" else np.full((25, 1), 1e-6)
        above = evaluate(family, batch | {p.name: batch[p.name] + h[:, 0]}, t)
        below = evaluate(family, batch | {p.name: batch[p.name] - h[:, 0]}, t)
        difference = (above - below) / (2 * h)
        right = np.isclose(gradients[p.name], difference, rtol=1e-4, atol=1e-5)
        assert right.mean() > 0.995, p.name  # a kink between the two points spoils a difference


@every_family
def test_values_that_are_traced_are_not_checked(name):
    p = FAMILIES[name].parameters()[0]
    if p.batched:
        jax.jit(lambda value: FAMILIES[name](**{p.name: value})(jnp.asarray(0.5)))(p.high + 1.0)


def test_progress_may_be_the_traced_one():
    shape = FAMILIES["two_point_spline"](warmup=0.1, y1=0.4)
    np.testing.assert_allclose(jax.jit(shape)(GRID), shape(GRID), atol=1e-6)
    assert jax.jit(shape)(1).dtype == np.float32  # an integer becomes a float
    slope = jax.vmap(jax.grad(shape))(jnp.asarray(GRID, jnp.float32))
    assert np.isfinite(slope).all()


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
