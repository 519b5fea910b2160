"""Worker processes on this machine, each on its own cores or GPU."""

import os
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from lrshape.errors import InputError
from lrshape.workers.executor import EXECUTORS, Check, Executor, Item, Report, Result, Task
from lrshape.workers.places import Place, places, visible_gpus
from lrshape.workers.pool import Event, Piece, Pool, run
from lrshape.workers.process import GIB, Worker, can_measure, require_process_groups
from lrshape.workers.worker import packed

MAX_FAILED_STARTS = 3
"""Workers that may end, one after another, before they could run anything."""


@EXECUTORS.register("processes")
class Processes(Executor):
    """Worker processes on this machine: one for each GPU, or else one for each core, with one thread.

    A worker that dies is replaced, and its chunk runs again. A chunk that kills worker after worker is split
    until the trial that does it is found: that trial is recorded as failed, and the others are kept.
    """

    workers: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="worker processes; default: one per GPU, or as many as the cores allow",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="cores per worker, and threads of its libraries; default: 1, with GPUs an equal share",
    )
    memory: float | None = Field(
        default=None, gt=0, description="memory limit per worker in GiB; a trial that needs more fails"
    )
    _pool: "_Workers | None" = PrivateAttr(None)

    @field_validator("memory")
    @classmethod
    def _measurable(cls, value: float | None) -> float | None:
        if value is not None and not can_measure():
            raise ValueError(
                "memory is only supported on systems that report the memory of processes, such as Linux"
            )
        return value

    @model_validator(mode="after")
    def _possible(self) -> "Processes":
        require_process_groups("processes")
        return self

    def run(
        self, task: Task[Item, Result], items: Iterable[Item], report: Report, check: Check
    ) -> Iterator[tuple[Item, Result]]:
        """Run the items, as many at once as there are workers."""
        if self._pool is None:
            self._pool = _Workers(places(self.workers, self.threads), self.memory)
        return run(self._pool, task, items, report, check)

    def close(self) -> None:
        """Kill the workers, and whatever they started."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> Self:
        if visible_gpus():  # else JAX in this process, which trains nothing, takes most of a GPU's memory
            os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        return self


class _Workers(Pool):
    """One process at most for each place; they are kept from one run to the next."""

    def __init__(self, where: list[Place], memory: float | None):
        self._where, self._limit = where, None if memory is None else memory * GIB
        self._workers: dict[int, Worker] = {}
        self._running: dict[int, Piece] = {}
        self._task = b""
        self._failed_starts = 0

    def prepare(self, task: Task[Any, Any]) -> None:
        self._task = packed(task)

    def has_room(self) -> bool:
        return len(self._running) < len(self._where)

    def start(self, piece: Piece) -> None:
        free = [place for place in range(len(self._where)) if place not in self._running]
        place = min(free, key=lambda place: place not in self._workers)  # one that has started, if there is
        worker = self._workers.get(place)
        if worker is None or not worker.alive:  # it may have died idle
            self._end(place)
            worker = self._workers[place] = Worker(self._where[place], memory=self._limit)
        self._running[place] = piece
        worker.order(self._task, piece.item)

    def wait(self, seconds: float) -> list[Event]:
        wait([self._workers[place].connection for place in self._running], seconds)
        events: list[Event] = []
        for place, piece in list(self._running.items()):
            answer = self._workers[place].look()
            if answer is None:
                continue
            if answer.is_last:
                del self._running[place]
            if answer.kind == "ready":
                self._failed_starts = 0
            elif answer.kind == "died" and not answer.what.guilty:
                self._require_starts(answer.what.reason)
            events.append((piece, answer))
        return events

    def _require_starts(self, reason: str) -> None:
        self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            raise InputError(
                f"worker processes cannot start: {self._failed_starts} exited before their first trial, "
                f"the last one because {reason}"
            )

    def drop(self) -> None:
        for place in self._running:
            self._end(place)
        self._running.clear()

    def close(self) -> None:
        self._running.clear()
        for place in list(self._workers):
            self._end(place)

    def _end(self, place: int) -> None:
        if place in self._workers:
            self._workers.pop(place).end()
