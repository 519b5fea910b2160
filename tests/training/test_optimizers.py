"""Our optimizers against optax's and PyTorch's own, over 20 steps."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrshape.training.optimizers import SGD, Adam, AdamW, Momentum

STEPS = 20
LRS = np.linspace(0.1, 0.01, STEPS)


def loss(params, step):
    return jnp.sum((params["a"] - 1.0 - step) ** 2) + jnp.sum(jnp.sin(params["b"]) * params["a"][0])


def start():
    return {"a": jnp.array([0.5, -2.0]), "b": jnp.array([[0.3, 1.0]])}


def ours(settings):
    transformation = settings.transformation()
    params = start()
    memory = transformation.init(params)
    for step in range(STEPS):
        direction, memory = transformation.update(jax.grad(loss)(params, step), memory, params)
        params = settings.apply(params, direction, jnp.asarray(LRS[step]), jnp.asarray(0.1))
    return params


def optax_result(transformation):
    params = start()
    memory = transformation.init(params)
    for step in range(STEPS):
        updates, memory = transformation.update(jax.grad(loss)(params, step), memory, params)
        params = optax.apply_updates(params, updates)
    return params


def lr(count):
    return jnp.asarray(LRS, jnp.float32)[count]


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
    ],
    ids=["sgd", "clipped", "momentum", "nesterov", "adam", "adamw", "adam-decay"],
)
def test_matches_optax(settings, reference):
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
        optimizer.param_groups[0]["lr"] = LRS[step]
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


@pytest.mark.parametrize(
    ("coupling", "factor"), [("lr", 0.05 * 0.2), ("schedule", 0.05 / 0.1 * 0.2), ("constant", 0.2)]
)
def test_weight_decay_couplings(coupling, factor):
    settings = SGD(weight_decay=0.2, coupling=coupling)
    params = {"a": jnp.array([3.0])}
    new = settings.apply(params, {"a": jnp.array([1.0])}, jnp.float32(0.05), jnp.float32(0.1))
    np.testing.assert_allclose(new["a"], 3.0 - 0.05 - factor * 3.0, rtol=1e-6)
