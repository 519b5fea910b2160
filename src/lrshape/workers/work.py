"""What is yet to run: items, and the parts of those that killed their worker."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lrshape.workers.executor import Task

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
