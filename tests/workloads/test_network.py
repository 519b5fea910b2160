"""The GEMM-only layers against JAX's own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lrshape.workloads import _network


def test_convolution_is_a_convolution():
    params = _network.conv_init(jax.random.key(0), channels=3, filters=5)
    x = jax.random.normal(jax.random.key(1), (3, 6, 8, 2))
    kernel = params["w"].reshape(5, 3, 3, 3).transpose(1, 2, 3, 0)  # rows, columns, channels, filters
    expected = jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("CHWN", "HWIO", "CHWN")
    )
    np.testing.assert_allclose(_network.conv3x3(params, x), expected, rtol=1e-4, atol=1e-5)


def test_pooling_takes_the_largest_of_four():
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    assert _network.max_pool2(x)[0, :, :, 0].tolist() == [[5.0, 7.0], [13.0, 15.0]]


def test_losses():
    logits = jnp.array([[2.0, 1.0, 0.0], [0.0, 5.0, 1.0]])
    labels = jnp.array([0, 2])
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    np.testing.assert_allclose(_network.cross_entropy(logits, labels), expected, rtol=1e-6)
    assert _network.error_rate(logits, labels) == 0.5
