"""Actors on a Ray cluster, whose machines may come and go."""

import contextlib
import hashlib
import logging
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr

from lrshape._version import __version__
from lrshape.errors import InputError, first_line, needs, one_line
from lrshape.workers.executor import EXECUTORS, Check, Executor, Item, Report, Result, Task
from lrshape.workers.places import import_path
from lrshape.workers.pool import Event, Piece, Pool, run
from lrshape.workers.process import Answer, Death
from lrshape.workers.worker import packed

LOOK = 1.0
"""Seconds between two looks at which machines there are."""

PATIENCE = 30.0
"""Seconds without any actor after which a warning says so."""

_log = logging.getLogger(__name__)

_connecting = threading.Lock()
_joined: set[int] = set()
"""Executors, by identity, on the cluster that one of them has joined; a process is in one cluster at most."""


@EXECUTORS.register("ray")
class Ray(Executor):
    """Actors of Ray Core, one for each GPU or each share of cores; needs ``pip install 'ray>=2.40'``.

    Machines may join and leave while it runs: actors are started where there is room, and what ran on a
    machine that is lost runs again elsewhere.
    """

    address: str | None = Field(
        default=None,
        description="address of a cluster, e.g. auto; default: $RAY_ADDRESS, else this machine only",
    )
    workers: int | None = Field(
        default=None, ge=1, le=100_000, description="actors; default: as many as the cluster has room for"
    )
    cpus: int = Field(default=1, ge=1, le=1024, description="cores per actor, and threads of its libraries")
    gpus: float = Field(default=0.0, ge=0, le=64, description="GPUs per actor")
    _pool: "_Actors | None" = PrivateAttr(None)

    def run(
        self, task: Task[Item, Result], items: Iterable[Item], report: Report, check: Check
    ) -> Iterator[tuple[Item, Result]]:
        """Run the items, one on each actor."""
        self._connect()
        if self._pool is None:
            self._pool = _Actors(self)
        return run(self._pool, task, items, report, check)

    def __enter__(self) -> Self:
        self._connect()  # before JAX starts its threads: Ray forks
        return self

    def _connect(self) -> None:
        """Use the cluster that this process is connected to, or else connect."""
        ray = _ray()
        with _connecting:
            if not ray.is_initialized():
                self._join(ray)
                _joined.clear()
                _joined.add(id(self))
            elif _joined:
                _joined.add(id(self))

    def _join(self, ray: Any) -> None:
        address = self.address or os.environ.get("RAY_ADDRESS", "local")
        alone = address == "local"
        _require_reachable(address)
        if alone:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # who starts a cluster decides about that
        try:
            with _handlers_kept(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
                ray.init(
                    address=address,
                    include_dashboard=False if alone else None,
                    log_to_driver=False,
                    logging_level=logging.WARNING,
                )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"cannot connect to Ray at {address}: {first_line(error)}") from error

    def close(self) -> None:
        """Kill the actors; leave the cluster, if an executor has joined it and none uses it any more."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        with _connecting:
            if id(self) in _joined:
                _joined.remove(id(self))
                if not _joined:
                    _ray().shutdown()


def _require_reachable(address: str) -> None:
    """Ray itself waits for minutes where nobody answers."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:  # a word: auto or local
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"cannot connect to Ray at {address}: {error}") from None


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray sets a handler of SIGTERM; ours, which resumable studies need, comes back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ray() -> Any:
    with needs("the executor ray", "ray>=2.40"):
        import ray
    return ray


class _Actor:
    """An actor, which is idle, runs a piece, or has not been started yet.

    Attributes:
        handle: Ray's.
        answer: the reference that is waited for; None while it is idle.
        node: where it is; None until it has started.
        piece: what it runs.
    """

    def __init__(self, handle: Any):
        self.handle = handle
        self.answer: Any = handle.where.remote()
        self.node: str | None = None
        self.piece: Piece | None = None


class _Actors(Pool):
    """As many actors as there is room for, looked at anew every second."""

    def __init__(self, settings: Ray):
        self._ray, self._settings = _ray(), settings
        self._actors: list[_Actor] = []
        self._key, self._task = b"", None
        self._looked = -LOOK
        self._alone_since = time.monotonic()

    def prepare(self, task: Task[Any, Any]) -> None:
        data = packed(task)
        key = hashlib.sha256(data).digest()
        if key != self._key:
            self._key, self._task = key, self._ray.put(data)
        self._grow()

    def has_room(self) -> bool:
        return self._idle() is not None

    def _idle(self) -> _Actor | None:
        return next((a for a in self._actors if a.answer is None), None)

    def start(self, piece: Piece) -> None:
        actor = self._idle()
        assert actor is not None
        actor.piece = piece
        actor.answer = actor.handle.run.remote(self._key, self._task, packed(piece.item))

    def wait(self, seconds: float) -> list[Event]:
        self._grow()
        waiting = {actor.answer: actor for actor in self._actors if actor.answer is not None}
        if not waiting:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(waiting), num_returns=1, timeout=seconds)
        events: list[Event] = []
        for answer in ready:
            events += self._heard(waiting[answer], answer)
        return events

    def _heard(self, actor: _Actor, answer: Any) -> list[Event]:
        piece = actor.piece
        try:
            kind, what = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            self._remove(actor)
            if isinstance(error, self._ray.exceptions.LocalRayletDiedError):
                raise InputError(
                    "the processes of Ray on this machine died; finished trials are stored"
                ) from None
            if piece is not None:
                return [(piece, Answer("died", self._death(actor, error)))]
            is_error = isinstance(error, self._ray.exceptions.RayTaskError)  # importing lrshape
            if is_error or "creation task" in str(error):  # a new one would end in the same way
                reason = str(error).strip().splitlines()[-1]
                raise InputError(f"an actor cannot start on the Ray cluster: {reason}") from None
            return []
        actor.answer = actor.piece = None
        if piece is None:
            actor.node = kind
            if what != __version__:
                raise InputError(f"lrshape is {__version__} here and {what} on Ray's node {actor.node}")
            return []
        return [(piece, Answer(kind, what))]

    def _death(self, actor: _Actor, error: Exception) -> Death:
        """Of the piece's doing, unless its machine has gone, too, or Ray just cannot reach it."""
        unreachable = isinstance(error, self._ray.exceptions.ActorUnavailableError)
        guilty = not unreachable and actor.node in self._nodes()
        return Death(f"the actor died: {one_line(error):.300}", guilty)

    def _nodes(self) -> dict[str, float]:
        """How many actors each living node has room for, were it empty."""
        settings, found = self._settings, {}
        for node in self._ray.nodes():
            if node["Alive"]:
                has = node["Resources"]
                room = has.get("CPU", 0) // settings.cpus
                if settings.gpus:
                    room = min(room, has.get("GPU", 0) / settings.gpus // 1)
                found[node["NodeID"]] = room
        return found

    def _grow(self) -> None:
        """Ask for an actor wherever the cluster has room for one; Ray starts it as soon as it can."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        room = int(sum(self._nodes().values()))
        wanted = room if self._settings.workers is None else min(room, self._settings.workers)
        self._actors += [_Actor(self._new()) for _ in range(wanted - len(self._actors))]
        if any(actor.node for actor in self._actors):
            self._alone_since = now
        elif now - self._alone_since > PATIENCE:
            _log.warning("Ray has no resources for an actor yet; the study waits")
            self._alone_since = now

    def _new(self) -> Any:
        from lrshape.workers.ray_actor import Trainer

        settings = self._settings
        actor = self._ray.remote(num_cpus=settings.cpus, num_gpus=settings.gpus, max_restarts=0)(Trainer)
        return actor.remote(import_path(), str(Path.cwd()), settings.cpus)

    def _remove(self, actor: _Actor) -> None:
        self._actors.remove(actor)
        self._looked = -LOOK  # another one is asked for at once
        self._ray.kill(actor.handle)

    def drop(self) -> None:
        for actor in list(self._actors):
            if actor.piece is not None:
                self._remove(actor)

    def close(self) -> None:
        for actor in list(self._actors):
            self._remove(actor)
