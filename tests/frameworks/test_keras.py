"""The Keras schedule in real optimizers and models: values, accumulation, saving, resuming."""

import copy
import os
import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.frameworks.keras import ShapeSchedule
from lrshape.shapes.schedule import Schedule

REX = Schedule("rex", {"warmup": 0.1}, base_lr=0.1, steps=24)


def moved_by(optimizer, steps):
    """What each call of an optimizer moved a weight by under a gradient of 1: one compiled scan."""
    weight = keras.Variable(0.0)
    optimizer.build([weight])

    def step(state, _):
        (moved,), state = optimizer.stateless_apply(state, [jnp.ones(())], [jnp.zeros(())])
        return state, -moved

    state = [variable.value for variable in optimizer.variables]
    return jax.jit(lambda state: jax.lax.scan(step, state, length=steps))(state)[1]


def test_every_update_uses_the_schedules_value(schedule, same):
    optimizer = keras.optimizers.SGD(schedule.to_keras())
    same(moved_by(optimizer, 43), schedule.values())


def test_under_gradient_accumulation(schedule, same):
    optimizer = keras.optimizers.SGD(
        schedule.to_keras(gradient_accumulation_steps=3), gradient_accumulation_steps=3
    )
    moved = np.asarray(moved_by(optimizer, 3 * 43))
    same(moved[2::3], schedule.values())
    assert not moved[0::3].any()


def test_the_config_round_trip(schedule, same):
    made = schedule.to_keras(gradient_accumulation_steps=2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert isinstance(again, ShapeSchedule)
    assert again.get_config() == made.get_config()
    same([float(again(step)) for step in range(0, 86, 2)], schedule.values())


def model_with(schedule):
    """One weight w without an input's influence: the loss is w, so that each update moves it by -lr."""
    inputs = keras.Input((1,))
    outputs = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(schedule), loss=mean_output)
    return model


@keras.saving.register_keras_serializable(package="tests")
def mean_output(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


def fit(model, batches):
    x = np.ones((batches, 1), "float32")
    model.fit(x, x, batch_size=1, epochs=1, shuffle=False, verbose=0)
    return -float(model.get_weights()[0].item())


def test_a_model_is_trained_saved_loaded_and_trained_on(tmp_path):
    model = model_with(REX.to_keras())
    assert fit(model, 10) == pytest.approx(REX.values()[:10].sum(), rel=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 10
    assert float(loaded.optimizer.learning_rate) == pytest.approx(REX.values()[10], rel=1e-6)
    assert fit(loaded, 14) == pytest.approx(REX.values().sum(), rel=1e-5)
    assert float(loaded.optimizer.learning_rate) == pytest.approx(REX.values()[-1], rel=1e-6)


def test_it_can_be_pickled_and_copied():
    made = REX.to_keras(gradient_accumulation_steps=2)
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert again.get_config() == made.get_config()
        assert float(again(7)) == float(made(7))


def test_other_steps_base_lr_and_batch_sizes(same):
    changes = {"base_lr": 0.7, "batch_sizes": [(8, 5), (32, 9)]}
    changed = REX.replace(**changes)
    made = REX.to_keras(**changes)
    same([float(made(step)) for step in range(20)], changed.values())
    again = ShapeSchedule.from_config(made.get_config())
    same([float(again(step)) for step in range(20)], changed.values())


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True])
def test_bad_accumulation_is_an_input_error(bad):
    with pytest.raises(InputError, match="gradient_accumulation_steps must be a whole number from 1"):
        REX.to_keras(gradient_accumulation_steps=bad)


def test_a_wrong_config_is_an_input_error():
    for config in ({"schedule": 3}, {"schedule": {"family": "rex"}}):
        with pytest.raises(InputError, match="a schedule"):
            ShapeSchedule.from_config(config)


def test_with_the_torch_backend():
    """Keras has one backend a process; the optimizer of another one gives the same values."""
    script = """
import keras, numpy as np
from lrshape import Schedule
schedule = Schedule("rex", {"warmup": 0.1}, 0.1, 24)
made = schedule.to_keras(gradient_accumulation_steps=2)
optimizer = keras.optimizers.SGD(made, gradient_accumulation_steps=2)
weight, moved = keras.Variable(0.0), []
for _ in range(60):
    optimizer.apply([keras.ops.ones(())], [weight])
    moved.append(-weight.numpy().item())
    weight.assign(0.0)
values = schedule.values()
assert keras.backend.backend() == "torch"
np.testing.assert_allclose(moved[1::2], [*values, *[values[-1]] * 6], rtol=1e-6)
"""
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, capture_output=True)
