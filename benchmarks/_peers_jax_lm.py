"""The transformer as plain JAX writes it: a vmap over members, whole logits, optax.adamw."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _peers_jax import JaxTraining

LAYERS, HEADS, EMBED, MLP = 2, 4, 128, 512


def init(key: jax.Array, vocabulary: int, length: int) -> Any:
    """Weights of one member; the embedding is also the output layer."""
    keys = iter(jax.random.split(key, 2 + 4 * LAYERS))

    def weights(*shape: int) -> jax.Array:
        return 0.02 * jax.random.normal(next(keys), shape)

    def norm() -> Any:
        return {"scale": jnp.ones(EMBED), "bias": jnp.zeros(EMBED)}

    def dense(inputs: int, outputs: int) -> Any:
        return {"w": weights(inputs, outputs), "b": jnp.zeros(outputs)}

    blocks = [
        {
            "norm0": norm(),
            "qkv": dense(EMBED, 3 * EMBED),
            "out": dense(EMBED, EMBED),
            "norm1": norm(),
            "up": dense(EMBED, MLP),
            "down": dense(MLP, EMBED),
        }
        for _ in range(LAYERS)
    ]
    return {
        "embedding": weights(vocabulary, EMBED),
        "position": weights(length, EMBED),
        "blocks": blocks,
        "norm": norm(),
    }


def _norm(params: Any, x: jax.Array) -> jax.Array:
    normal = (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
    return normal * params["scale"] + params["bias"]


def _dense(params: Any, x: jax.Array) -> jax.Array:
    return x @ params["w"] + params["b"]


def logits(params: Any, tokens: jax.Array) -> jax.Array:
    """Scores of all words at all positions."""
    x = params["embedding"][tokens] + params["position"]
    for block in params["blocks"]:
        q, k, v = jnp.split(_dense(block["qkv"], _norm(block["norm0"], x)), 3, axis=-1)
        heads = (*q.shape[:-1], HEADS, EMBED // HEADS)
        mixed = jax.nn.dot_product_attention(
            q.reshape(heads), k.reshape(heads), v.reshape(heads), is_causal=True
        )
        x = x + _dense(block["out"], mixed.reshape(x.shape))
        x = x + _dense(block["down"], jax.nn.gelu(_dense(block["up"], _norm(block["norm1"], x))))
    return _norm(params["norm"], x) @ params["embedding"].T


class VmapTraining(JaxTraining):
    """Training; every member draws its own batch."""

    optimizer = staticmethod(optax.adamw)

    def __init__(self, members: int, steps: int, batch_size: int, length: int, vocabulary: int):
        self._batch_size, self._length, self._vocabulary = batch_size, length, vocabulary
        super().__init__(members, steps)

    def init(self, key: jax.Array) -> Any:
        """Parameters."""
        return init(key, self._vocabulary, self._length)

    def loss(self, params: Any, batch: Any) -> jax.Array:
        """Cross-entropy of a batch."""
        scores = logits(params, batch[:, :-1])
        return optax.softmax_cross_entropy_with_integer_labels(scores, batch[:, 1:]).mean()

    def batch(self, rng: np.random.Generator) -> Any:
        """Tokens of every member."""
        shape = (self._members, self._batch_size, self._length + 1)
        return jnp.asarray(rng.integers(1, self._vocabulary, shape, np.int32))
