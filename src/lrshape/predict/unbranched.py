"""One schedule for several horizons, of a user who cannot go back to a checkpoint and branch off."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lrshape.predict.continuations import Continuation, continuations
from lrshape.predict.horizons import Unbranched
from lrshape.predict.live_forecasts import Forecasts

Array = NDArray[np.float64]


def unbranched(prefix: Array, best: Sequence[Array], laws: Forecasts) -> tuple[Unbranched, ...]:
    """Return schedules that are run whatever the horizon, by rising largest regrets: the best of each way.

    They are decays to the last horizon, and decays to a part of the LR by an earlier one that stay there.

    Args:
        prefix: LRs of the steps that are done.
        best: by rising horizons, LRs of the best way to each, ``(steps,)``.
        laws: what forecasts.
    """
    horizons = [len(lrs) for lrs in best]
    least = np.concatenate([laws.losses([lrs]) for lrs in best])
    found = []
    for group in _groups(len(prefix), horizons):
        ranked = []
        for each in group:
            lrs = each.lrs(prefix)
            losses = np.concatenate([laws.losses([lrs[:steps]]) for steps in horizons])
            ranked.append(Unbranched(each, tuple((losses - least).tolist())))
        found.append(min(ranked, key=_worst))
    return tuple(sorted(found, key=_worst))


def _worst(each: Unbranched) -> float:
    return max(each.regrets)


def _groups(from_step: int, horizons: Sequence[int]) -> Iterator[list[Continuation]]:
    last = horizons[-1]
    for way in ("linear to 0", "1-sqrt to 0", "cosine to 10%"):
        yield continuations(way, from_step, last)[::2]
    for steps in horizons[:-1]:
        yield [
            each._replace(then=last - steps) for each in continuations("linear to 10%", from_step, steps)[::2]
        ]
