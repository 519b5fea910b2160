"""A network's matrix products and nothing else: what bounds the speed of lrshape's engine on CPUs."""

import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from _peers import Contender
from jax.sharding import PartitionSpec as P

from lrshape.training.devices import mesh
from lrshape.training.network import CPU_CHUNK

Product = tuple[int, tuple[int, ...], tuple[int, ...], int, int]
"""How often a step takes it, the shapes of the two matrices, and which axis of each is summed over."""


class Products(Contender):
    """The products of a training step, of one model a device; the matrices are there already."""

    def __init__(self, products: Sequence[Product], steps: int):
        """``steps`` is how many model-steps each device takes in a turn."""
        devices = mesh()
        self._steps = steps * devices.size

        def product(scale: jax.Array, of: Product) -> jax.Array:
            times, left, right, of_left, of_right = of
            a, b = jnp.ones(left), jnp.ones(right)

            def again(_: int, scale: jax.Array) -> jax.Array:
                pair = (a * scale, b) if a.size < b.size else (a, b * scale)
                out = jax.lax.dot_general(*pair, (((of_left,), (of_right,)), ((), ())))
                return 1 + 0 * out[0, 0]  # makes each wait for the one before: XLA keeps 0 * x, perhaps NaN

            return jax.lax.fori_loop(0, times, again, scale)

        def turn(scale: jax.Array) -> jax.Array:
            def step(_: int, scale: jax.Array) -> jax.Array:
                for of in products:
                    scale = product(scale, of)
                return scale

            return jax.lax.fori_loop(0, steps, step, scale[0])[None]

        spread = P("members")
        run = jax.jit(jax.shard_map(turn, mesh=devices, in_specs=spread, out_specs=spread, check_vma=False))
        self._scale = jnp.ones(devices.size)
        began = time.perf_counter()
        self._run = run.lower(self._scale).compile()
        self.compile_seconds = time.perf_counter() - began

    def measure(self) -> tuple[float, float]:
        """Model-steps of a turn, and the seconds they took."""
        began = time.perf_counter()
        self._run(self._scale).block_until_ready()
        return float(self._steps), time.perf_counter() - began


def cifar10(batch_size: int, steps: int) -> Products:
    """Those of the CNN: of two convolutions over gathered patches, and of the first dense layer."""
    chunks = batch_size // CPU_CHUNK
    found: list[Product] = []
    for filters, patch, pixels in ((32, 27, 1024 * CPU_CHUNK), (64, 288, 256 * CPU_CHUNK)):
        weights, patches, gradient = (filters, patch), (patch, pixels), (filters, pixels)
        found += [(chunks, weights, patches, 1, 0), (chunks, gradient, patches, 1, 1)]
    found.append((chunks, weights, gradient, 0, 0))  # the first convolution needs no gradient of its input
    features, weights, gradient = (4096, batch_size), (4096, 256), (batch_size, 256)
    found += [(1, features, weights, 0, 0), (1, features, gradient, 1, 0), (1, weights, gradient, 1, 1)]
    return Products(found, steps)
