"""The CIFAR-10 CNN against the same network in XLA's own operations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training.workloads.cifar10 import Cifar10CNN


@pytest.fixture(scope="module")
def params():
    return Cifar10CNN().init(jax.random.key(0), None)


def plain_logits(params, images):
    x = images.astype(jnp.float32) / 255
    for name, channels in (("conv0", 3), ("conv1", 32)):
        kernels = params[name]["w"].reshape(-1, 3, 3, channels)
        x = jax.lax.conv_general_dilated(
            x, kernels, (1, 1), "SAME", dimension_numbers=("NCHW", "OHWI", "NCHW")
        )
        x = jax.nn.relu(x + params[name]["b"][:, None, None])
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = x.reshape(len(x), -1)
    x = jax.nn.relu(x @ params["dense"]["w"] + params["dense"]["b"])
    return x @ params["output"]["w"] + params["output"]["b"]


def test_number_of_parameters(params):
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 1_070_794


@pytest.mark.parametrize("count", [5, 16, 37])  # fewer than a chunk, a chunk, and chunks with a rest
def test_scores_are_those_of_the_plain_network(params, count):
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 32, 32), np.uint8)
    ours, plain = Cifar10CNN().logits(params, images), plain_logits(params, images)
    np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-4)


def test_metrics_are_those_of_the_first_images(params):
    rng = np.random.default_rng(0)
    data = {
        split: (rng.integers(0, 256, (800, 3, 32, 32), np.uint8), rng.integers(0, 10, 800).astype(np.int32))
        for split in ("train", "test")
    }
    found = Cifar10CNN(train_images=400, test_images=800).metrics(params, data)
    for split, count in (("train", 400), ("test", 800)):
        images, labels = data[split]
        wrong = plain_logits(params, images[:count]).argmax(1) != labels[:count]
        assert float(found[f"{split}_error"]) == pytest.approx(float(wrong.mean()), abs=0.003)


def test_images_are_scored_by_the_hundred():
    with pytest.raises(InputError, match="multiple of 400"):
        Cifar10CNN(train_images=1000)
