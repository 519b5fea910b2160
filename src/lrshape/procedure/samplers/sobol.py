"""Scrambled Sobol' points; they are also the first points of other samplers."""

import numpy as np

from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS, Points, SequenceSampler


@SAMPLERS.register("sobol")
class Sobol(SequenceSampler):
    """Scrambled Sobol' points: evenly spread, best so in numbers that are powers of two.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing points" (1998), as in ``scipy.stats.qmc.Sobol``.
    """

    def start(self, dimensions: int, seed: int) -> None:
        """Keep nothing; there are limits to what the direction numbers cover."""
        from scipy.stats import qmc  # slow to import

        if dimensions > qmc.Sobol.MAXDIM:
            raise InputError(f"sobol has at most {qmc.Sobol.MAXDIM} dimensions, got {dimensions}")

    def sequence(self, dimensions: int, seed: int, start: int, count: int) -> Points:
        """Return points ``start`` to ``start + count``."""
        return sobol_points(dimensions, seed, start, count)


def sobol_points(dimensions: int, seed: int, start: int, count: int) -> Points:
    """Points ``start`` to ``start + count`` of the sequence of a seed.

    Raises:
        InputError: if they are beyond the sequence's end.
    """
    from scipy.stats import qmc  # slow to import

    if dimensions == 0 or count == 0:
        return np.zeros((count, dimensions))
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    if start + count > engine.maxn:
        raise InputError(f"sobol has {engine.maxn} points, got a request for {start + count}")
    if start > 0:
        engine.fast_forward(start)
        return engine.random(count)
    # The first point is drawn alone: SciPy warns when a first draw is not a power of two, but who asks
    # for points one after another cannot always choose.
    return np.concatenate([engine.random(1), engine.random(count - 1)])
