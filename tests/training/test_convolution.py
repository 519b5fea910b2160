"""The CPU's layers against JAX's own, and the choice between implementations."""

import json
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrshape.training import network
from lrshape.training.network import conv_init


@pytest.mark.parametrize("implementation", ["gemm", "lax"])
def test_a_convolution_and_its_gradients_are_those_of_jax(implementation):
    params = conv_init(jax.random.key(0), channels=3, filters=5)
    x = jax.random.normal(jax.random.key(1), (3, 6, 8, 2))
    b = jax.random.normal(jax.random.key(2), (5,))
    weights = jax.random.normal(jax.random.key(3), (5, 6, 8, 2))

    def reference(w, b, x):
        kernel = w.reshape(5, 3, 3, 3).transpose(1, 2, 3, 0)  # rows, columns, channels, filters
        out = jax.lax.conv_general_dilated(
            x.transpose(3, 1, 2, 0), kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return out.transpose(3, 1, 2, 0) + b[:, None, None, None]

    def summed(f):
        return lambda *arguments: jnp.sum(f(*arguments) * weights)

    ours = network.IMPLEMENTATIONS[implementation]
    arguments = params["w"], b, x
    np.testing.assert_allclose(ours(*arguments), reference(*arguments), rtol=1e-4, atol=1e-5)
    gradients = [jax.grad(summed(f), argnums=(0, 1, 2))(*arguments) for f in (ours, reference)]
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_pooling_and_its_gradient():
    x = jax.random.normal(jax.random.key(0), (3, 6, 8, 2))
    weights = jax.random.normal(jax.random.key(1), (3, 3, 4, 2))

    def reference(x):
        return jax.nn.relu(
            jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        )

    np.testing.assert_array_equal(network.relu_max_pool2(x), reference(x))
    ours = jax.grad(lambda x: jnp.sum(network.relu_max_pool2(x) * weights))(x)
    np.testing.assert_array_equal(ours, jax.grad(lambda x: jnp.sum(reference(x) * weights))(x))


def test_pooling_hands_nan_on_and_equal_pixels_share_one_gradient():
    x = jnp.ones((1, 2, 2, 1))
    assert jax.grad(lambda x: network.relu_max_pool2(x).sum())(x).ravel().tolist() == [1, 0, 0, 0]
    assert np.isnan(network.relu_max_pool2(x.at[0, 1, 1, 0].set(jnp.nan))).all()


@pytest.mark.parametrize("count", [1, 16, 17, 48])
def test_chunks_give_what_the_whole_gives(count):
    images = jax.random.normal(jax.random.key(0), (count, 4))
    out = network.in_chunks(lambda part: part.T * 2, images)
    np.testing.assert_array_equal(out, images.T * 2)


@pytest.fixture
def accelerator(monkeypatch, tmp_path):
    """A device that is no CPU, as far as the choice is concerned."""
    monkeypatch.setenv("LRSHAPE_CACHE", str(tmp_path))
    monkeypatch.setattr(network, "TUNING_MEMBERS", 1)
    monkeypatch.setattr(network, "TUNING_IMAGES", 2)
    monkeypatch.setattr(network, "_tuned", {})
    monkeypatch.setattr(network.jax, "default_backend", lambda: "other")
    return tmp_path / "convolution.json"


def test_the_choice_is_measured_once_told_and_cached(accelerator, monkeypatch, caplog):
    with caplog.at_level(logging.WARNING):
        network.tune()
    assert "gemm" in caplog.text
    assert "lax" in caplog.text
    (choice,) = json.loads(accelerator.read_text()).values()
    assert network._chosen() == choice
    monkeypatch.setattr(network, "_seconds", lambda name: pytest.fail("measured again"))
    network._tuned.clear()
    network.tune()
    assert network._chosen() == choice


def test_a_damaged_cache_is_measured_anew(accelerator):
    accelerator.write_text("{")
    network.tune()
    assert json.loads(accelerator.read_text())


def test_cpus_have_nothing_to_choose(monkeypatch):
    monkeypatch.setattr(network, "_seconds", lambda name: pytest.fail("measured"))
    network.tune()
    assert network._chosen() == "gemm"
