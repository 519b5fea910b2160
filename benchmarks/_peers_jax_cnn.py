"""The CIFAR-10 CNN as the paper's code trains it: a vmap over members of ``lax.conv``, in JAX and optax."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _peers import Contender
from _peers_jax import JaxTraining

SHAPES = {"conv0": (3, 3, 3, 32), "conv1": (3, 3, 32, 64), "dense0": (4096, 256), "dense1": (256, 10)}


def init(key: jax.Array) -> Any:
    """He-normal weights and zero biases of one member."""
    keys = jax.random.split(key, len(SHAPES))
    return {
        name: {
            "w": jax.random.normal(k, shape) * np.sqrt(2 / np.prod(shape[:-1])),
            "b": jnp.zeros(shape[-1]),
        }
        for k, (name, shape) in zip(keys, SHAPES.items(), strict=True)
    }


def logits(params: Any, images: jax.Array) -> jax.Array:
    """Class scores of uint8 images, (n, 32, 32, 3)."""
    x = images.astype(jnp.float32) / 255
    for name in ("conv0", "conv1"):
        x = jax.lax.conv_general_dilated(
            x, params[name]["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.relu(x + params[name]["b"])
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = x.reshape(len(x), -1)
    x = jax.nn.relu(x @ params["dense0"]["w"] + params["dense0"]["b"])
    return x @ params["dense1"]["w"] + params["dense1"]["b"]


class VmapTraining(JaxTraining):
    """Training; every member draws its own batch, as trainings of different seeds do."""

    optimizer = staticmethod(optax.adam)

    def __init__(self, members: int, steps: int, batch_size: int):
        self._batch_size = batch_size
        images, labels = np.random.default_rng(1), np.random.default_rng(2)
        self._images = images.integers(0, 256, (50_000, 32, 32, 3), np.uint8)
        self._labels = labels.integers(0, 10, 50_000, np.int32)
        super().__init__(members, steps)

    def init(self, key: jax.Array) -> Any:
        """Parameters."""
        return init(key)

    def loss(self, params: Any, batch: Any) -> jax.Array:
        """Cross-entropy of a batch."""
        scores = logits(params, batch[0])
        return optax.softmax_cross_entropy_with_integer_labels(scores, batch[1]).mean()

    def batch(self, rng: np.random.Generator) -> Any:
        """Images and labels of every member."""
        index = rng.integers(0, len(self._labels), (self._members, self._batch_size))
        return jnp.asarray(self._images[index]), jnp.asarray(self._labels[index])


class VmapEvaluation(Contender):
    """Forward passes of all members over batches of the test set."""

    def __init__(self, members: int, batches: int, batch_size: int):
        self._work, self._batches = float(members * batches * batch_size), batches
        self._params = jax.jit(jax.vmap(init))(jax.random.split(jax.random.key(0), members))
        rng = np.random.default_rng(1)
        self._images = jnp.asarray(rng.integers(0, 256, (batch_size, 32, 32, 3), np.uint8))
        self._labels = jnp.asarray(rng.integers(0, 10, batch_size, np.int32))

        def score(params: Any, images: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
            scores = logits(params, images)
            loss = optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
            return loss, jnp.mean(scores.argmax(1) != labels)

        began = time.perf_counter()
        score = jax.jit(jax.vmap(score, in_axes=(0, None, None)))
        self._score = score.lower(self._params, self._images, self._labels).compile()
        self.compile_seconds = time.perf_counter() - began

    def measure(self) -> tuple[float, float]:
        """Images (of every member) and seconds of a turn."""
        began = time.perf_counter()
        for _ in range(self._batches):
            result = self._score(self._params, self._images, self._labels)
        jax.block_until_ready(result)
        return self._work, time.perf_counter() - began
