"""The parent's side of a worker process (`lrshape.workers.worker` is the child's).

Orders and answers are pickled pairs on one socket. The parent sends ``("task", bytes)``, then an ``("item",
bytes)`` at a time; the child answers

- ``ready``: it has read the task,
- ``refused``, with the reason: it cannot,
- ``news``: what the task reports,
- ``done``, with the result, or ``raised``, with the error and its traceback.

The parent adds ``died``, with a `Death`, when the process ends or passes a limit.
"""

import contextlib
import json
import os
import pickle
import platform
import signal
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import IO, Any, NamedTuple

from lrshape.errors import InputError
from lrshape.workers.places import Place, import_path
from lrshape.workers.worker import packed

PULSE = 0.2
"""Seconds between two looks at the limits, and at processes that end without a word."""

PATIENCE = 5.0
"""Seconds in which a process must end once it has closed its socket."""

GIB = 2**30
PROC = Path("/proc")

_TAIL = 65536
_START = (
    "import sys, json; path, rest = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from lrshape.workers.worker import main; main(*rest)"
)


def require_process_groups(what: str) -> None:
    """Check that this system can end a process with all that it started, as POSIX systems can.

    Args:
        what: needs it, for the message.

    Raises:
        InputError: if not, as on Windows.
    """
    if not hasattr(os, "killpg"):
        raise InputError(
            f"{what}: this needs process groups, to end what hangs, which {platform.system()} does not have; "
            "use Linux, macOS or WSL"
        )


class Answer(NamedTuple):
    """What a worker says: see the module."""

    kind: str
    what: Any

    @property
    def is_last(self) -> bool:
        """Whether nothing more follows for this item."""
        return self.kind not in ("ready", "news")


@dataclass(frozen=True)
class Death:
    """How a worker died.

    Attributes:
        reason: in words.
        guilty: False if something else than the item ended it.
        certain: whether the item would end the next worker, too.
    """

    reason: str
    guilty: bool = True
    certain: bool = False


class Worker:
    """A process that runs tasks, with its own process group; it ends when this process does, however.

    Args:
        place: what it is pinned to; None for all that this process has.
        memory: bytes that it may hold with its children; needs `can_measure`.
        grace: seconds between SIGTERM and SIGKILL for a worker that is killed while it runs something.
        keep_stderr: whether to keep the last of its standard error, for `last_stderr`.
    """

    def __init__(
        self,
        place: Place | None = None,
        *,
        memory: float | None = None,
        grace: float = 0.0,
        keep_stderr: bool = False,
    ):
        require_process_groups("a worker process")
        self.ready = False
        self._parent = os.getpid()
        self._memory, self._grace = memory, grace
        self._task = b""
        self._busy = self._has_served = False
        self._seconds: float | None = None
        self._deadline: float | None = None
        self.connection, theirs = Pipe()
        arguments = json.dumps([import_path(), [theirs.fileno(), place.cores if place else []]])
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, arguments],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE if keep_stderr else None,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=os.environ | place.environment() if place else None,
            )
        finally:
            theirs.close()
        self._tail = None if self.process.stderr is None else _Tail(self.process.stderr)
        self._kill = weakref.finalize(self, _kill, self.process, self.connection, self._parent)

    @property
    def alive(self) -> bool:
        """Whether it runs and may be given orders, which a fork of its parent may not."""
        return self._parent == os.getpid() and self._kill.alive and self.process.poll() is None

    def order(self, task: bytes, item: Any, seconds: float | None = None) -> None:
        """Have it run a task on an item; should it have died, the next look at it says so.

        Args:
            task: packed; sent only if it is another one than before.
            item: anything that can be packed.
            seconds: the time limit, counted from when it has read the task.
        """
        self._busy, self._seconds = True, seconds
        data = packed(("item", packed(item)))
        with contextlib.suppress(OSError):
            if task != self._task:
                self._deadline = None
                self.connection.send_bytes(packed(("task", task)))
                self._task = task
            else:
                self._start_clock()
            self.connection.send_bytes(data)

    def _start_clock(self) -> None:
        self._deadline = None if self._seconds is None else time.monotonic() + self._seconds

    def answer(self) -> Answer:
        """Wait for the last answer to an order."""
        while True:
            left = PULSE if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            self.connection.poll(min(PULSE, left))
            found = self.look()
            if found is not None and found.is_last:
                return found

    def look(self) -> Answer | None:
        """What it says, or how it ended; None while it runs within its limits and says nothing."""
        alive = self.alive  # before reading, so that its last words come first
        try:
            if self.connection.poll():
                return self._heard(Answer(*pickle.loads(self.connection.recv_bytes())))
        except (EOFError, OSError):
            return self._died(self._how_it_ended())
        if not alive:
            return self._died(self._how_it_ended())
        if self._memory is not None and (size := held(self.process.pid)) > self._memory:
            reason = (
                f"the training process held {size / GIB:.3g} GiB, more than {self._memory / GIB:g}; killed"
            )
            return self._died(reason, certain=not self._has_served)  # else earlier items may have leaked
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return self._died(f"TimeoutError: not done after {self._seconds:g} s; killed", certain=True)
        return None

    def _heard(self, answer: Answer) -> Answer:
        if answer.kind == "ready":
            self.ready = True
            self._start_clock()
        elif answer.is_last:
            self._busy, self._has_served, self._deadline = False, True, None
        if answer.kind == "refused":
            self.end()
        return answer

    def _died(self, reason: str, certain: bool = False) -> Answer:
        self.end()
        return Answer("died", Death(reason, guilty=self.ready, certain=certain))

    def _how_it_ended(self) -> str:
        try:
            return ended(self.process.wait(PATIENCE))
        except subprocess.TimeoutExpired:  # it closed the socket
            return "the training process stopped answering"

    def end(self) -> None:
        """Kill it and all of its group, also what it left behind."""
        try:
            if self._busy and self._grace and self.alive:
                _signal(self.process, signal.SIGTERM)
                self.connection.poll(self._grace)  # its answer, or its end
        finally:  # also after a second Ctrl-C
            self._busy = False
            self._kill()

    def last_stderr(self) -> str:
        """The end of its standard error, once it has ended."""
        return "" if self._tail is None else self._tail.text()


def _kill(process: subprocess.Popen[bytes], connection: Connection, parent: int) -> None:
    if os.getpid() == parent:  # and not a fork of it, whose copy of this ends
        _signal(process, signal.SIGKILL)
        process.wait()
    connection.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of the group has ended
        os.killpg(process.pid, number)


def ended(code: int) -> str:
    """Words for a process that ended by itself, from its exit code."""
    if code >= 0:
        return f"the training process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the training process was killed by {name}{hint}"


class _Tail(threading.Thread):
    """Reads a pipe to its end and keeps the last of it."""

    def __init__(self, pipe: IO[bytes]):
        super().__init__(daemon=True)
        self._pipe = pipe
        self._last = b""
        self.start()

    def run(self) -> None:
        with self._pipe:
            while block := os.read(self._pipe.fileno(), _TAIL):
                self._last = (self._last + block)[-_TAIL:]

    def text(self) -> str:
        self.join(timeout=1)  # a process that left its group may hold the pipe open
        return self._last.decode("utf-8", "replace").strip()


def can_measure() -> bool:
    """Whether this system tells how much memory a process holds, as Linux does."""
    return (PROC / "self" / "statm").exists()


def held(process: int) -> int:
    """Resident bytes of a process and all of its descendants; pages that they share count for each.

    A process that has ended holds nothing.
    """
    try:
        pages = int((PROC / str(process) / "statm").read_text().split()[1])
        threads = list((PROC / str(process) / "task").iterdir())
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(held(child) for t in threads for child in _children(t))


def _children(thread: Path) -> list[int]:
    try:
        return [int(name) for name in (thread / "children").read_text().split()]
    except OSError:
        return []
