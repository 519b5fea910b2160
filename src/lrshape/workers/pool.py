"""The loop that keeps workers busy, whatever they are."""

import abc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lrshape.workers.executor import Check, Report, Task
from lrshape.workers.work import Piece, Work

PULSE = 0.2
"""Seconds between two looks at the time limit, and at workers that end without a word."""


@dataclass(frozen=True)
class News:
    """A task reports."""

    piece: Piece
    news: Any


@dataclass(frozen=True)
class Done:
    """A piece has its result."""

    piece: Piece
    result: Any


@dataclass(frozen=True)
class Raised:
    """A task raised, which ends the run."""

    error: BaseException


@dataclass(frozen=True)
class Died:
    """A worker died while it ran a piece.

    Attributes:
        piece: what it ran.
        reason: how it ended, in words.
        guilty: False if something else than the piece ended it.
        certain: whether the piece would end the next one, too.
    """

    piece: Piece
    reason: str
    guilty: bool = True
    certain: bool = False


Event = News | Done | Raised | Died


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
        """What happened, after waiting for it for some seconds at most.

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
            for event in events:
                _heed(event, work)
            errors = [event.error for event in events if isinstance(event, Raised)]
            if not errors:
                _fill(pool, work)  # before results are stored, so that no worker waits for the disk
            yield from work.completed()
            if errors:
                raise errors[0]
            for event in events:  # last, because this may end the run
                if isinstance(event, News) and event.piece.parent is None:
                    report(event.piece.item, event.news)
    finally:
        pool.drop()


def _fill(pool: Pool, work: Work) -> None:
    while pool.has_room() and (piece := work.next()) is not None:
        pool.start(piece)


def _heed(event: Event, work: Work) -> None:
    match event:
        case Done(piece, result):
            work.done(piece, result)
        case Died(piece, reason, True, certain):
            work.died(piece, reason, certain)
        case Died(piece):
            work.returned(piece)
        case _:
            pass
