"""Averages of PyTorch models and of JAX trees, against plain sums; saved and resumed in the middle."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from lrshape.averages import STANDARD
from lrshape.errors import InputError
from lrshape.frameworks import JaxAverager, TorchAverager

STEPS = 120
WEIGHTS = np.random.default_rng(0).normal(size=(STEPS, 3)).cumsum(axis=0).astype(np.float32)


def expected(name):
    """Of the weights after every second step, the last one included."""
    kind, _, share = name.partition("-")
    age = STEPS - np.arange(2, STEPS + 1, 2)
    counts = np.exp(-age / (float(share) * STEPS)) if kind == "ema" else age < float(share) * STEPS
    return np.average(WEIGHTS[1::2], axis=0, weights=counts)


def train_torch(model, averager, begin, end):
    for weights in torch.from_numpy(WEIGHTS[begin:end]):
        with torch.no_grad():
            model.weight.copy_(weights[None])
        averager.update()


def test_averages_of_a_torch_model_resumed_in_the_middle():
    model = torch.nn.Linear(3, 1, bias=False)
    averager = TorchAverager(model, STEPS)
    train_torch(model, averager, 0, 71)
    file = io.BytesIO()
    torch.save(averager.state_dict(), file)
    file.seek(0)
    resumed = TorchAverager(model, STEPS)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    train_torch(model, resumed, 71, STEPS)
    assert list(resumed.averages()) == list(STANDARD)
    for name, averaged in resumed.averages().items():
        given = averaged(torch.eye(3)).detach().numpy()[:, 0]
        np.testing.assert_allclose(given, expected(name), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.weight.detach().numpy()[0], WEIGHTS[-1])
    with pytest.raises(InputError, match="steps must be those of the whole training, got 120 and one more"):
        resumed.update()
    with pytest.raises(InputError, match=r"the state must be of 'ema-0\.1' over 99 steps, got 'ema-0\.01', "):
        TorchAverager(model, 99, "ema-0.1").load_state_dict(averager.state_dict())
    with pytest.raises(InputError, match="must be what state_dict\\(\\) gave, got one with 'model'"):
        TorchAverager(model, 99, "ema-0.1").load_state_dict({"model": model.state_dict()})


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_averages_of_a_jax_tree_under_scan_resumed_in_the_middle(dtype):
    averager = JaxAverager(STEPS)
    rows = jnp.asarray(WEIGHTS, dtype)

    @jax.jit
    def train(state, rows):
        return jax.lax.scan(lambda state, row: (averager.update(state, {"w": row}), None), state, rows)[0]

    state = train(averager.init({"w": rows[0]}), rows[:71])
    state = jax.tree.map(np.asarray, state)  # as checkpoints keep it
    state = train(state, rows[71:])
    for name in STANDARD:
        tolerance = 1e-4 if dtype == jnp.float32 else 0.05
        np.testing.assert_allclose(state.averages[name]["w"], expected(name), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("steps", [20, STEPS])  # averaged at every step, and at every second one
def test_jax_updates_after_the_last_step_change_nothing(steps):
    averager = JaxAverager(steps)
    state = averager.init({"w": jnp.zeros(())})
    for step in range(steps):
        state = averager.update(state, {"w": jnp.float32(step)})
    after = state
    for _ in range(3):
        after = averager.update(after, {"w": jnp.float32(1e6)})
    assert after.averages == state.averages


def test_the_first_jax_state_can_be_donated_with_the_parameters():
    averager = JaxAverager(20)

    def step(state, params):
        params = {"w": params["w"] + 1}
        return averager.update(state, params), params

    for init in (averager.init, jax.jit(averager.init)):
        params = {"w": jnp.zeros(3)}
        state, params = jax.jit(step, donate_argnums=(0, 1))(init(params), params)
        assert int(state.done) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TorchAverager([1.0], 9), r"model must be a torch.nn.Module, got \[1.0\]"),
        (lambda: JaxAverager(0), "steps must be a whole number from 1, got 0"),
        (lambda: JaxAverager(9, ["ema-7"]), "averages must be different names .* got 'ema-7'"),
    ],
)
def test_bad_input_is_one_clear_line(make, message):
    with pytest.raises(InputError, match=message):
        make()
