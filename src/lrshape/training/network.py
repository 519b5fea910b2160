"""Building blocks of the small networks: initialisers and losses.

Activations take the parameters' dtype, losses are float32 whatever that is.
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


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy of (examples, classes) logits and integer labels, in nats."""
    logits = logits.astype(jnp.float32)
    picked = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - picked)


def error_rate(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Share of examples whose largest logit is not their label's."""
    return jnp.mean(jnp.argmax(logits, axis=1) != labels)
