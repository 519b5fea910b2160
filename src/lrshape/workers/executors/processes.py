"""Worker processes on this machine, each on its own cores or GPU."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Pipe, wait
from pickle import loads
from typing import Any

from pydantic import Field, PrivateAttr, field_validator

from lrshape.errors import InputError
from lrshape.workers.executor import EXECUTORS, Check, Executor, Item, Report, Result, Task
from lrshape.workers.memory import can_measure, held
from lrshape.workers.message import packed
from lrshape.workers.places import Place, places, visible_gpus
from lrshape.workers.pool import Died, Done, Event, News, Pool, Raised, run
from lrshape.workers.termination import ended, kill_group
from lrshape.workers.work import Piece

MAX_FAILED_STARTS = 3
"""Workers that may end, one after another, before they could run anything."""

GIB = 2**30

_START = (
    "import sys, json; path, rest = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from lrshape.workers.worker import main; main(*rest)"
)


@EXECUTORS.register("processes")
class Processes(Executor):
    """Worker processes on this machine: one for each GPU, or else one for each core, with one thread.

    A worker that dies is replaced. What it ran is run again; a chunk that kills worker after worker is split,
    until the training that does it is found. That one has failed, and the others of the chunk are kept.
    """

    workers: int | None = Field(
        default=None, ge=1, le=1024, description="processes; default: one a GPU, or as many as have cores"
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="cores of a worker, and threads of its libraries; default: 1, with GPUs an equal share",
    )
    memory: float | None = Field(
        default=None, gt=0, description="GiB that a worker may hold; a trial that takes more has failed"
    )
    _pool: "_Workers | None" = PrivateAttr(None)

    @field_validator("memory")
    @classmethod
    def _measurable(cls, value: float | None) -> float | None:
        if value is not None and not can_measure():
            raise ValueError("memory needs a system that tells what processes hold, as Linux does")
        return value

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

    def __enter__(self) -> "Processes":
        if visible_gpus():  # else JAX in this process, which trains nothing, takes most of a GPU's memory
            os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        return self


class _Workers(Pool):
    """One process at most for each place; they are kept from one run to the next."""

    def __init__(self, where: list[Place], memory: float | None):
        self._where, self._limit = where, None if memory is None else memory * GIB
        self._workers: dict[int, _Worker] = {}
        self._task = b""
        self._failed_starts = 0

    def prepare(self, task: Task[Any, Any]) -> None:
        self._task = packed(task)

    def has_room(self) -> bool:
        return self._free_place() is not None

    def _free_place(self) -> int | None:
        idle = [i for i, worker in self._workers.items() if worker.piece is None]
        new = [i for i in range(len(self._where)) if i not in self._workers]
        return next(iter(idle + new), None)

    def start(self, piece: Piece) -> None:
        place = self._free_place()
        assert place is not None
        worker = self._workers.get(place)
        if worker is not None and not worker.alive:  # it died idle
            self._end(place)
            worker = None
        if worker is None:
            worker = self._workers[place] = _Worker(self._where[place])
        worker.order(self._task, piece)

    def wait(self, seconds: float) -> list[Event]:
        busy = {worker.connection: place for place, worker in self._workers.items() if worker.piece}
        ready: list[Any] = wait(list(busy), seconds)
        events: list[Event] = []
        for connection, place in busy.items():
            if connection in ready:
                events += self._heard(place)
            else:
                events += self._watched(place)
        return events

    def _heard(self, place: int) -> list[Event]:
        worker = self._workers[place]
        piece = worker.piece
        assert piece is not None
        try:
            kind, what = loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            return [self._dead(place, worker, piece)]
        if kind == "ready":
            worker.ready = True
            self._failed_starts = 0
            return []
        if kind == "news":
            return [News(piece, what)]
        if kind == "refused":
            raise InputError(f"a worker process cannot import what it should train: {what}")
        worker.piece = None
        worker.served += 1
        if kind == "done":
            return [Done(piece, what)]
        error, trace = what
        error.add_note(f"in a worker process:\n{trace}")
        return [Raised(error)]

    def _watched(self, place: int) -> list[Event]:
        """Whether a worker that says nothing is still there, and within its memory."""
        worker = self._workers[place]
        piece = worker.piece
        assert piece is not None
        if not worker.alive:
            if worker.connection.poll():
                return []  # its last words are read first
            return [self._dead(place, worker, piece)]
        if self._limit is not None and (size := held(worker.process.pid)) > self._limit:
            self._end(place)
            reason = (
                f"the training's process held {size / GIB:.3g} GiB, more than {self._limit / GIB:g}; killed"
            )
            return [Died(piece, reason, certain=worker.served == 0)]  # else earlier trials may have leaked
        return []

    def _dead(self, place: int, worker: "_Worker", piece: Piece) -> Died:
        code = worker.wait()
        self._end(place)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise InputError(
                    f"worker processes cannot start: {self._failed_starts} ended before they could train, "
                    f"the last one because {ended(code)}"
                )
            return Died(piece, ended(code), guilty=False)
        return Died(piece, ended(code))

    def drop(self) -> None:
        for place, worker in list(self._workers.items()):
            if worker.piece is not None:
                self._end(place)

    def close(self) -> None:
        for place in list(self._workers):
            self._end(place)

    def _end(self, place: int) -> None:
        self._workers.pop(place).end()


class _Worker:
    """A process, and the socket that it listens to; it ends when this one does, however that happens.

    Attributes:
        piece: what it runs, None while it is idle.
        ready: whether it has begun to run something.
        served: pieces that it has finished.
    """

    def __init__(self, place: Place):
        self.connection, theirs = Pipe()
        self._task = b""
        self.piece: Piece | None = None
        self.ready = False
        self.served = 0
        arguments = json.dumps([sys.path, [theirs.fileno(), place.cores]])
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=os.environ | place.environment(),
            )
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def order(self, task: bytes, piece: Piece) -> None:
        """Send a piece, and before it the task unless it is there; the worker may die meanwhile."""
        self.piece = piece
        try:
            if task != self._task:
                self.connection.send_bytes(packed(("task", task)))
                self._task = task
            self.connection.send_bytes(packed(("item", packed(piece.item))))
        except OSError:
            pass  # it has died: the next look at it says so

    def wait(self) -> int:
        """Its exit code; one that closed its socket but does not end is killed."""
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            kill_group(self.process)
            return self.process.wait()

    def end(self) -> None:
        self.connection.close()
        kill_group(self.process)
