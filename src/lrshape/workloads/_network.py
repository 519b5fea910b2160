"""Building blocks of the small networks: initialisers, layers and losses, for GEMM-only CPU speed.

Convolutions are matrix products over gathered patches in a channel, row, column, image layout:
``lax.conv`` inside a loop is about twenty times slower on CPUs.
"""

import math

import jax
import jax.numpy as jnp

Params = dict[str, dict[str, jax.Array]]


def dense_init(key: jax.Array, inputs: int, outputs: int) -> dict[str, jax.Array]:
    """He-normal weights of shape (inputs, outputs) and zero biases."""
    weights = jax.random.normal(key, (inputs, outputs)) * math.sqrt(2.0 / inputs)
    return {"w": weights, "b": jnp.zeros(outputs)}


def conv_init(key: jax.Array, channels: int, filters: int, size: int = 3) -> dict[str, jax.Array]:
    """He-normal kernels of shape (filters, size * size * channels) and zero biases."""
    inputs = size * size * channels
    kernels = jax.random.normal(key, (filters, inputs)) * math.sqrt(2.0 / inputs)
    return {"w": kernels, "b": jnp.zeros(filters)}


def conv3x3(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """3 x 3 convolution, stride 1, zero padding: (C, H, W, N) to (filters, H, W, N)."""
    channels, height, width, images = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = [padded[:, i : i + height, j : j + width, :] for i in range(3) for j in range(3)]
    columns = jnp.concatenate(patches, axis=0).reshape(9 * channels, -1)
    out = params["w"] @ columns + params["b"][:, None]
    return out.reshape(-1, height, width, images)


def max_pool2(x: jax.Array) -> jax.Array:
    """2 x 2 max pooling, stride 2, of (C, H, W, N) with even H and W."""
    channels, height, width, images = x.shape
    return x.reshape(channels, height // 2, 2, width // 2, 2, images).max(axis=(2, 4))


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy of (examples, classes) logits and integer labels, in nats."""
    picked = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - picked)


def error_rate(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Share of examples whose largest logit is not their label's."""
    return jnp.mean(jnp.argmax(logits, axis=1) != labels)
