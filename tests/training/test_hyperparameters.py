"""Members with hyperparameters of their own, against plain loops and against one workload for each value."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from pydantic import Field

from lrshape.errors import InputError
from lrshape.training import layout, population
from lrshape.training.evaluation import evaluate
from lrshape.training.hyperparameters import find_setting, settings_of, tunable, with_values
from lrshape.training.optimizers import OPTIMIZERS, Adam, AdamW, AnyOptimizer, Momentum
from lrshape.training.workload import StepWorkload
from lrshape.training.workloads.digits import DigitsMLP
from lrshape.training.workloads.function import FunctionWorkload

STEPS = 10
LRS = 1e-2 * np.linspace(1, 0.1, STEPS)
DECAYS = np.linspace(0.0, 2.0, STEPS)


def mlp(optimizer, **settings):
    return DigitsMLP(steps=STEPS, hidden=(16,), optimizer=optimizer, **settings)


def plain_loop(workload, update):
    """The loss after the obvious loop, for seed 5; update: (t, gradient, params) -> params."""
    key = jax.random.wrap_key_data(np.array([0, 5], np.uint32))
    data = workload.data()
    params = workload.init(jax.random.fold_in(key, 0), data)
    order = workload.order(jax.random.fold_in(key, 1), data)
    gradient = jax.jit(jax.grad(workload.loss))
    for t in range(workload.steps):
        params = update(t, gradient(params, workload.batch(data, order[t]), None), params)
    return workload.metrics(params, data)["train_loss"]


def test_members_have_constants_and_schedules_of_their_own_as_in_optax():
    workload = mlp(AdamW())
    values = {
        "weight_decay": np.stack([np.full(STEPS, 0.5), DECAYS]),
        "beta1": [0.8, 0.95],
        "optimizer.beta2": [0.9, 0.99],
        "eps": [1e-4, 1e-6],
    }
    found = evaluate(workload, np.stack([LRS, LRS]), [5, 5], hyperparameters=values)
    for i in range(2):
        own = {name: np.broadcast_to(np.asarray(v)[i], STEPS) for name, v in values.items()}
        adamw, memory = optax.inject_hyperparams(optax.adamw)(0.0, 0.0, 0.0, 1e-8, weight_decay=0.0), None

        def update(t, gradient, params, own=own, adamw=adamw):
            nonlocal memory
            memory = adamw.init(params) if memory is None else memory
            memory.hyperparams.update(
                learning_rate=jnp.float32(LRS[t]),
                b1=jnp.float32(own["beta1"][t]),
                b2=jnp.float32(own["optimizer.beta2"][t]),
                eps=jnp.float32(own["eps"][t]),
                weight_decay=jnp.float32(own["weight_decay"][t]),
            )
            updates, memory = adamw.update(gradient, memory, params)
            return optax.apply_updates(params, updates)

        np.testing.assert_allclose(found["final/train_loss"][i], plain_loop(workload, update), rtol=1e-4)


def test_betas_that_change_leave_the_moments_averages():
    """Each moment is the weighted mean of all gradients, with weights that sum to 1."""
    beta1, beta2 = np.linspace(0.5, 0.95, STEPS), np.linspace(0.8, 0.99, STEPS)
    gradients = []

    def mean(values, betas):
        weights = np.array([(1 - b) * np.prod(betas[i + 1 :]) for i, b in enumerate(betas)])
        return np.tensordot(weights / weights.sum(), np.stack(values), 1)

    def update(t, gradient, params):
        gradients.append(gradient)
        now = [betas[: t + 1] for betas in (beta1, beta2)]
        return jax.tree.map(
            lambda p, *g: p - LRS[t] * mean(g, now[0]) / (np.sqrt(mean(np.square(g), now[1])) + 1e-8),
            params,
            *gradients,
        )

    workload = mlp(Adam())
    found = evaluate(workload, [LRS], [5], hyperparameters={"beta1": [beta1], "beta2": [beta2]})
    np.testing.assert_allclose(found["final/train_loss"][0], plain_loop(workload, update), rtol=1e-4)


def test_momentum_may_change_from_step_to_step():
    betas, velocity = np.linspace(0.5, 0.95, STEPS), None

    def update(t, gradient, params):
        nonlocal velocity
        velocity = gradient if t == 0 else jax.tree.map(lambda v, g: betas[t] * v + g, velocity, gradient)
        return jax.tree.map(lambda p, v: p - LRS[t] * v, params, velocity)

    found = evaluate(mlp(Momentum()), [LRS], [5], hyperparameters={"beta": [betas]})
    np.testing.assert_allclose(found["final/train_loss"][0], plain_loop(mlp(Momentum()), update), rtol=1e-4)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_number_of_an_optimizer_acts_as_if_it_were_the_setting(name):
    workload = mlp(OPTIMIZERS[name]())
    traced = [setting.path for setting in settings_of(workload).values() if setting.traced]
    usual = {path: getattr(workload.optimizer, path.removeprefix("optimizer.")) for path in traced}
    values = {path: 0.9 * value if value else 0.05 for path, value in usual.items()}
    expected = evaluate(with_values(workload, values), [LRS], [5])
    found = evaluate(workload, [LRS], [5], hyperparameters={path: [v] for path, v in values.items()})
    np.testing.assert_allclose(found["final/train_loss"], expected["final/train_loss"], rtol=1e-4)


@pytest.mark.parametrize("coupling", ["lr", "schedule", "constant"])
def test_groups_have_learning_rates_of_their_own_which_a_schedule_of_decay_is_coupled_to(coupling):
    settings = {"groups": [{"name": "head", "parameters": "output*"}, {"name": "rest"}]}
    workload, decays = mlp(Momentum(coupling=coupling), **settings), 0.1 * DECAYS
    head, velocity = 0.3 * np.linspace(0.2, 1, STEPS), None

    def update(t, gradient, params):
        nonlocal velocity
        velocity = gradient if t == 0 else jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)

        def layer(name, p, v):
            lrs = head if name == "output" else LRS
            decay = decays[t] * {"lr": lrs[t], "schedule": lrs[t] / lrs.max(), "constant": 1}[coupling]
            return jax.tree.map(lambda p, v: p - lrs[t] * v - decay * p, p, v)

        return {name: layer(name, params[name], velocity[name]) for name in params}

    found = evaluate(workload, [LRS], [5], hyperparameters={"lr.head": [head], "weight_decay": [decays]})
    np.testing.assert_allclose(found["final/train_loss"][0], plain_loop(workload, update), rtol=1e-4)


def test_other_settings_divide_the_members_which_keep_their_order():
    lrs, seeds, seen = np.outer(np.linspace(0.5, 1, 5), LRS), np.arange(5) % 3, []
    lrs[2] = 1e30
    sizes, names = np.array([8, 16, 8, 16, 8]), ["adam", "sgd", "adam", "adam", "adam"]
    hidden = [[16], [8, 8], [16], [16], [16]]
    found = evaluate(
        mlp(Adam(), record_every=4),
        lrs,
        seeds,
        hyperparameters={
            "batch_size": sizes,
            "optimizer.name": names,
            "hidden": hidden,
            "weight_decay": np.linspace(0, 0.4, 5),
        },
        members=2,
        report=seen.append,
    )
    assert found.status.tolist() == ["ok", "ok", "diverged", "ok", "ok"]
    for i in range(5):
        settings = {"batch_size": int(sizes[i]), "hidden": hidden[i], "record_every": 4}
        own = DigitsMLP(steps=STEPS, optimizer=names[i], **settings)
        decay = {"weight_decay": [np.linspace(0, 0.4, 5)[i]]}
        alone = evaluate(own, lrs[i : i + 1], seeds[i : i + 1], hyperparameters=decay, members=2)
        assert {name: values[i] for name, values in found.items()} == {n: v[0] for n, v in alone.items()}
        np.testing.assert_array_equal(found.curves[i].train_loss, alone.curves[0].train_loss)
    shares, diverged = [p.done for p in seen], [p.diverged for p in seen]
    assert (shares, diverged) == (sorted(shares), sorted(diverged))
    assert (shares[-1], diverged[-1]) == (1.0, 1)


@pytest.mark.parametrize("group", [1, 4])
def test_members_keep_their_values_when_others_diverge_and_they_move(monkeypatch, group):
    lrs, decays = np.tile(LRS, (16, 1)), np.outer(np.arange(16), DECAYS)
    lrs[1::2], lrs[2::4] = 1e30, 1e30
    four = {"weight_decay": decays[::4]}
    alone = evaluate(mlp(AdamW()), lrs[::4], [5] * 4, hyperparameters=four, members=16)
    moved = []
    monkeypatch.setattr(layout, "SMALLEST_CAPACITY", 1)
    monkeypatch.setattr(layout, "UNEVEN", 0)
    for module in (layout, population):
        monkeypatch.setattr(module, "group_size", lambda workload, members: min(group, members))
    mover = population.mover
    monkeypatch.setattr(population, "mover", lambda *layouts: moved.append(layouts) or mover(*layouts))
    found = evaluate(mlp(AdamW()), lrs, [5] * 16, hyperparameters={"weight_decay": decays})
    assert moved
    assert (found.status == "ok").tolist() == [i % 4 == 0 for i in range(16)]
    np.testing.assert_allclose(found["final/train_loss"][::4], alone["final/train_loss"], rtol=2e-5)


class Shrink(StepWorkload):
    """Its step uses an optimizer's settings by itself."""

    name: ClassVar[str] = "shrink"
    optimizer: AnyOptimizer = Field(default_factory=AdamW)

    def scores(self):
        return ("train_loss",)

    def data(self):
        return {}

    def init(self, key, data):
        return jnp.ones(())

    def step(self, state, lr, batch, key):
        return state * (1 - lr * self.optimizer.weight_decay), state

    def metrics(self, state, data):
        return {"train_loss": state}


def test_an_optimizers_numbers_act_in_a_workload_with_a_step_of_its_own():
    workload, lrs = Shrink(steps=STEPS), np.full((2, STEPS), 0.1)
    found = evaluate(workload, lrs, [0, 0], hyperparameters={"weight_decay": [0.0, 5.0]})
    np.testing.assert_allclose(found["final/train_loss"], [1.0, 0.5**STEPS], rtol=1e-5)
    with pytest.raises(InputError, match="weight_decay cannot have a schedule"):
        tunable(workload, "weight_decay", [0.0], scheduled=True)


def test_a_setting_is_found_by_its_path_or_by_the_end_of_it():
    workload = mlp(AdamW(), groups=[{"name": "all"}])
    decay = find_setting(workload, "weight_decay")
    assert (decay.path, decay.traced, decay.bounds) == ("optimizer.weight_decay", True, {"ge": 0})
    assert find_setting(workload, decay.path) == decay
    assert find_setting(workload, "lr.all").traced
    assert find_setting(workload, "beta2").bounds == {"ge": 0, "lt": 1}
    batch = find_setting(workload, "batch_size")
    assert (batch.traced, batch.integer, batch.bounds) == (False, True, {"ge": 1})


HEAD = {"name": "head", "parameters": ["output*"]}


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        ({}, {"weight_dacay": [0.1]}, r"'weight_dacay' must be a setting .*did you mean 'weight_decay'"),
        ({}, {"steps": [3]}, "'steps' must be a setting that trials may differ in"),
        ({}, {"lr.head": [LRS]}, "'lr.head' must be a setting of digits-mlp"),
        ({}, {"weight_decay": [-0.1]}, "workload.optimizer.weight_decay: must be at least 0, got -0.1"),
        ({}, {"weight_decay": [[*LRS[1:], np.nan]]}, "weight_decay: must be a finite number, got nan"),
        ({}, {"beta1": [1]}, "workload.optimizer.beta1: must be less than 1, got 1"),
        ({}, {"weight_decay": [0.1, 0.1]}, r"numbers of shape \(1,\) or \(1, 10\), got float64 of \(2,\)"),
        ({}, {"weight_decay": [0.1], "optimizer.weight_decay": [0.1]}, "must name .* once"),
        ({}, {"batch_size": [8, 8]}, r"batch_size must be 1 values, one a member, got \[8, 8\]"),
        ({}, {"batch_size": [0]}, "workload.batch_size: must be at least 1, got 0"),
        ({}, {"hidden": [[8, 0]]}, "workload.hidden.1: must be at least 1, got 0"),
        ({}, {"beta1": [0.5], "optimizer.name": ["sgd"]}, "'optimizer.beta1' must be a setting of"),
        ({}, {"beta1": [[0.5], [0.5]]}, r"numbers of shape \(1,\) or \(1, 10\), got float64 of \(2, 1\)"),
        ({}, {"beta1": [[0.5], [0.5, 0.5]]}, r"beta1 must be numbers, .* got \[\[0.5\], \[0.5, 0.5\]\]"),
        (
            {},
            {"beta1": [0], "optimizer.name": ["schedule_free_adamw"]},
            "beta1: must be greater than 0, got 0",
        ),
        ({"groups": [HEAD]}, {}, r"workload.groups must take every parameter .* for 'dense0.b', 'dense0.w'"),
        (
            {"groups": [{"name": "all"}, HEAD]},
            {},
            "'head' must take a parameter .* of 'dense0.b', 'dense",
        ),
        ({"groups": [{"name": "all"}]}, {"lr.all": [-LRS]}, "lr.all must be finite and not negative"),
        ({"groups": [{"name": "a"}] * 2}, {}, "groups: must have different names, got a, a"),
        ({"groups": [{"name": "a.b"}]}, {}, "name: must consist of letters, digits, _ and -, got 'a.b'"),
    ],
)
def test_bad_input_is_one_clear_line(settings, given, message):
    with pytest.raises(InputError, match=message) as raised:
        evaluate(mlp(Adam(), **settings), [LRS], [0], hyperparameters=given)
    assert "\n" not in str(raised.value)


def test_a_called_workload_takes_values_as_keywords():
    workload = FunctionWorkload.of(lambda lrs, seed, *, decay, name: decay + len(name), STEPS)
    values = {"decay": [0.5, 1.0], "name": ["a", "bc"]}
    outcome = evaluate(workload, np.ones((2, STEPS)), [0, 0], hyperparameters=values)
    assert outcome["final/score"].tolist() == [1.5, 3.0]
    with pytest.raises(InputError, match=r"hyperparameter decay must be numbers, .* got \[\['a', 'b'\], "):
        evaluate(workload, np.ones((2, STEPS)), [0, 0], hyperparameters={"decay": [["a", "b"], ["c", "d"]]})
    with pytest.raises(InputError, match="hyperparameter decay must be 2 values, one a member"):
        evaluate(workload, np.ones((2, STEPS)), [0, 0], hyperparameters={"decay": [0.5]})
