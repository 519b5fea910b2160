"""What a running study says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrshape.study.study import Study


@dataclass(frozen=True)
class Status:
    """Where a running study is; counts are trainings.

    Attributes:
        phase: screen, rescore or confirm.
        planned: trainings of the phase that are planned so far; a screen plans more where it extends grids.
        done: trainings of the phase that are stored; a share of the running chunk is added.
        rate: trainings a second in this run, None while there is too little to tell; what comes before the
            first sign of progress (loading, compiling) does not count.
        diverged: trainings of the phase that diverged or failed.
        best: lowest objective of any training of the phase, None before the first.
    """

    phase: str
    planned: int
    done: float
    rate: float | None
    diverged: int
    best: float | None


class Listener:
    """Hears of a study's progress; this one is silent."""

    def started(self, directory: str, stored: int) -> None:
        """A run begins; ``stored`` chunks of trainings are there from earlier runs."""

    def phase_begins(self, phase: str, announcement: str) -> None:
        """A phase begins; ``announcement`` says in a line what it does, or is empty."""

    def progress(self, status: Status) -> None:
        """Something was done; called a few times a second."""

    def phase_done(self, status: Status) -> None:
        """A phase has all its trainings."""

    def finished(self, study: "Study") -> None:
        """The study is complete, and its report is written."""


class Listeners(Listener):
    """Several listeners as one.

    Args:
        listeners: those that hear, in this order.
    """

    def __init__(self, *listeners: Listener):
        self._listeners = listeners

    def started(self, directory: str, stored: int) -> None:
        """A run begins."""
        for listener in self._listeners:
            listener.started(directory, stored)

    def phase_begins(self, phase: str, announcement: str) -> None:
        """A phase begins."""
        for listener in self._listeners:
            listener.phase_begins(phase, announcement)

    def progress(self, status: Status) -> None:
        """Something was done."""
        for listener in self._listeners:
            listener.progress(status)

    def phase_done(self, status: Status) -> None:
        """A phase has all its trainings."""
        for listener in self._listeners:
            listener.phase_done(status)

    def finished(self, study: "Study") -> None:
        """The study is complete."""
        for listener in self._listeners:
            listener.finished(study)
