"""How a search that does not confirm for itself is given a winner: a race of its best candidates."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrshape.procedure.trial import FIRST_SEED

SEARCHING = 0.75
"""Share of a peer's trials that search; the others race the best candidates."""

TOP = 12
"""Candidates of a peer's race."""


def race(candidates: int, trials: int, losses: Callable[[NDArray[np.intp], int], NDArray[np.float64]]) -> int:
    """Successive halving by the mean over fresh seeds, the same for all that are left; the best one.

    Args:
        candidates: their number.
        trials: to be spent on them.
        losses: trains some of them, by their indices, on one seed index.

    Source: Karnin, Koren & Somekh, "Almost optimal exploration in multi-armed bandits" (2013).
    """
    chosen, sums = np.arange(candidates), np.zeros(candidates)
    left, seed = trials, FIRST_SEED["rescore"]
    for rounds in range(math.ceil(math.log2(candidates)), 0, -1):
        seeds = left // rounds // len(chosen)
        for _ in range(seeds):
            sums += losses(chosen, seed)
            seed += 1
        left -= seeds * len(chosen)
        kept = np.argsort(sums, kind="stable")[: (len(chosen) + 1) // 2]
        chosen, sums = chosen[kept], sums[kept]
    return int(chosen[0])
