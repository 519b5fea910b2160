"""Ctrl-C and SIGTERM: the first one stops in order and in time, the second one at once."""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

GRACE = 6.0
"""Seconds between the first signal and a stop without further ado: what computes may not hear of signals."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_SHOW_CURSOR = "\x1b[?25h"


@contextlib.contextmanager
def stoppable(message: Callable[[], str], code: int) -> Iterator[None]:
    """Turn the first signal into `KeyboardInterrupt`, and leave at once on the second, or after `GRACE`.

    Leaving at once loses what runs and nothing else: what is finished is on the disk, and worker processes
    end when they notice. Signals are heard by a thread, because Python's own handlers wait until a
    computation in C is done. To be called in the main thread.

    Args:
        message: gives what to say when leaving at once.
        code: the exit code then.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if _ignores_errors(frame):
            _leave(message(), code)
        raise KeyboardInterrupt

    # SIGINT, too: shells start background jobs with it ignored, and a study that is told to stop should.
    for number in SIGNALS:
        signal.signal(number, interrupt)
    hearing, telling = socket.socketpair()
    with hearing, telling:
        telling.setblocking(False)
        before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(
            target=_listen, args=(hearing, lambda: _leave(message(), code)), daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            telling.shutdown(socket.SHUT_WR)
            thread.join(timeout=1)


def _ignores_errors(frame: FrameType | None) -> bool:
    """Whether what is raised here gets lost: in a callback of the garbage collector, of which JAX has one."""
    callbacks = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None and frame.f_code not in callbacks:
        frame = frame.f_back
    return frame is not None


def _listen(hearing: socket.socket, leave: Callable[[], None]) -> None:
    heard, deadline = 0, None
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([hearing], [], [], left)[0]:
            leave()
        numbers = hearing.recv(64)
        if not numbers:  # all is done
            return
        if 0 in numbers:  # of `lrshape.study.time_limit.forget_interrupt`
            heard, deadline = 0, None
            continue
        heard += sum(number in SIGNALS for number in numbers)
        if heard > 1:
            leave()
        if heard and deadline is None:
            deadline = time.monotonic() + GRACE


def _leave(text: str, code: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            text = _SHOW_CURSOR + text  # the progress bar has hidden it
        os.write(2, f"\n{text}\n".encode())
    os._exit(code)
