"""The loop that keeps workers busy, whatever they are: with items, and the parts of those that kill them."""

import abc
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lrshape.errors import InputError
from lrshape.workers.executor import Check, Report, Task
from lrshape.workers.process import PULSE, Answer

MAX_DEATHS = 3
"""Workers that a smallest item may kill before it has failed: others die of what is not its fault."""

BEFORE_SPLIT = 2
"""Workers that an item may kill before it is split; a part is split after the first."""


@dataclass(eq=False)
class Piece:
    """An item, or a part of one.

    Attributes:
        item: what to run.
        parent: the piece that it is a part of, None for a whole item.
        deaths: workers that died while they ran it.
        results: of its parts, by their place, as far as they are known.
        parts: how many parts it was split into; 0 while it is whole.
        place: among the parts of its parent.
    """

    item: Any
    parent: "Piece | None" = None
    place: int = 0
    deaths: int = 0
    parts: int = 0
    results: dict[int, Any] = field(default_factory=dict)


class Work:
    """Hands out pieces, and gathers the results of whole items.

    Args:
        task: what is done with the items.
        items: taken one by one, as there is room.
    """

    def __init__(self, task: Task[Any, Any], items: Iterable[Any]):
        self.task = task
        self._items = iter(items)
        self._exhausted = False
        self._again: deque[Piece] = deque()
        self._running: set[Piece] = set()
        self._completed: list[tuple[Any, Any]] = []

    def next(self) -> Piece | None:
        """The next piece to run; None if there is none now."""
        if self._again:
            piece = self._again.popleft()
        else:
            piece = next(map(Piece, itertools.islice(self._items, 1)), None)
            self._exhausted = piece is None
        if piece is not None:
            self._running.add(piece)
        return piece

    @property
    def unfinished(self) -> bool:
        """Whether there may be items to take, or a piece is out or waits to run again."""
        return bool(not self._exhausted or self._running or self._again)

    def completed(self) -> Iterator[tuple[Any, Any]]:
        """Whole items with their results, each once."""
        while self._completed:
            yield self._completed.pop(0)

    def done(self, piece: Piece, result: Any) -> None:
        """A piece has its result."""
        self._running.discard(piece)
        parent = piece.parent
        if parent is None:
            self._completed.append((piece.item, result))
            return
        parent.results[piece.place] = result
        if len(parent.results) == parent.parts:
            self.done(parent, self.task.joined([parent.results[i] for i in range(parent.parts)]))

    def returned(self, piece: Piece) -> None:
        """A piece has not run, or its worker died of something else: it runs again."""
        self._running.discard(piece)
        self._again.append(piece)

    def died(self, piece: Piece, reason: str, certain: bool = False) -> None:
        """A piece killed its worker: it runs again, is split, or has failed.

        Args:
            piece: what ran.
            reason: how the worker ended, in words.
            certain: whether it is known that it would kill the next one, too.
        """
        piece.deaths += 1
        parts = self.task.parts(piece.item)
        if parts:
            if certain or piece.parent is not None or piece.deaths >= BEFORE_SPLIT:
                self._running.discard(piece)
                piece.parts = len(parts)
                self._again.extend(Piece(part, piece, place) for place, part in enumerate(parts))
                return
        elif certain or piece.deaths >= MAX_DEATHS:
            self.done(piece, self.task.failed(piece.item, reason))
            return
        self.returned(piece)


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
