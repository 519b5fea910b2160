"""The child's side of a worker process (`lrshape.workers.process` is the parent's).

It runs a task on the items that it is sent. It leads a process group of its own, so that Ctrl-C in a terminal
reaches the parent alone, and it kills that group as soon as the parent has gone, however that ended. Nothing
heavy is imported here: a task that needs it brings it.
"""

import contextlib
import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lrshape.errors import InputError, located, message_of


def main(descriptor: int, cores: Sequence[int]) -> None:
    """Serve until the parent has gone.

    Args:
        descriptor: of the socket to the parent.
        cores: to run on; all that there are if empty.
    """
    with contextlib.suppress(OSError):  # what users' code prints must not come between a command's results
        os.dup2(2, 1)
    os.set_inheritable(descriptor, False)  # children of users' code must not hold it open
    if cores:
        os.sched_setaffinity(0, cores)  # before anything heavy counts them and starts its threads
    with contextlib.suppress(OSError):  # where memory ends, this process goes first, and the study stays
        Path("/proc/self/oom_score_adj").write_text("1000")
    parent = Connection(descriptor)
    orders: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(parent, orders), daemon=True).start()
    task: Any = None
    while True:
        kind, data = orders.get()
        if kind == "task":
            try:
                task = pickle.loads(data)
            except (Exception, SystemExit) as error:
                _send(parent, "refused", refusal(error))
                return
            _send(parent, "ready", None)
        else:
            kind, what = attempt(task, data, lambda news: _send(parent, "news", news))
            try:
                _send(parent, kind, what)
            except InputError as error:  # the result cannot be sent
                _send(parent, "raised", sendable(error))


def refusal(error: BaseException) -> str:
    """Return in words why a task cannot be read."""
    return str(error) if isinstance(error, InputError) else located(error)


def _listen(parent: Connection, orders: "queue.SimpleQueue[tuple[str, bytes]]") -> None:
    """Take orders, and end everything here when the parent ends."""
    while True:
        try:
            orders.put(pickle.loads(parent.recv_bytes()))
        except (EOFError, OSError):
            _end()


def _send(parent: Connection, kind: str, what: Any) -> None:
    try:
        data = pickle.dumps((kind, what))  # importing cloudpickle takes longer than all else here
    except Exception:
        data = packed((kind, what))
    try:
        parent.send_bytes(data)
    except ConnectionError:  # before `_listen` has noticed
        _end()


_clean_ups: list[Callable[[], None]] = []
"""What the parent would have done."""


def _end() -> None:
    """End this process and all that users' code has started here, as the parent has ended."""
    for clean_up in _clean_ups:
        clean_up()
    os.killpg(os.getpgid(0), signal.SIGKILL)


def attempt(task: Any, item: bytes, report: Callable[[Any], None]) -> tuple[str, Any]:
    """Run a task on a pickled item: ``("done", result)`` or ``("raised", (error, text))``."""
    try:
        return "done", task(pickle.loads(item), report)
    except Exception as error:
        return "raised", sendable(error)


def run_command(item: tuple[Sequence[str], str, str], report: Callable[[Any], None]) -> int:
    """Run a program in this process's group; a task.

    Args:
        item: the program with its arguments, the directory that it runs in, and a directory to remove if the
            parent ends before it could.
        report: not used.

    Returns:
        Its exit code, negative for a signal.
    """
    import shutil
    import subprocess

    # Signals go to the group: the program may end itself, and this process then tells how. Unlike SIG_IGN,
    # the program does not inherit a handler.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    command, directory, temporary = item
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL) as process:

        def clean_up() -> None:
            process.kill()
            process.wait()  # else it may write into the directory again
            shutil.rmtree(temporary, ignore_errors=True)

        _clean_ups.append(clean_up)
        return process.wait()


def packed(value: Any) -> bytes:
    """Pickled; functions that a worker cannot import, of scripts and notebooks for instance, by value.

    Raises:
        InputError: if it cannot be.
    """
    import cloudpickle

    try:
        return cloudpickle.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"this cannot be sent to a worker: {error}") from error


def sendable(error: Exception) -> tuple[Exception, str]:
    """An exception that can be read back elsewhere, and where it was raised, in words."""
    text = "".join(traceback.format_exception(error))
    try:
        pickle.loads(packed(error))  # those with arguments of their own often fail here
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {message_of(error)}"), text
    return error, text
