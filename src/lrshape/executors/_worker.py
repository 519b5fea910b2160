"""A worker process: it runs a task on the items that it is sent, until its parent has gone.

It leads a process group of its own, so that Ctrl-C in a terminal reaches the parent alone, which decides.
"""

import os
import pickle
import queue
import threading
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from lrshape.processes import end_own_group, volunteer


def main(descriptor: int, cores: Sequence[int]) -> None:
    """Serve.

    Args:
        descriptor: of the socket to the parent. Orders come as ``("task", bytes)`` or ``("item", bytes)``;
            answers are ``ready``, ``refused`` (the task cannot be read here), ``news``, ``done``, ``raised``.
        cores: to run on; all that there are if empty.
    """
    os.set_inheritable(descriptor, False)
    if cores:
        os.sched_setaffinity(0, cores)  # before anything heavy counts them and starts its threads
    volunteer()
    parent = Connection(descriptor)
    orders: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(parent, orders), daemon=True).start()
    task: Any = None
    while True:
        kind, data = orders.get()
        try:
            if kind == "task":
                task = pickle.loads(data)
                parent.send_bytes(_packed(("ready", None)))
                continue
        except (Exception, SystemExit) as error:
            parent.send_bytes(_packed(("refused", f"{type(error).__name__}: {error}")))
            return
        try:
            result = task(pickle.loads(data), lambda news: parent.send_bytes(_packed(("news", news))))
            answer = _packed(("done", result))
        except Exception as error:
            answer = _raised(error)
        parent.send_bytes(answer)


def _listen(parent: Connection, orders: "queue.SimpleQueue[tuple[str, bytes]]") -> None:
    """Take orders, and end everything here when the parent ends, however it does."""
    while True:
        try:
            orders.put(pickle.loads(parent.recv_bytes()))
        except (EOFError, OSError):
            end_own_group()


def _raised(error: Exception) -> bytes:
    text = "".join(traceback.format_exception(error))
    try:
        data = _packed(("raised", (error, text)))
        pickle.loads(data)  # exceptions with arguments of their own often cannot be read back
    except Exception:
        return _packed(("raised", (RuntimeError(f"{type(error).__name__}: {error}"), text)))
    return data


def _packed(value: Any) -> bytes:
    import cloudpickle

    return cloudpickle.dumps(value)
