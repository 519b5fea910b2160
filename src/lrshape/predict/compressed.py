"""A schedule as the stretches between its LR's changes, so that it costs what its changes cost."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1 / 128
"""Change of the LR, relative to the largest, up to which steps share a stretch."""

HOLD = 1 / 500
"""Share of a schedule from which steps with one LR are a stretch of their own, whatever is around them."""


@dataclass(frozen=True, eq=False)
class Stretches:
    """A schedule of piecewise constant LR, in any units of time and of LR.

    Attributes:
        start: when each stretch starts, ``(stretches,)``; the first at 0.
        end: when it ends; the next starts there.
        lr: its LR, the mean of its steps' LRs, so that sums of LRs are kept.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    lr: NDArray[np.float64]

    def scaled(self, steps: float, lr: float) -> "Stretches":
        """Return the same schedule in units of so many steps and of such an LR."""
        return Stretches(self.start / steps, self.end / steps, self.lr / lr)

    def index(self, times: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return which stretch each time lies in, ``(k,)``; the time between two belongs to the earlier."""
        return np.minimum(np.searchsorted(self.end, times, side="left"), len(self.lr) - 1)

    def clock(
        self, rate: NDArray[np.float64], times: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a clock that runs at ``rate`` in each stretch: when stretches start, and at ``times``."""
        started = np.concatenate([[0.0], np.cumsum(rate * (self.end - self.start))])[:-1]
        here = self.index(times)
        return started, started[here] + rate[here] * (times - self.start[here])


def compress(lrs: NDArray[np.float64], tolerance: float = TOLERANCE) -> Stretches:
    """Return the stretches of a schedule.

    A new stretch starts wherever the LR has changed, in all, by another ``tolerance`` of the largest LR, and
    at both ends of a hold. Schedules that are constant but for jumps are kept exactly; a cosine from the peak
    to 0 has 128 stretches at the default, whatever its length, which changes predicted losses by less than
    3e-4 of the loss.

    Args:
        lrs: the LR of every step, ``(steps,)``.
        tolerance: in (0, 1].
    """
    steps = len(lrs)
    change = np.abs(np.diff(lrs, prepend=lrs[:1]))
    level = np.floor(np.cumsum(change) / (tolerance * lrs.max()))
    starts = np.diff(level, prepend=-1.0) > 0
    edges = np.concatenate([[0], np.flatnonzero(change), [steps]])
    holds = np.flatnonzero(np.diff(edges) > max(HOLD * steps, 1))
    starts[np.concatenate([edges[holds], edges[holds + 1]]) % steps] = True  # the end of the last is no start
    start = np.flatnonzero(starts)
    end = np.append(start[1:], steps)
    sums = np.concatenate([[0.0], np.cumsum(lrs)])
    return Stretches(start.astype(float), end.astype(float), (sums[end] - sums[start]) / (end - start))
