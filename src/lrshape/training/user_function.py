"""Call a user's train function so that nothing it does reaches other trials.

Nothing heavy is imported: worker processes import this.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from lrshape.training.result import Result, failure, scores

_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}


def call_function(function: Callable[..., Any], names: Sequence[str], *arguments: Any) -> Result:
    """Call a user's function; whatever it raises, but for Ctrl-C, makes a failed trial.

    Args:
        function: returns a number, or a mapping of metric names to numbers.
        names: full names of the metrics, the first for a bare number.
        arguments: of the function.
    """
    process = os.getpid()
    try:
        with _restored_surroundings():
            result = Result(scores(function(*arguments), names))
    except KeyboardInterrupt:
        if os.getpid() != process:
            _leave()
        raise
    except BaseException as error:  # whatever else the user's code does concerns this trial alone
        result = failure(error)
    if os.getpid() != process:  # a child that the function forked: the study goes on in its parent alone
        _leave()
    return result


def _leave() -> NoReturn:
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
