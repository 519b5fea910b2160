"""Settings of the whole process that blocks of code change for a while, in several threads at once.

A context manager that restores what it found is wrong there: it may have found what another block had set,
and it takes from the others what they still need. Blocks that change numbers wait for each other; those
around users' code share.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any


class ProcessWide:
    """A context manager of all threads together: the first block enters it, the last one leaves it.

    Args:
        make: returns what to enter.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Any]]):
        self._make = make
        self._lock = threading.Lock()
        self._blocks = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._blocks == 0:
                self._entered = self._make()
                self._entered.__enter__()
            self._blocks += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks == 0:
                self._entered.__exit__(None, None, None)


@contextmanager
def heard_interrupts() -> Iterator[None]:
    """Raise what a signal handler has raised in the block, such as `KeyboardInterrupt`, if it got lost there.

    Trainers catch it: Lightning exits instead and ignores further ones, scikit-learn returns what it has. In
    a callback of the garbage collector, of which JAX has one, it is lost. Outside the main thread nothing is
    done.
    """
    raised: BaseException | None = None

    def heard(handler: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            nonlocal raised
            try:
                handler(number, frame)
            except BaseException as error:
                raised = error
                raise

        return handle

    with ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if callable(handler := signal.getsignal(number)):
                    signal.signal(number, heard(handler))
                    restored.callback(signal.signal, number, handler)
        try:
            yield
        except BaseException as error:
            if raised is None or error is raised:
                raise
            raise raised from None
    if raised is not None:
        raise raised


_one_blas_thread, _quiet_optuna = threading.RLock(), threading.RLock()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Do linear algebra in one thread, for the same bits on every machine; other blocks wait meanwhile."""
    from threadpoolctl import threadpool_limits

    with _one_blas_thread, threadpool_limits(1):
        yield


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let Optuna, which must be installed, log warnings only: it tells of every study that it makes."""
    import optuna

    with _quiet_optuna:
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(verbosity)
