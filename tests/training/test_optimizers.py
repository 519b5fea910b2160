"""Our optimizers against optax's and PyTorch's own, over 20 steps."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from lrshape.errors import InputError
from lrshape.training.optimizers import SGD, Adam, AdamW, Lion, Momentum, Muon, ScheduleFreeAdamW

STEPS = 20
LRS = np.linspace(0.1, 0.01, STEPS)


def loss(params, step):
    return jnp.sum((params["a"] - 1.0 - step) ** 2) + jnp.sum(jnp.sin(params["b"]) * params["a"][0])


def start():
    return {"a": jnp.array([0.5, -2.0]), "b": jnp.array([[0.3, 1.0], [-0.4, 0.2], [0.1, -0.7]])}


def ours(settings, lrs=LRS):
    params = start()
    memory = settings.init(params)
    step_of = jax.jit(settings.step)
    for step, rate in enumerate(lrs):
        gradient = jax.grad(loss)(params, step)
        params, memory = step_of(params, gradient, memory, jnp.asarray(rate), jnp.asarray(0.1))
    return settings.evaluated(params, memory)


def optax_result(transformation):
    params = start()
    memory = transformation.init(params)
    for step in range(STEPS):
        updates, memory = transformation.update(jax.grad(loss)(params, step), memory, params)
        params = optax.apply_updates(params, updates)
    if hasattr(memory, "inner_state"):  # schedule-free's
        return optax.contrib.schedule_free_eval_params(memory.inner_state, params)
    return params


def lr(count):
    return jnp.asarray(LRS)[count]


def optax_muon(nesterov):
    """AdamW for the vector: optax.contrib.muon's own is Adam with Nesterov momentum wherever Muon has it."""
    muon = optax.contrib.muon(lr, nesterov=nesterov, weight_decay=0.1, consistent_rms=0.2)
    adamw = optax.adamw(lr, weight_decay=0.1)
    return optax.partition({"muon": muon, "adamw": adamw}, {"a": "adamw", "b": "muon"})


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        (SGD(), optax.sgd(lr)),
        (SGD(clip_norm=1.0), optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(lr))),
        (Momentum(beta=0.8), optax.sgd(lr, momentum=0.8)),
        (Momentum(beta=0.8, nesterov=True), optax.sgd(lr, momentum=0.8, nesterov=True)),
        (Adam(beta1=0.8, beta2=0.95), optax.adam(lr, 0.8, 0.95)),
        (AdamW(weight_decay=0.1), optax.adamw(lr, weight_decay=0.1)),
        (Adam(weight_decay=0.1), optax.adamw(lr, weight_decay=0.1)),
        (Lion(), optax.lion(lr)),
        (Lion(beta1=0.8, beta2=0.95, weight_decay=0.1), optax.lion(lr, 0.8, 0.95, weight_decay=0.1)),
        (Muon(weight_decay=0.1), optax_muon(nesterov=True)),
        (Muon(weight_decay=0.1, nesterov=False), optax_muon(nesterov=False)),
        (
            ScheduleFreeAdamW(beta1=0.8, weight_decay=0.1),
            optax.inject_hyperparams(optax.contrib.schedule_free_adamw)(lr, b1=0.8, weight_decay=0.1),
        ),
    ],
    ids=[
        *("sgd", "clipped", "momentum", "nesterov", "adam", "adamw", "adam-decay"),
        *("lion", "lion-settings", "muon", "muon-heavy-ball", "schedule-free"),
    ],
)
def test_matches_optax(settings, reference):
    with jax.enable_x64(True):
        result, expected = ours(settings), optax_result(reference)
    for name in result:
        np.testing.assert_allclose(result[name], expected[name], rtol=1e-6, atol=1e-6)


def torch_result(make):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    params = {
        name: torch.tensor(np.array(leaf, np.float64), requires_grad=True) for name, leaf in start().items()
    }
    optimizer = make(torch.optim, list(params.values()))
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = LRS[step]
        optimizer.zero_grad()
        a, b = params["a"], params["b"]
        (((a - 1.0 - step) ** 2).sum() + (torch.sin(b) * a[0]).sum()).backward()
        optimizer.step()
    return {name: leaf.detach().numpy() for name, leaf in params.items()}


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        (SGD(), lambda optim, p: optim.SGD(p)),
        (SGD(weight_decay=0.1), None),
        (Momentum(beta=0.8), lambda optim, p: optim.SGD(p, momentum=0.8)),
        (Momentum(beta=0.8, nesterov=True), lambda optim, p: optim.SGD(p, momentum=0.8, nesterov=True)),
        (Adam(beta1=0.8, beta2=0.95), lambda optim, p: optim.Adam(p, betas=(0.8, 0.95))),
        (AdamW(), lambda optim, p: optim.AdamW(p)),
        (
            AdamW(weight_decay=0.1, beta1=0.8, eps=1e-6),
            lambda optim, p: optim.AdamW(p, weight_decay=0.1, betas=(0.8, 0.999), eps=1e-6),
        ),
    ],
    ids=["sgd", "sgd-decay", "momentum", "nesterov", "adam", "adamw", "adamw-settings"],
)
def test_matches_pytorch(settings, make):
    # PyTorch's SGD adds decay to the gradient, which without momentum is the same as the lr coupling.
    make = make or (lambda optim, p: optim.SGD(p, weight_decay=settings.weight_decay))
    # In float64, since optax rounds 1 - beta2^t in float32, which alone moves the weights by 1e-5.
    with jax.enable_x64(True):
        result = ours(settings)
    expected = torch_result(make)
    for name in result:
        np.testing.assert_allclose(result[name], expected[name], rtol=1e-6, atol=1e-6)


def test_muon_matches_pytorch_in_its_precision(monkeypatch):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # it iterates in bfloat16 otherwise

    class Both(torch.optim.Optimizer):
        """Muon for the matrix, AdamW for the vector."""

        def __init__(self, params):
            # Without Nesterov momentum, whose bias optax corrects and PyTorch does not.
            muon = {"adjust_lr_fn": "match_rms_adamw", "nesterov": False, "weight_decay": 0.1}
            parts = [torch.optim.AdamW(params[:1], weight_decay=0.1), torch.optim.Muon(params[1:], **muon)]
            super().__init__(params, {})
            self.parts, self.param_groups = parts, [g for part in parts for g in part.param_groups]

        def step(self):
            for part in self.parts:
                part.step()

    with jax.enable_x64(True):
        result = ours(Muon(nesterov=False, weight_decay=0.1))
    expected = torch_result(lambda optim, params: Both(params))
    for name in result:
        np.testing.assert_allclose(result[name], expected[name], rtol=1e-5, atol=1e-6)


def test_muon_leaves_layers_to_adamw():
    params = {"block": {"up": {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}}, "output": {"w": jnp.ones((3, 2))}}
    moments = {
        rest: jax.tree.map(jnp.size, Muon(rest=rest).init(params).inner_states["adamw"].inner_state.nu)
        for rest in (("output",), ("embedding",))
    }
    assert jax.tree.leaves(moments["output",]) == [3, 6]  # "block.up.b" and "output.w"
    assert jax.tree.leaves(moments["embedding",]) == [3]
    with pytest.raises(InputError, match="rest must name layers of block, output, got 'head'"):
        Muon(rest=("head",)).init(params)
    with pytest.raises(
        InputError, match=r"muon needs a matrix outside rest, got block.up.b, block.up.w, out"
    ):
        Muon(rest=("up", "output")).init(params)


def test_schedule_free_follows_its_paper():
    """The three sequences of arXiv:2405.15682, with a warm-up, whose steps weigh less."""
    settings = ScheduleFreeAdamW(beta1=0.8, beta2=0.95, weight_decay=0.1)
    lrs = np.concatenate([np.linspace(0.01, 0.1, STEPS // 2), np.linspace(0.1, 0.05, STEPS // 2)])
    weights = np.maximum.accumulate(lrs) ** 2
    with jax.enable_x64(True):
        result = ours(settings, lrs)
        flat, tree_of = ravel_pytree(start())
        x, z, v = flat, flat, 0.0
        for t, lr in enumerate(lrs):
            y = 0.8 * x + 0.2 * z
            gradient = ravel_pytree(jax.grad(loss)(tree_of(y), t))[0]
            v = 0.95 * v + 0.05 * gradient**2
            direction = gradient / (jnp.sqrt(v / (1 - 0.95 ** (t + 1))) + 1e-8)
            z = z - lr * (direction + 0.1 * y)
            share = weights[t] / weights[: t + 1].sum()
            x = (1 - share) * x + share * z
        expected = tree_of(x)
    for name in result:
        np.testing.assert_allclose(result[name], expected[name], rtol=1e-5, atol=1e-6)


def test_schedule_free_corrects_a_beta2_that_changes():
    """Its second moment is the weighted mean of all squares, with weights that sum to 1."""
    betas, squares = [0.5, 0.9, 0.99], [4.0, 1.0, 9.0]
    memory = None
    for beta2, square in zip(betas, squares, strict=True):
        optimizer = ScheduleFreeAdamW().model_copy(update={"beta2": jnp.float32(beta2)}).direction()
        memory = optimizer.init(jnp.zeros(())) if memory is None else memory
        direction, memory = optimizer.update(jnp.sqrt(square), memory)
    weights = [(1 - beta2) * np.prod(betas[i + 1 :]) for i, beta2 in enumerate(betas)]
    np.testing.assert_allclose(direction, 3 / np.sqrt(np.average(squares, weights=weights)), rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (ScheduleFreeAdamW, {"beta1": 0}, "beta1: must be greater than 0, got 0"),
        (Muon, {"beta": 1}, "beta: must be less than 1, got 1"),
        (Muon, {"ns_steps": 0}, "ns_steps: must be at least 1, got 0"),
        (Muon, {"rest": "output"}, "rest: must be a list, got 'output'"),
        (Lion, {"eps": 1e-8}, "unknown key 'eps'; allowed: weight_decay, coupling, clip_norm, beta1, beta2"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(kind, settings, message):
    with pytest.raises(InputError) as error:
        kind(**settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("coupling", "factor"), [("lr", 0.05 * 0.2), ("schedule", 0.05 / 0.1 * 0.2), ("constant", 0.2)]
)
def test_weight_decay_couplings(coupling, factor):
    settings = SGD(weight_decay=0.2, coupling=coupling)
    params = {"a": jnp.array([3.0])}
    new = settings.apply(params, {"a": jnp.array([1.0])}, jnp.float32(0.05), jnp.float32(0.1))
    np.testing.assert_allclose(new["a"], 3.0 - 0.05 - factor * 3.0, rtol=1e-6)
