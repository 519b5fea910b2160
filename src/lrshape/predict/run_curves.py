"""From what was logged of a run to the LR of every step and the losses: gaps, resumes, late beginnings."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.candidates import LONGEST_WARMUP
from lrshape.predict.reader import Series
from lrshape.shapes.learning_rate_log import beyond

MOST_LOGGED = 50_000_000
"""Steps of a run: more are tokens or samples that were logged as steps."""

CONSTANT = 1e-3
"""Change of the LR from one logged step to the next, relative to the largest, up to which it is constant."""

SPARSE = 10
"""Ratio of the steps between LRs to those between losses from which the LRs may be logged at changes only."""

REGULAR, IRREGULAR = 1.1, 0.2
"""Ratio of a distance between LRs to the median one, and the share of those above it, up to which they are
logged at fixed steps."""

UNORDERED = 0.1
"""Share of rows that go back in steps from which a log is in no order; fewer are resumes."""


class Told(NamedTuple):
    """A note on a run; notes of one kind on several runs are told as one."""

    kind: str
    text: str


class UnusableRunError(InputError):
    """A run that cannot be read as a whole, for a reason of a kind; the other runs can."""

    def __init__(self, kind: str, text: str):
        super().__init__(text)
        self.kind = kind


def in_order(series: Series) -> tuple[Series, list[Told]]:
    """Return what was logged, without gaps, by steps that do not fall.

    Where a log goes back, because the run was resumed from a checkpoint or begun again, the rows of the
    attempt that goes on furthest count, and before its first step those of the attempt that it was resumed
    from: the one that comes nearest to that step.

    Raises:
        InputError: if a step is no whole number of at least 0, or too large.
    """
    logged = ~np.isnan(series.values) & np.isfinite(series.steps)
    steps, values = series.steps[logged], series.values[logged]
    if (wrong := (steps < 0) | (steps % 1 != 0)).any():
        hint = ": are they epochs?" if (steps[wrong] % 1 != 0).all() else ""
        raise InputError(f"steps must be whole numbers of at least 0, got {steps[wrong][0]:.15g}{hint}")
    if steps.max(initial=0) > MOST_LOGGED:
        raise InputError(
            f"its steps go to {steps.max():,.0f}, more than {MOST_LOGGED:,}: are they tokens or samples? Log "
            "optimizer steps, or divide by the tokens of a step"
        )
    change = np.diff(steps)
    back = change < 0
    notes = []
    if len(steps) > 2 and back.any() and (change <= 0).all():
        steps, values = steps[::-1], values[::-1]
        notes.append(Told("falls", "its steps fall: the rows are read from the last to the first"))
    elif back.sum() > max(2, UNORDERED * len(steps)):
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[order]
        notes.append(Told("unordered", "its rows are in no order: they are sorted by their steps"))
    elif back.any():
        rows = _history(steps, np.flatnonzero(back) + 1)
        at = int(back.argmax())
        notes.append(
            Told(
                "resumed",
                f"goes back from step {steps[at]:,.0f} to {steps[at + 1]:,.0f}: where rows overlap, those of "
                "the attempt that goes on furthest count (two runs in one file need a column run, and steps "
                "must count on from epoch to epoch)",
            )
        )
        steps, values = steps[rows], values[rows]
    return Series(steps, values), notes


def several_values(ordered: Series) -> str:
    """Tell that values differ at more than half of the steps, or return nothing.

    The rows are of several runs, of training and validation, of micro-batches or of several processes.
    """
    steps, values = ordered
    differ = (np.diff(steps) == 0) & ~np.isclose(values[1:], values[:-1], rtol=1e-6, atol=0)
    count, of = len(np.unique(steps[1:][differ])), len(np.unique(steps))
    if count <= max(2, of / 2):
        return ""
    at = int(differ.argmax())
    return (
        f"has two values at step {steps[at]:,.0f}, {values[at]:g} and {values[at + 1]:g}, and so at "
        f"{count:,} of {of:,} steps"
    )


def _history(steps: NDArray[np.float64], restarts: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows that lead to the furthest step, in order, of attempts that begin at these rows and at 0.

    Logs are joined in any order, so the earlier steps may stand behind the later ones.
    """
    begins = np.append(0, restarts)
    ends = np.append(restarts, len(steps))
    first, last = steps[begins], steps[ends - 1]
    attempt = len(last) - 1 - int(last[::-1].argmax())
    limit = np.inf
    rows: list[NDArray[np.intp]] = []
    while True:
        part = np.arange(begins[attempt], ends[attempt])
        rows.insert(0, part[steps[part] < limit])
        limit = first[attempt]
        reach = np.where(first < limit, np.minimum(last, limit), -1.0)
        if reach.max() < 0:
            return np.concatenate(rows)
        best = np.flatnonzero(reach == reach.max())
        attempt = int(best[np.abs(best - attempt).argmin()])


def merged(parts: list[Series]) -> Series:
    """Return several ordered logs of one thing as one, each step once: of several rows the last counts."""
    steps = np.concatenate([part.steps for part in parts])
    values = np.concatenate([part.values for part in parts])
    order = np.argsort(steps, kind="stable")
    steps, values = steps[order], values[order]
    last = np.append(np.diff(steps) > 0, True)
    return Series(steps[last], values[last])


def every_lr(
    rates: Series, last: int, usual: int | None = None, between: float = np.inf
) -> tuple[NDArray[np.float64], list[Told]]:
    """Return the LR of every step from step 0, shape ``(steps,)``, from an ordered log.

    An LR that is logged at step s is that of the step after s finished steps; if every step is logged, from
    1 on, it is that of the s-th step. A log of every k-th step from 0 on that ends one step before a multiple
    of k (0, 20, ..., 1980, 1999) ends with the last step. Between logged steps lie straight lines, but
    between two that differ where the LR is constant before and after it jumps, at the later one. Before the
    first, the line through the first two values goes on if it leads to the beginning within two intervals, or
    rises; else it is a linear warmup from 0. After the last, the line through the last two goes on, but where
    LRs are logged much less often than losses, and irregularly, only until the next loss.

    Args:
        rates: at least one, by rising steps.
        last: the last step at which a loss was logged.
        usual: the step at which other logs of the same origin begin: one that begins later was resumed.
        between: steps from one loss to the next.

    Raises:
        UnusableRunError: if an LR is not finite or below 0, there is only one, or the log begins ``late``.
    """
    steps, values = rates
    legal = np.isfinite(values) & (values >= 0)
    if not legal.all():
        raise UnusableRunError(
            "lr", f"learning rates must be finite and at least 0, got {values[~legal][0]:g}"
        )
    first, end = int(steps[0]), int(steps[-1])
    if len(steps) == 1:
        raise UnusableRunError("one lr", f"holds one learning rate, at step {first:,}: a curve needs two")
    is_dense = len(steps) == end - first + 1
    if is_dense and first == 1 and last <= end:
        return values, []
    gap = int(steps[1]) - first
    is_last_step = first == 0 and gap > 1 and end % gap == gap - 1
    count = max(last, end + (is_last_step or (is_dense and first == 0)))
    places = np.arange(count)
    lrs = np.interp(places, *_with_jumps(steps, values))
    notes, gaps, reach = [], np.diff(steps), np.inf
    if (usual_gap := np.median(gaps)) > SPARSE * between and np.ptp(values) > 0:
        text = f"its {len(steps):,} LRs lie {usual_gap:,.0f} steps apart, its losses {between:,.0f}"
        reach = between if np.mean(gaps > REGULAR * usual_gap) > IRREGULAR else np.inf
        stays = ", and the last one stays" if reach < np.inf and count - end > between else ""
        notes.append(Told("sparse", f"{text}: straight lines join the LRs{stays}"))
    if first > 0:
        lrs[:first], told = _before(steps, values, count, usual)
        notes += told
    if end + 1 < count:
        lrs[end + 1 :] = beyond(steps[:-3:-1], values[:-3:-1], np.minimum(places[end + 1 :], end + reach))
        if reach == np.inf and count - end > 2 * (steps[-1] - steps[-2]):
            text = f"its LRs end at step {end:,}: those to {count:,} go on along its last two values"
            notes.append(Told("lr ends", text))
    return lrs, notes


def _with_jumps(
    steps: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add the last step before each jump: schedules jump at round steps, which are those that are logged."""
    changes = np.abs(np.diff(values)) > CONSTANT * values.max()
    after = 2 + np.flatnonzero(changes[1:-1] & ~changes[:-2] & ~changes[2:])
    return np.insert(steps, after, steps[after] - 1), np.insert(values, after, values[after - 1])


def _before(
    steps: NDArray[np.float64], values: NDArray[np.float64], count: int, usual: int | None
) -> tuple[NDArray[np.float64], list[Told]]:
    first, gap = int(steps[0]), steps[1] - steps[0]
    if first <= 2 * gap:
        return beyond(steps[:2], values[:2], np.arange(first)), []
    if first > LONGEST_WARMUP * count or (usual is not None and first - usual > 2 * gap):
        raise UnusableRunError(
            "late", f"begins at step {first:,} of {count:,}, and the LRs before it are not known"
        )
    if values[1] > values[0]:
        text = f"begins at step {first:,}: the LRs before it lie on the line through its first two values"
        return beyond(steps[:2], values[:2], np.arange(first)), [Told("begins", text)]
    text = f"begins at step {first:,}: the LRs before it are taken as a linear warmup from 0"
    return values[0] * np.arange(1, first + 1) / first, [Told("warmup", text)]


def continued(parent: NDArray[np.float64], rates: Series) -> Series:
    """Return the LRs of a run from step 0 that was resumed from another, within one interval before its log.

    Args:
        parent: the other run's LR of every step.
        rates: its own, by rising steps.

    Raises:
        UnusableRunError: if the other run ends before, or its own steps count from 0 again.
    """
    first = int(rates.steps[0])
    gap = int(rates.steps[1]) - first if len(rates.steps) > 1 else 1
    if first <= gap and first < len(parent):  # nothing of the parent would be left
        raise UnusableRunError(
            "parent",
            f"its steps must count on from the step at which it was resumed, but begin at {first:,}: if they "
            "count from 0 again, add that step to them",
        )
    until = max(first - gap + 1, 0)
    if len(parent) < until - 1:
        raise UnusableRunError("parent", f"begins at step {first:,}, and that run ends at {len(parent):,}")
    until = min(until, len(parent))
    steps = np.append(np.arange(until, dtype=np.float64), rates.steps)
    return Series(steps, np.append(parent[:until], rates.values))
