"""A time limit for code that does not look at the clock."""

import _thread
import contextlib
import os
import signal
import threading
from collections.abc import Iterator

PATIENCE = 3.0
"""Seconds after the time limit in which what runs may end by itself."""


class TimeLimitReached(Exception):  # noqa: N818 - it is no error
    """The time limit came before the end; running the study again continues where it stopped."""

    def __init__(self, message: str = "the time limit is reached"):
        super().__init__(message)


@contextlib.contextmanager
def limit_time(seconds: float | None) -> Iterator[None]:
    """Interrupt the block as Ctrl-C would, `PATIENCE` after a time, and raise `TimeLimitReached`.

    Only the main thread can be interrupted; in another one, and where SIGINT has no handler of Python's,
    the block runs to its end.

    Args:
        seconds: that the block may take; None for no limit.
    """
    main = threading.main_thread()
    is_heard = callable(signal.getsignal(signal.SIGINT))
    if seconds is None or threading.current_thread() is not main or not is_heard:
        yield
        return
    late = threading.Event()

    def interrupt() -> None:
        late.set()
        if hasattr(signal, "pthread_kill"):
            assert main.ident is not None
            signal.pthread_kill(main.ident, signal.SIGINT)
        else:  # Windows
            _thread.interrupt_main()

    timer = threading.Timer(min(seconds + PATIENCE, threading.TIMEOUT_MAX), interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if late.is_set():
            raise TimeLimitReached from None
        raise
    finally:
        timer.cancel()


def forget_interrupt() -> None:
    """Tell what listens for signals that the interrupt of `limit_time` was no Ctrl-C: the program goes on."""
    if threading.current_thread() is not threading.main_thread():
        return
    listener = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(listener)
    if listener >= 0:
        with contextlib.suppress(OSError):
            os.write(listener, b"\0")  # no signal; asyncio ignores it
