"""Call a user's train function so that nothing it does reaches other trials, here or in a worker process.

Nothing heavy is imported: the worker imports the function with this module.
"""

import contextlib
import importlib
import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lrshape.errors import InputError, located, shown
from lrshape.process_wide import ProcessWide
from lrshape.training.outcome import Result, curve, failure, scores, storable
from lrshape.workers.process import Worker
from lrshape.workers.worker import packed

_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}


def call_function(
    function: Callable[..., Any],
    names: Sequence[str],
    lrs: Any,
    seed: int,
    hyperparameters: Mapping[str, Any],
) -> Result:
    """Call a user's function; whatever it raises, but for Ctrl-C, makes a failed trial.

    Args:
        function: returns a number, or a mapping of metric names to numbers, perhaps with a loss curve.
        names: full names of the metrics, the first for a bare number.
        lrs: learning rates, float64 (steps,).
        seed: of the trial.
        hyperparameters: further keywords.
    """
    process, steps = os.getpid(), len(lrs)
    try:
        with _surroundings:
            returned = function(lrs, seed, **hyperparameters)
            return Result(scores(returned, names), curve=curve(returned, steps))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever else the user's code does concerns this trial alone
        return failure(error)
    finally:
        if os.getpid() != process:  # a child that the function forked: the study goes on in its parent alone
            os._exit(0)


@contextlib.contextmanager
def _restored_surroundings() -> Iterator[None]:
    """Afterwards, go back to the current directory, and reopen standard streams that were closed inside."""
    try:
        directory = os.getcwd()  # noqa: PTH109 - a text that chdir takes back
    except OSError:  # it was removed
        directory = None
    spare = {name: _copy(number) for name, number in _STREAMS.items()}
    try:
        yield
    finally:
        if directory is not None:
            with contextlib.suppress(OSError):
                os.chdir(directory)
        for name, number in _STREAMS.items():
            _put_back(name, number, spare[name])


_surroundings = ProcessWide(_restored_surroundings)


def _copy(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:  # it was closed before
        return None


def _put_back(name: str, number: int, spare: int | None) -> None:
    if spare is None:
        return
    try:
        os.fstat(number)
        there = os.path.sameopenfile(number, spare)
    except OSError:
        there = False
    if not there:
        os.dup2(spare, number)  # else the next file that is opened would be the stream
    os.close(spare)
    if getattr(getattr(sys, name), "closed", False):
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))


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
    global importing
    importing = True
    try:
        function = import_function(origin)
    finally:
        importing = False
    return lambda item, report: call_function(function, names, *item)


def import_function(origin: dict[str, str]) -> Callable[..., Any]:
    """Import a user's function.

    Args:
        origin: see `FunctionWorkload.origin`.

    Raises:
        InputError: if its module raises anything but Ctrl-C, or has no such function; the line names the
            module, the file and the line.
    """
    where = origin.get("script") or origin["module"]
    try:
        module = _run_script(where) if "script" in origin else importlib.import_module(where)
    except (Exception, SystemExit) as error:
        hint = "; do under `if __name__ == '__main__':` what only a script does"
        reason = f"{located(error)}{hint if isinstance(error, SystemExit) else ''}"
        raise InputError(f"{where!r} cannot be imported: {reason}") from error
    found: Any = module
    for part in origin["name"].split("."):
        if not hasattr(found, part):
            file = getattr(module, "__file__", None) or "built in"
            raise InputError(f"{where!r} ({file}) has no {origin['name']!r}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{where}:{origin['name']} must be a function, got {shown(found)}")
    return found


def _run_script(script: str) -> ModuleType:
    sys.argv = [script]
    # As multiprocessing does: what the script defines can then be pickled, and its own workers find it.
    main = ModuleType("__mp_main__")
    vars(main).update(runpy.run_path(script, run_name="__mp_main__"))
    sys.modules["__main__"] = sys.modules["__mp_main__"] = main
    return main


def call_isolated(
    function: IsolatedFunction,
    lrs: Any,
    seed: int,
    hyperparameters: Mapping[str, Any],
    timeout: float | None,
) -> Result:
    """Train once in this thread's worker process, which is kept for the next call.

    Args:
        function: what to call.
        lrs: learning rates, float64 (steps,).
        seed: of the trial.
        hyperparameters: further keywords.
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
        _kept.worker.order(task, (lrs, seed, dict(hyperparameters)), timeout)
        kind, what = _kept.worker.answer()
    except BaseException:  # Ctrl-C: the trial must not go on
        end_worker()
        raise
    if kind == "refused":
        raise InputError(f"in a worker process, {what}")
    if kind == "raised":
        raise what[0]
    return what if kind == "done" else Result(None, storable(what.reason))


@contextlib.contextmanager
def keeping_worker() -> Iterator[None]:
    """Let this thread's worker serve all calls of a block, and end with it: it may hold a GPU's memory."""
    try:
        yield
    finally:
        end_worker()


def end_worker() -> None:
    """Kill this thread's worker process; the next call starts a new one."""
    if hasattr(_kept, "worker"):
        _kept.worker.end()
        del _kept.worker, _kept.task
