"""Scrambled Sobol' points."""

from scipy.stats import qmc

from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS, Points, SequenceSampler
from lrshape.procedure.sobol_points import sobol_points


@SAMPLERS.register("sobol")
class Sobol(SequenceSampler):
    """Scrambled Sobol' points: evenly spread, best so in numbers that are powers of two.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing points" (1998), as in ``scipy.stats.qmc.Sobol``.
    """

    def start(self, dimensions: int, seed: int) -> None:
        """Keep nothing; there are limits to what the direction numbers cover."""
        if dimensions > qmc.Sobol.MAXDIM:
            raise InputError(f"sobol has at most {qmc.Sobol.MAXDIM} dimensions, got {dimensions}")

    def sequence(self, dimensions: int, seed: int, start: int, count: int) -> Points:
        """Return points ``start`` to ``start + count``."""
        return sobol_points(dimensions, seed, start, count)
