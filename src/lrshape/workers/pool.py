"""The loop that keeps workers busy, whatever they are."""

import abc
from collections.abc import Iterable, Iterator
from typing import Any

from lrshape.errors import InputError
from lrshape.workers.executor import Check, Report, Task
from lrshape.workers.process import PULSE, Answer
from lrshape.workers.work import Piece, Work

Event = tuple[Piece, Answer]
"""A piece, and what the worker that runs it says."""


class Pool(abc.ABC):
    """Workers that run one piece each."""

    @abc.abstractmethod
    def prepare(self, task: Task[Any, Any]) -> None:
        """Have workers run this task from now on.

        Raises:
            InputError: if it cannot be sent to them.
        """

    @abc.abstractmethod
    def has_room(self) -> bool:
        """Whether a worker is idle or can be started."""

    @abc.abstractmethod
    def start(self, piece: Piece) -> None:
        """Give a piece to a worker; called only where there is room."""

    @abc.abstractmethod
    def wait(self, seconds: float) -> list[Event]:
        """What the workers say, after waiting for it for some seconds at most.

        Raises:
            InputError: if workers cannot start.
        """

    @abc.abstractmethod
    def drop(self) -> None:
        """End the workers that run something."""

    @abc.abstractmethod
    def close(self) -> None:
        """End all workers."""


def run(
    pool: Pool, task: Task[Any, Any], items: Iterable[Any], report: Report, check: Check
) -> Iterator[tuple[Any, Any]]:
    """Run items on a pool's workers; see `Executor.run`."""
    work = Work(task, items)
    pool.prepare(task)
    try:
        _fill(pool, work)
        while work.unfinished:
            check()
            events = pool.wait(PULSE)
            errors = [error for event in events if (error := _heed(event, work)) is not None]
            if not errors:
                _fill(pool, work)  # before results are stored, so that no worker waits for the disk
            yield from work.completed()
            if errors:
                raise errors[0]
            for piece, answer in events:  # last, because this may end the run
                if answer.kind == "news" and piece.parent is None:
                    report(piece.item, answer.what)
    finally:
        pool.drop()


def _fill(pool: Pool, work: Work) -> None:
    while pool.has_room() and (piece := work.next()) is not None:
        pool.start(piece)


def _heed(event: Event, work: Work) -> Exception | None:
    """Note what happened to a piece; return what ends the run."""
    piece, (kind, what) = event
    if kind == "done":
        work.done(piece, what)
    elif kind == "died" and what.guilty:
        work.died(piece, what.reason, what.certain)
    elif kind == "died":
        work.returned(piece)
    elif kind == "refused":
        return InputError(f"a worker cannot import what it should train: {what}")
    elif kind == "raised":
        error, trace = what
        error.add_note(f"in a worker:\n{trace}")
        return error
    return None
