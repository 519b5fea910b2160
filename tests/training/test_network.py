"""The losses against optax's."""

import jax.numpy as jnp
import numpy as np
import optax

from lrshape.training import network as _network


def test_losses():
    logits = jnp.array([[2.0, 1.0, 0.0], [0.0, 5.0, 1.0]])
    labels = jnp.array([0, 2])
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    np.testing.assert_allclose(_network.cross_entropy(logits, labels), expected, rtol=1e-6)
    assert _network.error_rate(logits, labels) == 0.5
