"""What a running study says, and how it is counted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.direction import Direction, as_losses, measured
from lrshape.analysis.scores import metric_values

if TYPE_CHECKING:
    from lrshape.study.study import Study


ROUNDING = 1e-6
"""Of the trials in a sum of shares."""


@dataclass(frozen=True)
class Status:
    """Where a running study is; counts are trials.

    Attributes:
        phase: screen, rescore, tune or confirm; of a check, its name.
        planned: trials that the phase takes at most. It never grows; it shrinks when a race drops shapes, at
            the last look of the confirm phase, and to what was trained when the phase ends.
        after: trials that the phases after it take at most.
        done: number of trials finished in this phase, including the finished fraction of chunks that are
            still running.
        rate: trials a second in this run, None while there is too little to tell; what comes before the
            first sign of progress (loading, compiling) does not count.
        diverged: trials of the phase that diverged or failed.
        best: best metric of any trial of the phase, infinite if none is finite; None before the first.
    """

    phase: str
    planned: int
    after: int
    done: int
    rate: float | None
    diverged: int
    best: float | None


class Callback:
    """Base class for callbacks; its methods do nothing. Override those that you need."""

    def started(self, directory: str, stored: int) -> None:
        """A run begins; ``stored`` chunks of trials are there from earlier runs."""

    def announced(self, plan: str) -> None:
        """Before the first trial: ``plan`` says in a line how many trials the study and its phases take."""

    def phase_begins(self, phase: str, announcement: str) -> None:
        """A phase begins; ``announcement`` says in a line what it does, or is empty."""

    def progress(self, status: Status) -> None:
        """More trials are done than at the last call: one call a step, with more ``done`` each time."""

    def phase_done(self, status: Status) -> None:
        """A phase has all its trials."""

    def finished(self, study: "Study") -> None:
        """The study is complete, and its report is written."""


class Callbacks(Callback):
    """Several callbacks as one.

    Args:
        callbacks: those that hear, in this order.
    """

    def __init__(self, *callbacks: Callback):
        for event in vars(Callback):
            if not event.startswith("_"):
                setattr(self, event, partial(_tell, callbacks, event))


def _tell(callbacks: Sequence[Callback], event: str, *told: Any) -> None:
    for callback in callbacks:
        getattr(callback, event)(*told)


class Tally:
    """Counts what a phase has done, and keeps the best value of the metric."""

    def __init__(
        self,
        phase: str,
        metric: str,
        direction: Direction,
        speed: "Speed",
        at_most: int | None,
        after: int = 0,
    ):
        self._phase, self._speed, self._at_most, self._after = phase, speed, at_most, after
        self._metric = metric
        self._direction: Direction = direction
        self._planned = self._done = self._bad = self._told = 0
        self._lowest: float | None = None

    def plan(self, trials: int, left: int | None) -> None:
        """A round of trials is planned.

        Args:
            trials: how many.
            left: how many may follow at most, None if that is unknown.
        """
        self._planned += trials
        if left is not None and self._at_most is not None:
            self._at_most = min(self._at_most, self._planned + left)

    def finish(self) -> Status:
        """The phase has ended: no more trials come."""
        self._at_most = self._planned
        return self.status()

    def add(self, table: pd.DataFrame) -> None:
        """A chunk is stored."""
        self._done += len(table)
        self._bad += int(np.sum(table["status"] != "ok"))
        losses = as_losses(table, self._metric, self._direction)
        lowest = float(np.min(metric_values(losses, self._metric)))
        self._lowest = lowest if self._lowest is None else min(self._lowest, lowest)

    def news(self, running: float = 0.0, bad: int = 0) -> Status | None:
        """Where the phase is; None if no more trials are done than when this was last asked.

        Args:
            running: trials done in chunks that run, where parts of trials count as such.
            bad: those of them that diverged or failed.
        """
        status = self.status(running, bad)
        if status.done <= self._told:
            return None
        self._told = status.done
        return status

    def status(self, running: float = 0.0, bad: int = 0) -> Status:
        """Where the phase is; arguments as of `news`."""
        return Status(
            phase=self._phase,
            planned=self._planned if self._at_most is None else self._at_most,
            after=self._after,
            done=min(self._done + int(running + ROUNDING), self._planned),
            rate=self._speed.rate(running),
            diverged=self._bad + bad,
            best=None if self._lowest is None else measured(self._lowest, self._direction),
        )


class Speed:
    """Trials a second, from the first sign of progress on."""

    def __init__(self) -> None:
        self.trained = 0
        self._start: tuple[float, float] | None = None

    def rate(self, running: float) -> float | None:
        """Trials a second; None while there is too little to tell.

        Args:
            running: trials done in chunks that run.
        """
        now, trained = time.monotonic(), self.trained + running
        if self._start is None:
            if trained:
                self._start = (now, trained)
            return None
        elapsed = now - self._start[0]
        return (trained - self._start[1]) / elapsed if elapsed > 1 and trained > self._start[1] else None
