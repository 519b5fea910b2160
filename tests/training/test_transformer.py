"""The transformer and its chunked loss against plain formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrshape.training import transformer as transformer

WORDS, EMBED = 50, 16


@pytest.fixture(scope="module")
def params():
    return transformer.init(jax.random.key(0), WORDS, max_len=12, layers=2, embed=EMBED, mlp=32)


def tokens(key=1, sequences=3, length=12):
    return jax.random.randint(jax.random.key(key), (sequences, length), 1, WORDS)


def naive_loss(embedding, states, targets):
    losses = optax.softmax_cross_entropy_with_integer_labels(states @ embedding.T, targets)
    return jnp.sum(jnp.where(targets == 0, 0, losses)) / jnp.maximum(jnp.sum(targets != 0), 1)


@pytest.mark.parametrize("chunk", [1, 7, 30, 512])
@pytest.mark.parametrize("padding", [0.0, 0.3, 1.0])
def test_chunked_loss_and_gradients_are_those_of_whole_logits(monkeypatch, chunk, padding):
    monkeypatch.setattr(transformer, "CHUNK_TOKENS", chunk)
    keys = jax.random.split(jax.random.key(0), 4)
    embedding, states = jax.random.normal(keys[0], (WORDS, EMBED)), jax.random.normal(keys[1], (30, EMBED))
    targets = jnp.where(
        jax.random.uniform(keys[2], (30,)) < padding, 0, jax.random.randint(keys[3], (30,), 1, WORDS)
    )
    ours = jax.value_and_grad(lambda *a: 3 * transformer.token_loss(*a, targets), argnums=(0, 1))(
        embedding, states
    )
    plain = jax.value_and_grad(lambda *a: 3 * naive_loss(*a, targets), argnums=(0, 1))(embedding, states)
    np.testing.assert_allclose(transformer.token_loss(embedding, states, targets) * 3, plain[0], rtol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, plain)


def test_huge_logits_do_not_overflow():
    embedding, states = jnp.eye(WORDS, EMBED) * 1e4, jnp.ones((2, EMBED))
    assert np.isfinite(transformer.token_loss(embedding, states, jnp.array([1, 2])))


def test_a_token_does_not_see_later_ones(params):
    first = tokens()
    second = first.at[:, 7].set(first[:, 7] % (WORDS - 1) + 1)
    one, other = (transformer.hidden(params, x, heads=4) for x in (first, second))
    np.testing.assert_array_equal(one[:, :7], other[:, :7])
    assert (jnp.abs(one[:, 7:] - other[:, 7:]).max((0, 2)) > 0).all()


def test_attention_is_the_textbook_formula(params):
    block, x = params["block0"], jax.random.normal(jax.random.key(2), (2, 5, EMBED))
    qkv = x @ block["qkv"]["w"] + block["qkv"]["b"]
    q, k, v = (part.reshape(2, 5, 4, EMBED // 4) for part in jnp.split(qkv, 3, axis=-1))
    expected = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(2, 5, EMBED)
    expected = expected @ block["out"]["w"] + block["out"]["b"]
    np.testing.assert_allclose(transformer._attention(block, x, 4), expected, rtol=1e-4, atol=1e-6)


def test_dropout_needs_a_key_and_zeroes_the_stated_share(params):
    x = tokens()
    plain = transformer.hidden(params, x, 4)
    np.testing.assert_array_equal(transformer.hidden(params, x, 4, dropout=0.5), plain)
    dropped = transformer.hidden(params, x, 4, 0.5, jax.random.key(0))
    assert not np.allclose(dropped, plain)
    ones = transformer._dropped(jnp.ones((100, 1000)), 0.25, jax.random.key(1))
    assert float((ones == 0).mean()) == pytest.approx(0.25, abs=0.01)
    assert float(ones.mean()) == pytest.approx(1.0, abs=0.01)


def test_bf16_parameters_give_a_float32_loss_and_gradients_close_to_float32s(params):
    def loss(params):
        x = tokens()
        states = transformer.hidden(params, x, 4)
        return transformer.token_loss(params["embedding"], states.reshape(-1, EMBED), x.ravel())

    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
    assert loss(half).dtype == jnp.float32
    np.testing.assert_allclose(loss(half), loss(params), rtol=1e-2)
    rough, exact = (jax.grad(loss)(p)["embedding"] for p in (half, params))
    assert rough.dtype == jnp.bfloat16
    np.testing.assert_allclose(rough.astype(jnp.float32), exact, atol=2e-2 * float(abs(exact).max()))


def test_number_of_parameters(params):
    block = 3 * EMBED * EMBED + 3 * EMBED + EMBED * EMBED + EMBED + 2 * EMBED * 32 + 32 + EMBED + 4 * EMBED
    expected = WORDS * EMBED + 12 * EMBED + 2 * EMBED + 2 * block
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected
