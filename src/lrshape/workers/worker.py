"""A worker process: it runs a task on the items that it is sent, until its parent has gone.

It leads a process group of its own, so that Ctrl-C in a terminal reaches the parent alone, which decides.
"""

import os
import pickle
import queue
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from lrshape.workers.message import packed, sendable
from lrshape.workers.termination import end_own_group, volunteer


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
                parent.send_bytes(packed(("ready", None)))
                continue
        except (Exception, SystemExit) as error:
            parent.send_bytes(packed(("refused", f"{type(error).__name__}: {error}")))
            return
        try:
            result = task(pickle.loads(data), lambda news: parent.send_bytes(packed(("news", news))))
            answer = packed(("done", result))
        except Exception as error:
            answer = packed(("raised", sendable(error)))
        parent.send_bytes(answer)


def _listen(parent: Connection, orders: "queue.SimpleQueue[tuple[str, bytes]]") -> None:
    """Take orders, and end everything here when the parent ends, however it does."""
    while True:
        try:
            orders.put(pickle.loads(parent.recv_bytes()))
        except (EOFError, OSError):
            end_own_group()
