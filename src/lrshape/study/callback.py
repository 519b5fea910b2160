"""What a running study says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrshape.study.study import Study


@dataclass(frozen=True)
class Status:
    """Where a running study is; counts are trials.

    Attributes:
        phase: screen, rescore or confirm.
        planned: trials that the phase takes at most. It never grows; it shrinks when a race drops shapes, and
            to what was trained when the phase ends.
        done: trials of the phase that are stored; a share of the running chunk is added.
        rate: trials a second in this run, None while there is too little to tell; what comes before the
            first sign of progress (loading, compiling) does not count.
        diverged: trials of the phase that diverged or failed.
        best: lowest metric of any trial of the phase, None before the first.
    """

    phase: str
    planned: int
    done: float
    rate: float | None
    diverged: int
    best: float | None


class Callback:
    """Hears of a study's progress; this one is silent."""

    def started(self, directory: str, stored: int) -> None:
        """A run begins; ``stored`` chunks of trials are there from earlier runs."""

    def phase_begins(self, phase: str, announcement: str) -> None:
        """A phase begins; ``announcement`` says in a line what it does, or is empty."""

    def progress(self, status: Status) -> None:
        """Something was done; called a few times a second."""

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
        self._callbacks = callbacks

    def started(self, directory: str, stored: int) -> None:
        """A run begins."""
        for callback in self._callbacks:
            callback.started(directory, stored)

    def phase_begins(self, phase: str, announcement: str) -> None:
        """A phase begins."""
        for callback in self._callbacks:
            callback.phase_begins(phase, announcement)

    def progress(self, status: Status) -> None:
        """Something was done."""
        for callback in self._callbacks:
            callback.progress(status)

    def phase_done(self, status: Status) -> None:
        """A phase has all its trials."""
        for callback in self._callbacks:
            callback.phase_done(status)

    def finished(self, study: "Study") -> None:
        """The study is complete."""
        for callback in self._callbacks:
            callback.finished(study)
