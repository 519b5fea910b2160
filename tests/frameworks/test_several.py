"""A weight-decay schedule and two groups in each framework: the values used, and a resume in the middle.

A training that was saved and resumed must end with the weights of one that was not interrupted.
"""

import copy
import pickle
import re

import numpy as np
import pytest
import torch

from lrshape.errors import InputError
from lrshape.frameworks import EXPORTERS
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules
from lrshape.testing.exporters import run
from torch_training import QUIET, saved

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance:FutureWarning",  # Lightning's own use of PyTorch
    "ignore:The '.*_dataloader' does not have many workers",
)

STEPS, MIDDLE = 20, 8
SCHEDULES = Schedules(
    {
        "lr": Schedule("rex", {"warmup": 0.1}, 0.05, STEPS),
        "lr.matrix": Schedule("wsd", {"warmup_steps": 3, "decay_steps": 10}, 0.02, STEPS, min_lr=1e-3),
        "weight_decay": Schedule("cosine", {}, 0.5, STEPS, "left"),
        "beta1": Schedule("linear", {}, 0.95, STEPS, min_lr=0.8),
    }
)
ALL = SCHEDULES.group("rest")
"""For a program without groups."""


def same(found, schedules, names=("lr.matrix", "lr", "weight_decay", "beta1")):
    """The values of each step are those of the schedules."""
    wanted = np.stack([schedules[name].values() for name in names], axis=1)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.matrix = torch.nn.Parameter(torch.randn(3, 2))
        self.bias = torch.nn.Parameter(torch.randn(2))

    def forward(self, x):
        return x @ self.matrix + self.bias

    def adamw(self):
        return torch.optim.AdamW([{"params": [self.matrix], "name": "matrix"}, {"params": [self.bias]}])


def used(optimizer):
    matrix, rest = optimizer.param_groups
    assert matrix["betas"] == rest["betas"]
    assert matrix["weight_decay"] == rest["weight_decay"]
    return [matrix["lr"], rest["lr"], rest["weight_decay"], rest["betas"][0]]


def train(model, optimizer, scheduler, steps):
    found = []
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        model(torch.randn(4, 3, generator=generator)).square().mean().backward()
        found.append(used(optimizer))
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
    return found


def of_file(optimizer):
    return run(EXPORTERS["torch"].content_of_several(SCHEDULES).decode())["make_scheduler"](optimizer)


@pytest.mark.parametrize("make", [SCHEDULES.to_torch, of_file])
@pytest.mark.parametrize("loaded", ["after the scheduler is made", "before", "after its state"])
def test_torch(make, loaded, caplog):
    whole = Layer()
    optimizer = whole.adamw()
    same(train(whole, optimizer, make(optimizer), range(STEPS)), SCHEDULES)

    first = Layer()
    optimizer = first.adamw()
    scheduler = make(optimizer)
    found = train(first, optimizer, scheduler, range(MIDDLE))
    weights, *states = saved(first, optimizer, scheduler)
    second = Layer()
    second.load_state_dict(weights)
    optimizer = second.adamw()
    if loaded == "before":
        optimizer.load_state_dict(states[0])
    scheduler = make(optimizer)
    if loaded == "after the scheduler is made":
        optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    if loaded == "after its state":
        optimizer.load_state_dict(states[0])
    same(found + train(second, optimizer, scheduler, range(MIDDLE, STEPS)), SCHEDULES)
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), rtol=0, atol=0)
    assert not caplog.text
    assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]


def test_torch_groups_that_share_a_tensor():
    model = Layer()
    groups = [{"params": [model.matrix], "name": "matrix"}, {"params": [model.bias]}]
    betas = (torch.tensor(0.9), torch.tensor(0.999))
    optimizer = torch.optim.AdamW(groups, lr=torch.tensor(1e-3), betas=betas, foreach=False)
    schedules = Schedules({**SCHEDULES, "beta1.matrix": SCHEDULES["beta1"].replace(base_lr=0.85)})
    schedules.to_torch(optimizer)
    for group, name in zip(optimizer.param_groups, ("matrix", "rest"), strict=True):
        expected = schedules.group(name)
        assert isinstance(group["lr"], torch.Tensor)
        assert float(group["lr"]) == pytest.approx(expected["lr"](0))
        assert float(group["betas"][0]) == pytest.approx(expected["beta1"](0))


def test_torch_groups_keep_their_ratios():
    """Such as those without weight decay, which then have none at any step."""
    model = Layer()
    groups = [{"params": [model.matrix]}, {"params": [model.bias], "weight_decay": 0.0, "lr": 1e-4}]
    optimizer = torch.optim.AdamW(groups, lr=torch.tensor(1e-3), weight_decay=0.1)
    scheduler = ALL.to_torch(optimizer, step=3, steps=30)
    matrix, bias = optimizer.param_groups
    expected = ALL.replace(steps=30)
    for step in range(3, 33):
        assert matrix["weight_decay"] == pytest.approx(expected["weight_decay"](step))
        assert bias["weight_decay"] == 0
        assert float(matrix["lr"]) == pytest.approx(expected["lr"](step))
        assert bias["lr"] == pytest.approx(expected["lr"](step) / 10)
        optimizer.step()
        scheduler.step()


def test_a_torch_scheduler_can_be_copied_in_training():
    made = SCHEDULES.to_torch(Layer().adamw())
    made.optimizer.step()
    made.step()
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        again.optimizer.step()
        again.step()
        assert again.last_epoch == 2
        assert used(again.optimizer)[1] == pytest.approx(SCHEDULES["lr"](2))
    assert made.last_epoch == 1


def test_torch_momentum():
    schedules = Schedules({"momentum": SCHEDULES["beta1"]})
    optimizer = torch.optim.SGD(Layer().parameters(), lr=0.1, momentum=0.9)
    scheduler = schedules.to_torch(optimizer)
    found = []
    for _ in range(STEPS):
        found.append([optimizer.param_groups[0]["momentum"]])
        optimizer.step()
        scheduler.step()
    same(found, schedules, ["momentum"])
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_torch_scheduler_tells_the_learning_rates_as_others_do():
    model = Layer()
    optimizer = model.adamw()
    scheduler = SCHEDULES.to_torch(optimizer)
    train(model, optimizer, scheduler, range(3))
    assert scheduler.base_lrs == pytest.approx([0.02, 0.05])
    assert scheduler.get_lr() == scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]


def test_two_torch_optimizers():
    model = Layer()
    muon = torch.optim.Muon([model.matrix])
    schedules = Schedules({name: SCHEDULES[name] for name in ("lr", "lr.matrix", "weight_decay")})
    adamw = torch.optim.AdamW([model.bias])
    schedulers = [schedules.group("matrix").to_torch(muon), schedules.group("rest").to_torch(adamw)]
    found = []
    for _ in range(STEPS):
        found.append([muon.param_groups[0]["lr"], adamw.param_groups[0]["lr"]])
        found[-1] += [optimizer.param_groups[0]["weight_decay"] for optimizer in (muon, adamw)]
        model(torch.ones(1, 3)).sum().backward()
        for optimizer, scheduler in zip((muon, adamw), schedulers, strict=True):
            optimizer.step()
            scheduler.step()
    same(found, schedules, ["lr.matrix", "lr", "weight_decay", "weight_decay"])


def test_a_state_of_other_schedules_is_told(caplog):
    model = Layer()
    optimizer = model.adamw()
    scheduler = SCHEDULES.to_torch(optimizer)
    train(model, optimizer, scheduler, range(MIDDLE))
    state = saved(scheduler)[0]
    changed = Schedules({**SCHEDULES, "weight_decay": SCHEDULES["weight_decay"].replace(base_lr=0.25)})
    other = changed.to_torch(optimizer)
    other.load_state_dict(state)
    assert "the saved schedule was another one: base LRs [0.5, 0.5] -> [0.25, 0.25]" in caplog.text
    assert optimizer.param_groups[0]["weight_decay"] == pytest.approx(changed["weight_decay"](MIDDLE))
    other = SCHEDULES.to_torch(optimizer)
    other.load_state_dict(torch.optim.lr_scheduler.ConstantLR(Layer().adamw()).state_dict())
    assert "the state is of another kind of scheduler" in caplog.text
    assert other.last_epoch == 0
    fewer = Schedules({name: SCHEDULES[name] for name in SCHEDULES if name != "weight_decay"})
    fewer.to_torch(optimizer).load_state_dict(state)
    assert "the saved training also had schedules of weight_decay: without one" in caplog.text
    with pytest.raises(ValueError, match="no state of a learning-rate scheduler"):
        other.load_state_dict({})


@pytest.mark.parametrize(
    ("schedules", "message"),
    [
        (
            {"lr.head": ALL["lr"]},
            "lr.head: some param groups must have the name 'head', the names are ['matrix'",
        ),
        (
            {"momentum": ALL["lr"]},
            "momentum: AdamW has no such number, it has lr, eps, weight_decay, beta1, beta2",
        ),
        ({"amsgrad": ALL["lr"]}, "amsgrad: AdamW has no such number"),
    ],
)
def test_what_a_torch_optimizer_lacks_is_one_line(schedules, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Schedules(schedules).to_torch(Layer().adamw())


def test_a_weight_decay_of_zero_has_no_ratio():
    with pytest.raises(InputError, match="the optimizer needs a weight_decay above 0, its largest is 0"):
        ALL.to_torch(torch.optim.AdamW(Layer().parameters(), weight_decay=0.0))


def test_lightning(tmp_path):
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer, self.used = Layer(), []

        def training_step(self, batch, batch_idx):
            return self.layer(batch[0]).square().mean()

        def configure_optimizers(self):
            return SCHEDULES.to_lightning(self.layer.adamw(), steps=STEPS)

        def on_before_optimizer_step(self, optimizer):
            self.used.append(used(optimizer))

    def fit(max_steps, resume=None):
        data = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
        dataset = torch.utils.data.TensorDataset(data)
        loader = torch.utils.data.DataLoader(dataset, batch_size=8)  # a resumed epoch repeats a batch
        trainer = lightning.Trainer(
            max_steps=max_steps, enable_checkpointing=False, default_root_dir=tmp_path, **QUIET
        )
        module = Module()
        trainer.fit(module, loader, ckpt_path=resume, weights_only=True if resume else None)
        trainer.save_checkpoint(tmp_path / "middle.ckpt")
        return module

    whole, first = fit(STEPS), fit(MIDDLE)
    second = fit(STEPS, tmp_path / "middle.ckpt")
    same(whole.used, SCHEDULES)
    same(first.used + second.used, SCHEDULES)
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_transformers(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import transformers

    class Model(Layer):
        def forward(self, x, labels=None):
            return {"loss": super().forward(x).square().mean()}

    class Recorder(transformers.TrainerCallback):
        def __init__(self):
            self.used = []

        def on_pre_optimizer_step(self, args, state, control, optimizer, **others):
            self.used.append(used(optimizer))

    def fit(resume=None):
        data = [{"x": row} for row in torch.randn(40, 3, generator=torch.Generator().manual_seed(0))]
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path), max_steps=STEPS, per_device_train_batch_size=2, report_to="none",
            save_steps=MIDDLE, use_cpu=True, disable_tqdm=True, logging_strategy="no",
            dataloader_pin_memory=False, remove_unused_columns=False,
        )  # fmt: skip
        model, recorder = Model(), Recorder()
        transformers.Trainer(
            model=model, args=arguments, train_dataset=data, callbacks=[recorder],
            optimizers=SCHEDULES.to_transformers(model.adamw()),
        ).train(resume_from_checkpoint=resume)  # fmt: skip
        return model, recorder.used

    (whole, found), (second, rest) = fit(), fit(str(tmp_path / f"checkpoint-{MIDDLE}"))
    same(found, SCHEDULES)
    same(found[:MIDDLE] + rest, SCHEDULES)
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_optax():
    import jax
    import jax.numpy as jnp
    import optax

    def is_of(params):
        return jax.tree.map(lambda leaf: "matrix" if leaf.ndim == 2 else "rest", params)

    groups = {
        name: optax.inject_hyperparams(optax.adamw)(**SCHEDULES.group(name).to_optax())
        for name in ("matrix", "rest")
    }
    optimizer = optax.partition(groups, is_of)
    params = {"b": jnp.ones(2), "w": jnp.ones((3, 2))}

    @jax.jit
    def step(params, state, x):
        gradient = jax.grad(lambda params: jnp.square(x @ params["w"] + params["b"]).mean())(params)
        updates, state = optimizer.update(gradient, state, params)
        values = {name: state.inner_states[name].inner_state.hyperparams for name in groups}
        rest = values["rest"]
        used = [values["matrix"]["learning_rate"], rest["learning_rate"], rest["weight_decay"], rest["b1"]]
        return optax.apply_updates(params, updates), state, jnp.stack(used)

    def train(params, state, steps):
        found = []
        for number in steps:
            params, state, used = step(params, state, jax.random.normal(jax.random.key(number), (4, 3)))
            found.append(used)
        return params, state, found

    whole, _, found = train(params, optimizer.init(params), range(STEPS))
    same(found, SCHEDULES)
    params, state, first = train(params, optimizer.init(params), range(MIDDLE))
    leaves, tree = jax.tree.flatten((params, state))  # through NumPy arrays, as checkpoints keep it
    params, state = jax.tree.unflatten(tree, [np.asarray(leaf) for leaf in leaves])
    params, _, second = train(params, state, range(MIDDLE, STEPS))
    same(first + second, SCHEDULES)
    jax.tree.map(np.testing.assert_array_equal, params, whole)
    with pytest.raises(InputError, match=r"optax has no groups, got a schedule for lr\.matrix"):
        SCHEDULES.to_optax()


@pytest.mark.parametrize("accumulate", [None, 2])
def test_keras(tmp_path, accumulate):
    import keras

    def made():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        optimizer = keras.optimizers.AdamW(weight_decay=0.1, gradient_accumulation_steps=accumulate)
        model.compile(ALL.to_keras(optimizer), loss="mse")
        model.set_weights([np.ones((1, 1))])
        return model

    def fit(model, start, end, scale=1.0):
        batches = np.arange(start, end).repeat(accumulate or 1)
        x = scale * np.cos(batches)[:, None].astype("float32")
        model.fit(x, 2 * x, batch_size=1, shuffle=False, verbose=0)
        return model.get_weights()[0].item()

    values = ALL.values()
    decayed = np.prod(1 - values["lr"] * values["weight_decay"])
    assert fit(made(), 0, STEPS, scale=0.0) == pytest.approx(decayed, rel=1e-5)  # where all gradients are 0
    whole, model = fit(made(), 0, STEPS), made()
    fit(model, 0, MIDDLE)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.optimizer.weight_decay == 0.1
    ALL.to_keras(again.optimizer)
    assert fit(again, MIDDLE, STEPS) == pytest.approx(whole, rel=1e-6)


def test_the_values_that_keras_uses():
    import keras

    found = []

    class Recorder(keras.optimizers.AdamW):
        def update_step(self, gradient, variable, learning_rate):
            found.append([float(value) for value in (learning_rate, self.weight_decay, self.beta_1)])
            super().update_step(gradient, variable, learning_rate)

    optimizer, weight = ALL.to_keras(Recorder()), keras.Variable(1.0)
    for _ in range(STEPS):
        optimizer.apply([keras.ops.ones(())], [weight])
    same(found, ALL, ["lr", "weight_decay", "beta1"])


def test_keras_behind_loss_scaling():
    """What Keras wraps an optimizer in under mixed_float16."""
    import keras

    inner = keras.optimizers.AdamW(weight_decay=0.1, gradient_accumulation_steps=2)
    optimizer = keras.optimizers.LossScaleOptimizer(inner)
    assert ALL.to_keras(optimizer) is optimizer
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer, loss="mse")
    model.set_weights([np.ones((1, 1))])
    x = np.zeros((2 * STEPS, 1), "float32")
    model.fit(x, x, batch_size=1, verbose=0)
    values = ALL.values()
    decayed = np.prod(1 - values["lr"] * values["weight_decay"])
    assert model.get_weights()[0].item() == pytest.approx(decayed, rel=1e-5)


def test_what_a_keras_optimizer_lacks_is_one_line():
    import keras

    with pytest.raises(InputError, match="Keras's SGD takes schedules of lr, weight_decay, got one of beta1"):
        ALL.to_keras(keras.optimizers.SGD())
    with pytest.raises(InputError, match="Keras's SGD takes schedules of lr, weight_decay, got one of beta1"):
        ALL.to_keras(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))
    with pytest.raises(InputError, match=r"Keras has no groups, got a schedule for lr\.matrix"):
        SCHEDULES.to_keras(keras.optimizers.AdamW())
    with pytest.raises(InputError, match=r"must be a keras\.optimizers\.Optimizer, got 'adamw'"):
        ALL.to_keras("adamw")
