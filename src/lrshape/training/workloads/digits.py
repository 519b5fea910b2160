"""scikit-learn's handwritten digits: 1,797 images of 8 x 8 pixels, embedded in that package."""

from __future__ import annotations

import abc
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from lrshape.training.workload import WORKLOADS, Batch, GradientWorkload, Metrics, PyTree

if TYPE_CHECKING:
    import jax

    from lrshape.training.network import Params

TRAIN_EXAMPLES = 1437  # the other 360, a fifth, are the test set
Width = Annotated[int, Field(ge=1)]


@cache
def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The data, shuffled once with a fixed seed: ``train`` 1,437 and ``test`` 360 examples.

    Images are float32 in [0, 1] of shape (n, 64), labels int32 of shape (n,).
    """
    package = find_spec("sklearn")  # importing it takes a second
    assert package is not None
    assert package.origin is not None
    table = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    table = table[np.random.default_rng(0).permutation(len(table))]
    images, labels = (table[:, :64] / 16).astype(np.float32), table[:, 64].astype(np.int32)
    split = TRAIN_EXAMPLES
    return {"train": (images[:split], labels[:split]), "test": (images[split:], labels[split:])}


class _Digits(GradientWorkload):
    steps: int = Field(default=300, ge=1, le=100_000_000, description="training steps")

    def scores(self) -> tuple[str, ...]:
        """Loss (nats) and error (share of examples) on the whole training set and the whole test set."""
        return ("train_loss", "train_error", "test_loss", "test_error")

    def data(self) -> PyTree:
        """Training and test set."""
        return digits()

    @abc.abstractmethod
    def logits(self, params: Params, images: jax.Array) -> jax.Array:
        """Class scores, (n, 10), of images, (n, 64)."""

    def loss(self, params: PyTree, batch: Batch, key: jax.Array | None) -> jax.Array:
        """Mean cross-entropy of a batch, in nats."""
        from lrshape.training import network

        images, labels = batch
        return network.cross_entropy(self.logits(params, images), labels)

    def metrics(self, state: PyTree, data: PyTree) -> Metrics:
        """Loss and error on both sets."""
        from lrshape.training import network

        values = {}
        for split, (images, labels) in data.items():
            logits = self.logits(state, images)
            values[f"{split}_loss"] = network.cross_entropy(logits, labels)
            values[f"{split}_error"] = network.error_rate(logits, labels)
        return values


@WORKLOADS.register("digits-mlp")
class DigitsMLP(_Digits):
    """A ReLU network on the digits: 64 - 128 - 128 - 10 by default, Adam, batch 32, 300 steps."""

    hidden: tuple[Width, ...] = Field(default=(128, 128), description="widths of the hidden layers")

    def init(self, key: jax.Array, data: PyTree) -> Params:
        """He-normal weights, zero biases."""
        import jax

        from lrshape.training import network

        sizes = (64, *self.hidden, 10)
        names = [*(f"dense{i}" for i in range(len(self.hidden))), "output"]
        keys = jax.random.split(key, len(names))
        layers = zip(names, keys, pairwise(sizes), strict=True)
        return {name: network.dense_init(key, *pair) for name, key, pair in layers}

    def logits(self, params: Params, images: jax.Array) -> jax.Array:
        """Class scores."""
        import jax

        x = images
        for i in range(len(self.hidden)):
            x = jax.nn.relu(x @ params[f"dense{i}"]["w"] + params[f"dense{i}"]["b"])
        return x @ params["output"]["w"] + params["output"]["b"]


@WORKLOADS.register("digits-cnn")
class DigitsCNN(_Digits):
    """A small CNN on the digits: two 3 x 3 convolutions with ReLU and 2 x 2 pooling, then a dense layer."""

    filters: tuple[Width, Width] = Field(default=(16, 32), description="filters of the two convolutions")

    def tune(self) -> None:
        """Choose the device's faster convolution."""
        from lrshape.training import network

        network.tune()

    def init(self, key: jax.Array, data: PyTree) -> Params:
        """He-normal weights, zero biases."""
        import jax

        from lrshape.training import network

        first, second = self.filters
        keys = jax.random.split(key, 3)
        return {
            "conv0": network.conv_init(keys[0], 1, first),
            "conv1": network.conv_init(keys[1], first, second),
            "output": network.dense_init(keys[2], second * 2 * 2, 10),
        }

    def logits(self, params: Params, images: jax.Array) -> jax.Array:
        """Class scores."""
        from lrshape.training import network

        x = images.T.reshape(1, 8, 8, -1)
        for layer in ("conv0", "conv1"):
            x = network.relu_max_pool2(network.conv3x3(params[layer], x))
        return x.reshape(-1, x.shape[-1]).T @ params["output"]["w"] + params["output"]["b"]
