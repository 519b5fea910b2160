"""The optax schedule in real optimizers, compiled, accumulating, resumed."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrshape.errors import InputError
from lrshape.frameworks.exporter import EXPORTERS, MAX_TABLE
from lrshape.shapes.schedule import Schedule
from lrshape.testing.exporters import run


def train(optimizer, state, steps):
    """What each update moved a weight by under a gradient of 1: one compiled scan, the count is traced."""

    def step(state, _):
        updates, state = optimizer.update(jnp.ones(()), state, jnp.zeros(()))
        return state, -updates

    return jax.jit(lambda state: jax.lax.scan(step, state, length=steps))(state)


def test_every_update_uses_the_schedules_value(schedule, same):
    optimizer = optax.sgd(schedule.to_optax())
    _, moved = train(optimizer, optimizer.init(jnp.zeros(())), 45)
    same(moved, schedule.values())


def test_under_gradient_accumulation(same):
    schedule = Schedule("rex", {"warmup": 0.1}, 0.1, 40)
    optimizer = optax.MultiSteps(optax.sgd(schedule.to_optax()), every_k_schedule=3)
    _, moved = train(optimizer, optimizer.init(jnp.zeros(())), 45 * 3)
    same(moved[2::3], schedule.values())
    assert not np.any(moved[0::3])


def test_it_resumes_from_a_state_of_numpy_arrays_as_checkpoints_keep_it(same):
    schedule = Schedule("rex", {"warmup": 0.1}, 0.1, 40)
    optimizer = optax.sgd(schedule.to_optax())
    state, _ = train(optimizer, optimizer.init(jnp.zeros(())), 17)
    _, moved = train(optimizer, jax.tree.map(np.asarray, state), 23)
    same(moved, schedule.values()[17:])


def test_counts_of_any_kind(same):
    schedule = Schedule("rex", {"warmup": 0.1}, 0.1, 40)
    made = schedule.to_optax()
    for count in (3, np.int32(3), jnp.asarray(3), np.uint8(3), 3.0):
        assert float(made(count)) == pytest.approx(schedule.values()[3], rel=1e-6)
    assert made(0).dtype == jnp.float32
    same(jax.jit(jax.vmap(made))(jnp.arange(60)), schedule.values())
    with jax.enable_x64(True):
        assert made(0).dtype == jnp.float64
        np.testing.assert_allclose(made(7), schedule.values()[7], rtol=1e-12)


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "bool"])
def test_counts_of_a_type_narrower_than_the_steps(dtype, x64):
    """Neither the count nor the bound past the end wraps."""
    schedule = Schedule("rex", {}, 0.1, 2**16 + 6)  # the last step is 5 in a narrow type
    counts = np.array([0, 1, 100]).astype(dtype)
    made = [schedule.to_optax(), run(EXPORTERS["optax"].content(schedule).decode())["make_schedule"]()]
    with jax.enable_x64(x64):
        for one in made:
            for function in (one, jax.jit(one)):
                np.testing.assert_allclose(function(counts), schedule(counts.astype(int)), rtol=1e-6)


def test_injected_hyperparameters_show_it(same):
    schedule = Schedule("rex", {"warmup": 0.1}, 0.1, 20)
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=schedule.to_optax())
    state, shown = optimizer.init(jnp.zeros(())), []
    for _ in range(20):
        _, state = optimizer.update(jnp.ones(()), state, jnp.zeros(()))
        shown.append(float(state.hyperparams["learning_rate"]))
    same(shown, schedule.values())


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("inject", [False, True])
def test_in_a_chain_weights_keep_their_type(dtype, inject):
    schedule = Schedule("rex", {"warmup": 0.1}, 0.125, 20)

    def chained(learning_rate):
        return optax.chain(optax.clip_by_global_norm(9.0), optax.scale_by_learning_rate(learning_rate))

    made = (optax.inject_hyperparams(chained) if inject else chained)(schedule.to_optax())
    weight = jnp.zeros((), dtype)

    def step(state, _):
        updates, state = made.update(jnp.ones((), dtype), state, weight)
        return state, optax.apply_updates(weight, updates)

    moved = jax.jit(lambda state: jax.lax.scan(step, state, length=20))(made.init(weight))[1]
    assert moved.dtype == dtype
    np.testing.assert_allclose(moved.astype(float), -schedule.values(), rtol=float(jnp.finfo(dtype).eps))


def test_it_can_be_pickled_and_copied():
    made = Schedule("rex", {}, 0.1, 20).to_optax()
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert again(7) == made(7)


def test_exact_at_the_end_of_a_long_decay(same):
    """Where a formula on float32 progress is wrong by percents."""
    schedule = Schedule("cosine", {}, 0.1, 1_000_000)
    same(jax.jit(jax.vmap(schedule.to_optax()))(jnp.arange(999_000, 1_000_000)), schedule.values()[999_000:])


def test_too_many_steps_for_a_table():
    with pytest.raises(InputError, match="at most 10,000,000 steps here, got 10,000,001"):
        Schedule("rex", {}, 0.1, MAX_TABLE + 1).to_optax()
