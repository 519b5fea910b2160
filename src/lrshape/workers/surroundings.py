"""What a user's training must leave as it was, for the trials after it and for the study's own words."""

import contextlib
import os
import sys
from collections.abc import Iterator

_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Go back to the current directory, and open standard streams again that were closed inside."""
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
