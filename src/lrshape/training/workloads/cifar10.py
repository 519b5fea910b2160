"""CIFAR-10 (Krizhevsky, 2009) with the small CNN of arXiv:2603.10301."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from lrshape.training.workload import WORKLOADS, Batch, GradientWorkload, Metrics, PyTree

if TYPE_CHECKING:
    import jax

    from lrshape.training.network import Params

EVALUATION_IMAGES = 400
"""Images scored at once; it divides both sets."""


@cache
def _cifar10(data_dir: str | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from lrshape.training.data.cifar10 import load

    return load(data_dir)


@WORKLOADS.register("cifar10-cnn")
class Cifar10CNN(GradientWorkload):
    """A CNN on CIFAR-10: two 3 x 3 convolutions (32, 64) with ReLU and pooling, dense 256, dense 10.

    1,070,794 parameters, He-normal weights, zero biases; pixels / 255, no augmentation; Adam, batch 128.
    """

    base_lrs = (1e-4, 1e-2)
    max_members = 64

    steps: int = Field(default=2000, ge=1, le=100_000_000, description="training steps")
    batch_size: int = Field(default=128, ge=1, description="images per step")
    data_dir: str | None = Field(
        default=None,
        description="folder of the binary version, or its parent; none: $LRSHAPE_DATA, else download it",
    )
    train_images: int = Field(
        default=10_000,
        ge=EVALUATION_IMAGES,
        le=50_000,
        multiple_of=EVALUATION_IMAGES,
        description="number of training images for the train metrics, from the first",
    )
    test_images: int = Field(
        default=10_000,
        ge=EVALUATION_IMAGES,
        le=10_000,
        multiple_of=EVALUATION_IMAGES,
        description="number of test images for the test metrics, from the first",
    )

    def scores(self) -> tuple[str, ...]:
        """Loss (nats) and error (share) on the first ``train_images`` and ``test_images`` of the sets."""
        return ("train_loss", "train_error", "test_loss", "test_error")

    def data(self) -> PyTree:
        """Both sets: images uint8 (n, 3, 32, 32) and labels int32 (n,)."""
        return _cifar10(self.data_dir)

    def tune(self) -> None:
        """Choose the device's faster convolution."""
        from lrshape.training import network

        network.tune()

    def init(self, key: jax.Array, data: PyTree) -> Params:
        """He-normal weights, zero biases."""
        import jax

        from lrshape.training import network
        from lrshape.training.data.cifar10 import CLASSES

        keys = jax.random.split(key, 4)
        return {
            "conv0": network.conv_init(keys[0], 3, 32),
            "conv1": network.conv_init(keys[1], 32, 64),
            "dense": network.dense_init(keys[2], 64 * 8 * 8, 256),
            "output": network.dense_init(keys[3], 256, CLASSES),
        }

    def logits(self, params: Params, images: jax.Array) -> jax.Array:
        """Class scores, (n, 10), of uint8 images, (n, 3, 32, 32)."""
        import jax

        from lrshape.training import network

        def features(images: jax.Array) -> jax.Array:
            x = images.transpose(1, 2, 3, 0).astype(params["conv0"]["w"].dtype) / 255
            for layer in ("conv0", "conv1"):
                x = network.relu_max_pool2(network.conv3x3(params[layer], x))
            return x.reshape(-1, x.shape[-1])

        x = network.in_chunks(features, images).T
        x = jax.nn.relu(x @ params["dense"]["w"] + params["dense"]["b"])
        return x @ params["output"]["w"] + params["output"]["b"]

    def loss(self, params: PyTree, batch: Batch, key: jax.Array | None) -> jax.Array:
        """Mean cross-entropy of a batch, in nats."""
        from lrshape.training import network

        images, labels = batch
        return network.cross_entropy(self.logits(params, images), labels)

    def metrics(self, state: PyTree, data: PyTree) -> Metrics:
        """Loss and error on both sets."""
        import jax
        import jax.numpy as jnp

        from lrshape.training import network

        values = {}
        for split, (images, labels) in data.items():
            count = self.train_images if split == "train" else self.test_images
            chunks = (
                images[:count].reshape(-1, EVALUATION_IMAGES, *images.shape[1:]),
                labels[:count].reshape(-1, EVALUATION_IMAGES),
            )

            def score(chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
                logits = self.logits(state, chunk[0])
                return network.cross_entropy(logits, chunk[1]), network.error_rate(logits, chunk[1])

            losses, errors = jax.lax.map(score, chunks)
            values[f"{split}_loss"], values[f"{split}_error"] = jnp.mean(losses), jnp.mean(errors)
        return values
