"""How commands that train are stopped, and what they say then."""

import ctypes
import math
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from lrshape.cli.app import INTERRUPTED, fail, refused
from lrshape.cli.stopping import stoppable

if TYPE_CHECKING:
    from lrshape.study.callback import Callback


def seconds(text: str) -> float:
    """The time that an option gives, e.g. ``90s``, ``10m``, ``1h30m`` or a plain number of seconds."""
    number = r"\s*((?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*"
    match = re.fullmatch(
        f"\\s*[+]?(?:{number}|(?:{number}h)?(?:{number}m(?:in)?)?(?:{number}s)?)\\s*", text, re.IGNORECASE
    )
    parts = match.groups() if match else ()
    found = sum(float(part or 0) * unit for part, unit in zip(parts, (1, 3600, 60, 1), strict=False))
    if not 0 < found < math.inf:
        raise typer.BadParameter(f"must be a positive time such as 90s, 10m or 1h30m, got {text!r}")
    return found


TimeLimit = Annotated[
    float | None,
    typer.Option(
        parser=seconds,
        metavar="TIME",
        help="Stop after this time, e.g. 90s, 10m or 1h30m; run the command again to resume.",
    ),
]


@contextmanager
def running(out: object, command: str = "the same command") -> "Iterator[Callback]":
    """Give a callback that shows progress, and end the command in one line where trials are stopped.

    Args:
        out: where finished trials are.
        command: what to run to resume, in words.
    """
    from lrshape.cli.progress import callback
    from lrshape.study.time_limit import TimeLimitReached

    progress = callback()

    def resume() -> str:
        if progress.has_stored:
            return f"finished trials are stored in {out}: run {command} again to resume"
        return f"this run stored no trials: run {command} again, with more time if it ends here again"

    try:
        with stoppable(lambda: f"stopped immediately; {resume()}", INTERRUPTED), _stdout_to_stderr():
            try:
                yield progress
            finally:
                progress.stop()  # before anything else is printed, which moving bars would overwrite
    except (KeyboardInterrupt, TimeLimitReached) as stop:
        reason = "time limit reached" if isinstance(stop, TimeLimitReached) else "interrupted"
        fail(f"{reason}; {resume()}", prefix="")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        raise refused(error, f"; finished trials are safe: run {command} again to resume") from None


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Keep what the user's code prints from the results, which programs read.

    Python's own ``sys.stdout`` is exchanged, and the descriptor, which C code and subprocesses print to.
    """
    sys.stdout.flush()
    results = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # C holds back what it prints to a file or a pipe
        os.dup2(results, 1)
        os.close(results)
