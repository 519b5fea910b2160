"""A decoder-only transformer: pre-norm, learned positions, tied input and output embedding.

Initialisation and GELU are GPT-2's (Radford et al., 2019). Activations take the parameters' dtype; layer
norms, softmax and losses compute in float32.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from lrshape.training.data.wikitext import PAD

CHUNK_TOKENS = 256
"""Tokens whose logits exist at one time. With 8,192 words they take 8 MB, which a CPU's L3 cache holds."""

Params = dict[str, Any]


def init(key: jax.Array, vocabulary: int, max_len: int, layers: int, embed: int, mlp: int) -> Params:
    """Weights normal(0, 0.02), those into the residual stream divided by sqrt(2 layers); zero biases."""
    keys = iter(jax.random.split(key, 2 + 4 * layers))

    def dense(inputs: int, outputs: int, scale: float = 1.0) -> dict[str, jax.Array]:
        weights = 0.02 * scale * jax.random.normal(next(keys), (inputs, outputs))
        return {"w": weights, "b": jnp.zeros(outputs)}

    def norm() -> dict[str, jax.Array]:
        return {"scale": jnp.ones(embed), "bias": jnp.zeros(embed)}

    residual = 1 / math.sqrt(2 * layers)
    params: Params = {
        "embedding": 0.02 * jax.random.normal(next(keys), (vocabulary, embed)),
        "position": 0.02 * jax.random.normal(next(keys), (max_len, embed)),
        "norm": norm(),
    }
    for i in range(layers):
        params[f"block{i}"] = {
            "norm0": norm(),
            "qkv": dense(embed, 3 * embed),
            "out": dense(embed, embed, residual),
            "norm1": norm(),
            "up": dense(embed, mlp),
            "down": dense(mlp, embed, residual),
        }
    return params


def hidden(
    params: Params, tokens: jax.Array, heads: int, dropout: float = 0.0, key: jax.Array | None = None
) -> jax.Array:
    """Final hidden states, (sequences, length, embed), of tokens, (sequences, length).

    Args:
        params: as `init` makes them.
        tokens: integers below the vocabulary's size; at most ``max_len`` a sequence.
        heads: attention heads; they divide ``embed``.
        dropout: share of the embeddings' and of every residual branch's outputs that is zeroed.
        key: for dropout; None for none.
    """
    layers = sum(name.startswith("block") for name in params)
    keys = [None] * (1 + 2 * layers)
    if key is not None and dropout > 0:
        keys = list(jax.random.split(key, len(keys)))
    x = params["embedding"][tokens] + params["position"][: tokens.shape[-1]]
    x = _dropped(x, dropout, keys[0])
    for i in range(layers):
        block = params[f"block{i}"]
        x = x + _dropped(_attention(block, _norm(block["norm0"], x), heads), dropout, keys[1 + 2 * i])
        y = jax.nn.gelu(_dense(block["up"], _norm(block["norm1"], x)))
        x = x + _dropped(_dense(block["down"], y), dropout, keys[2 + 2 * i])
    return _norm(params["norm"], x)


def _dense(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    # As a matrix: the gradients' products of a three-dimensional x take up to twice as long on CPUs.
    flat = x.reshape(-1, x.shape[-1]) @ params["w"] + params["b"]
    return flat.reshape(*x.shape[:-1], -1)


def _norm(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """Layer norm (arXiv:1607.06450), eps 1e-5."""
    y = x.astype(jnp.float32)
    y = y - y.mean(-1, keepdims=True)
    y = y * jax.lax.rsqrt((y * y).mean(-1, keepdims=True) + 1e-5)
    return y.astype(x.dtype) * params["scale"] + params["bias"]


def _attention(block: Params, x: jax.Array, heads: int) -> jax.Array:
    """Causal multi-head attention, (sequences, length, embed) to the same."""
    sequences, length, embed = x.shape
    qkv = _dense(block["qkv"], x).reshape(sequences, length, 3, heads, embed // heads)
    q, k, v = qkv.transpose(2, 0, 3, 1, 4)
    scores = (q @ k.swapaxes(-1, -2)).astype(jnp.float32) / math.sqrt(embed // heads)
    causal = jnp.tril(jnp.ones((length, length), bool))
    weights = jax.nn.softmax(jnp.where(causal, scores, -1e30), axis=-1).astype(x.dtype)
    mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(sequences, length, embed)
    return _dense(block["out"], mixed)


def _dropped(x: jax.Array, dropout: float, key: jax.Array | None) -> jax.Array:
    if key is None:
        return x
    keep = jax.random.bernoulli(key, 1 - dropout, x.shape)
    return jnp.where(keep, x / (1 - dropout), 0).astype(x.dtype)


@jax.custom_vjp
def token_loss(embedding: jax.Array, states: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean cross-entropy, in nats, of the targets that are not `PAD`; the logits are states @ embedding^T.

    Logits exist for `CHUNK_TOKENS` tokens at a time. Where the gradient is wanted, it is computed in the same
    pass, so that no logits are computed twice or kept (as in arXiv:2411.09009 and arXiv:2410.10989).

    Args:
        embedding: (vocabulary, embed).
        states: (tokens, embed).
        targets: (tokens,), integers.
    """
    losses = jax.lax.map(lambda chunk: jnp.sum(_losses(embedding, *chunk)[0]), _chunks(states, targets))
    return jnp.sum(losses) / _count(targets)


def _count(targets: jax.Array) -> jax.Array:
    return jnp.maximum(jnp.sum(targets != PAD), 1).astype(jnp.float32)


def _chunks(states: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Chunks of tokens, (chunks, tokens in each, ...); the last is filled up with PAD."""
    tokens = len(targets)
    chunks = -(-tokens // CHUNK_TOKENS)
    size = -(-tokens // chunks)
    missing = chunks * size - tokens
    states = jnp.pad(states, ((0, missing), (0, 0)))
    targets = jnp.pad(targets, (0, missing), constant_values=PAD)
    return states.reshape(chunks, size, -1), targets.reshape(chunks, size)


def _losses(embedding: jax.Array, states: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Losses of a chunk's tokens, 0 for PAD, and the softmax."""
    logits = (states @ embedding.T).astype(jnp.float32)
    largest = jnp.max(logits, axis=1)
    powers = jnp.exp(logits - largest[:, None])
    total = jnp.sum(powers, axis=1)
    picked = jnp.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
    losses = jnp.where(targets == PAD, 0, jnp.log(total) + largest - picked)
    return losses, powers / total[:, None]


def _forward(embedding: jax.Array, states: jax.Array, targets: jax.Array) -> tuple[jax.Array, Any]:
    count = _count(targets)

    def add(carry: Any, chunk: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        summed, of_transposed = carry
        losses, softmax = _losses(embedding, *chunk)
        hit = chunk[1][:, None] == jnp.arange(len(embedding))
        weight = jnp.where(chunk[1] == PAD, 0, 1 / count)
        of_logits = ((softmax - hit) * weight[:, None]).astype(states.dtype)
        return (summed + jnp.sum(losses), of_transposed + chunk[0].T @ of_logits), of_logits @ embedding

    # In float32 whatever the weights are: it sums over all chunks. Transposed, because a CPU would spend half
    # of the product's time on transposing the logits' gradient, the largest matrix here.
    start = jnp.float32(0), jnp.zeros(embedding.shape[::-1], jnp.float32)
    (summed, of_transposed), of_states = jax.lax.scan(add, start, _chunks(states, targets))
    of_states = of_states.reshape(-1, states.shape[1])[: len(states)]
    return summed / count, (of_transposed.T, of_states)


def _backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array, None]:
    of_embedding, of_states = kept
    return (
        (of_embedding * gradient).astype(of_states.dtype),  # the weights'
        (of_states * gradient).astype(of_states.dtype),
        None,
    )


token_loss.defvjp(_forward, _backward)
