"""Counts what a run has done."""

import time

import numpy as np
import pandas as pd

from lrshape.study.callback import Status


class Tally:
    """Counts what a phase has done."""

    def __init__(self, phase: str, speed: "Speed", at_most: int | None):
        self._phase, self._speed, self._at_most = phase, speed, at_most
        self._planned = self._done = self._bad = 0
        self._best: float | None = None

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

    def add(self, table: pd.DataFrame, metric: str) -> None:
        """A chunk is stored."""
        self._done += len(table)
        self._bad += int(np.sum(table["status"] != "ok"))
        lowest = float(np.min(table[metric]))
        self._best = lowest if self._best is None else min(self._best, lowest)

    def status(self, running: float = 0.0, bad: int = 0) -> Status:
        """Where the phase is.

        Args:
            running: trials done in chunks that run.
            bad: those of them that diverged or failed.
        """
        return Status(
            phase=self._phase,
            planned=self._planned if self._at_most is None else self._at_most,
            done=min(self._done + running, self._planned),
            rate=self._speed.rate(running),
            diverged=self._bad + bad,
            best=self._best,
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
