"""What next runs cost, and which of them fit a limit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrshape.predict.candidates import moved, same
from lrshape.predict.next_runs import NextRun
from lrshape.predict.runs import Run
from lrshape.predict.suggestion import FARTHEST

Array = NDArray[np.float64]

ALIKE_LR = 0.02
"""Difference of LRs, relative to the highest, up to which a run may go on from another's checkpoint."""
EQUAL_LR = 1e-6
"""The same up to which LRs are equal but for rounding."""
NEARLY = 0.8
"""Equal steps count in place of those within `ALIKE_LR` where they are at least this share of them."""
LEAST_SHARED = 0.2
"""Share of its steps that a run must have in common with another to branch off from it."""


def affordable(
    wanted: Sequence[NextRun], runs: Sequence[Run], steps: int, limit: float | None
) -> tuple[NextRun, ...]:
    """Return the next runs with their costs, those that fit a limit together.

    A run that begins like another one, which is there or comes before it, costs only what follows. One that
    is there already is left out, unless it is the most important. Where no run fits, the first one is made
    shorter, down to the shortest that forecasts carry over from.

    Args:
        wanted: the next runs, the most important first.
        runs: those that there are.
        steps: of a full run.
        limit: full runs' worth of steps that they may cost in all; None for no limit.
    """
    left = np.inf if limit is None else limit
    chosen: list[NextRun] = []
    known = [(run.name, run.lrs) for run in runs]
    for run in wanted:
        priced = _priced(run, runs, known, steps)
        if not priced.cost and run is not wanted[0]:
            continue
        if priced.cost <= left * (1 + 1e-9):
            chosen.append(priced)
            known.append((run.name, run.schedule.values()))
            left -= priced.cost
    short = int(min(left, 1) * steps)
    if not chosen and wanted and short * FARTHEST >= steps:
        chosen.append(_shortened(wanted[0], short, steps))
    return tuple(chosen)


def _priced(run: NextRun, runs: Sequence[Run], known: Sequence[tuple[str, Array]], steps: int) -> NextRun:
    """The run with its cost, and from where it goes on."""
    lrs = run.schedule.values()
    for each in runs:
        if same(lrs, each.lrs):
            return run._replace(cost=0.0, reason=f"{run.reason}; {each.name} has trained it already")
    shared, name = max(((_shared(lrs, other), name) for name, other in known), default=(0, ""))
    if not LEAST_SHARED * len(lrs) <= shared < len(lrs):
        return run._replace(cost=len(lrs) / steps)
    new = len(lrs) - shared
    reason = f"{run.reason}; from a checkpoint of {name} after {shared:,} steps, only {new:,} are new"
    return run._replace(cost=new / steps, reason=reason)


def _shared(lrs: Array, other: Array) -> int:
    """How many steps two runs have in common.

    `ALIKE_LR` decides, because LRs that were read from a log are not exact. It also passes the first steps of
    a decay, so where the LRs are equal up to shortly before, the steps with equal LRs count.
    """
    count = min(len(lrs), len(other))
    distance = np.append(np.abs(lrs[:count] - other[:count]) / lrs.max(), np.inf)
    equal, alike = (int((distance > limit).argmax()) for limit in (EQUAL_LR, ALIKE_LR))
    return equal if equal >= NEARLY * alike else alike


def _shortened(run: NextRun, short: int, steps: int) -> NextRun:
    """The run over fewer steps; its base LR, which is best for more of them, is on the safe side."""
    reason = f"no full run fits the cost limit, so {run.name} over {short:,} of {steps:,} steps"
    return NextRun(run.name, moved(run.schedule, short), reason, short / steps)
