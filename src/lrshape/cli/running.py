"""How commands that train are stopped, and what they say then."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lrshape.cli.app import DISK_REFUSED, INTERRUPTED, fail

if TYPE_CHECKING:
    from lrshape.study.listener import Listener


@contextmanager
def running(out: Path, command: str) -> "Iterator[Listener]":
    """Give a listener that shows progress, and end the command in one line where trainings are stopped.

    Args:
        out: where finished trainings are.
        command: what to run to resume, in words.
    """
    from lrshape.cli.progress import Bar, listener
    from lrshape.store import StoreError
    from lrshape.study.run import TimeLimitReached

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    # SIGINT, too: shells start background jobs with it ignored, and a study that is told to stop should.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    progress = listener()
    try:
        yield progress
    except (KeyboardInterrupt, TimeLimitReached) as stop:
        reason = "time limit reached" if isinstance(stop, TimeLimitReached) else "interrupted"
        fail(f"{reason}; finished trainings are in {out}: run {command} to resume", prefix="")
        raise typer.Exit(INTERRUPTED) from None
    except StoreError as error:
        fail(f"{error}; finished trainings are safe: run {command} to resume")
        raise typer.Exit(DISK_REFUSED) from None
    finally:
        if isinstance(progress, Bar):
            progress.stop()
