"""Independent, uniform points."""

import numpy as np

from lrshape.procedure.sampler import SAMPLERS, Points, SequenceSampler


@SAMPLERS.register("random")
class Random(SequenceSampler):
    """Independent, uniform points from the PCG64 generator."""

    def sequence(self, dimensions: int, seed: int, start: int, count: int) -> Points:
        """Return points ``start`` to ``start + count``."""
        # A double takes one draw of 64 bits, so that skipping points is skipping draws.
        bits = np.random.PCG64(seed).advance(start * dimensions)
        return np.random.Generator(bits).random((count, dimensions))
