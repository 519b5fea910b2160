"""Call a train function in a worker process. Light: the worker imports the function with this module."""

import importlib
import runpy
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lrshape.errors import InputError
from lrshape.training.result import Result, storable
from lrshape.training.user_function import call_function
from lrshape.workers.process import Worker
from lrshape.workers.worker import packed

importing = False
"""Whether this process imports the user's code for a worker, which must start no search then."""

_kept = threading.local()


@dataclass(frozen=True)
class IsolatedFunction:
    """A task: call a function with learning rates and a seed. It is sent as its origin, and imported there.

    Attributes:
        origin: see `FunctionWorkload.origin`.
        names: full names of the metrics.
    """

    origin: dict[str, str]
    names: Sequence[str]

    def __reduce__(self) -> tuple[Any, ...]:
        return _imported, (self.origin, self.names)


def _imported(origin: dict[str, str], names: Sequence[str]) -> Callable[..., Result]:
    function = _import(origin)
    return lambda item, report: call_function(function, names, *item)


def _import(origin: dict[str, str]) -> Callable[..., Any]:
    global importing
    importing = True
    try:
        if "script" in origin:
            sys.argv = [origin["script"]]
            sys.modules["__main__"].__dict__.update(runpy.run_path(origin["script"], run_name="__lrshape__"))
            found: Any = sys.modules["__main__"]
        else:
            found = importlib.import_module(origin["module"])
    finally:
        importing = False
    for part in origin["name"].split("."):
        found = getattr(found, part)
    return found


def call_isolated(function: IsolatedFunction, lrs: Any, seed: int, timeout: float | None = None) -> Result:
    """Train once in this thread's worker process, which is kept for the next call.

    Args:
        function: what to call.
        lrs: learning rates, float64 (steps,).
        seed: of the trial.
        timeout: seconds that the call may take once the function is imported; None for no limit.

    Returns:
        What the function returned; a failed trial if the process died or the timeout passed.

    Raises:
        InputError: if the function cannot be imported in a worker process.
    """
    task = packed(function)
    if getattr(_kept, "task", None) != task or not _kept.worker.alive:
        end_worker()
        _kept.worker, _kept.task = Worker(), task
    try:
        _kept.worker.order(task, (lrs, seed), timeout)
        kind, what = _kept.worker.answer()
    except BaseException:  # Ctrl-C: the trial must not go on
        end_worker()
        raise
    if kind == "refused":
        raise InputError(f"the worker process cannot import the train function: {what}")
    if kind == "raised":
        raise what[0]
    return what if kind == "done" else Result(None, storable(what.reason))


def end_worker() -> None:
    """Kill this thread's worker process; the next call starts a new one."""
    if hasattr(_kept, "worker"):
        _kept.worker.end()
        del _kept.worker, _kept.task
