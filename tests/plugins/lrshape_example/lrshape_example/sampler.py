"""A Kronecker sequence."""

import numpy as np

from lrshape.procedure.sampler import SAMPLERS, Points, SequenceSampler


@SAMPLERS.register("kronecker")
class Kronecker(SequenceSampler):
    """Multiples of irrational steps, modulo 1, from a random start."""

    def start(self, dimensions: int, seed: int) -> None:
        """Keep nothing."""
        return

    def sequence(self, dimensions: int, seed: int, start: int, count: int) -> Points:
        """Return points ``start`` to ``start + count``."""
        steps = np.sqrt(np.arange(2, 2 + dimensions) + 0.1) % 1
        index = np.arange(start + 1, start + count + 1)[:, None]
        return (np.random.default_rng(seed).random(dimensions) + index * steps) % 1
