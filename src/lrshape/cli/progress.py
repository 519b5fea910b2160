"""How a running study shows itself: a bar in a terminal, plain lines elsewhere."""

import sys
import time
from abc import ABC, abstractmethod

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from lrshape.cli.app import fail
from lrshape.report.words import duration
from lrshape.study.callback import Callback, Status

LINE_SECONDS = 10.0
"""Time between two plain lines."""


def callback() -> "Shown":
    """The right callback for standard error."""
    return Bar() if sys.stderr.isatty() else PrintProgress()


def described(status: Status) -> str:
    """Speed, the most time that is left, best so far, and diverged trials, in words."""
    parts = []
    if status.rate is not None:
        parts.append(pace(status.rate))
        left = status.planned - status.done
        if left > 0:
            parts.append(f"at most {duration(left / status.rate)} left")
        if status.after:
            parts.append(f"at most {duration((left + status.after) / status.rate)} left of the study")
    if status.best is not None:
        parts.append("no finite score yet" if status.best == float("inf") else f"best {status.best:.4g}")
    parts.append(f"{status.diverged:,} diverged or failed")
    return ", ".join(parts)


def pace(rate: float) -> str:
    """A number of trials a second in words.

    Example:
        >>> pace(3.2), pace(0.31), pace(1 / 18), pace(0.005)
        ('3.2 trials/s', '3.2 s a trial', '18 s a trial', '3 min 20 s a trial')
    """
    if rate >= 1:
        return f"{rate:,.1f} trials/s" if rate < 100 else f"{rate:,.0f} trials/s"
    return f"{duration(1 / rate)} a trial"


class Shown(Callback, ABC):
    """Prints what is told once; how a phase goes on is shown by the subclass.

    Attributes:
        has_stored: whether trials are stored, by this run or earlier ones.
    """

    has_stored = False

    def started(self, directory: str, stored: int) -> None:
        """Print where the study is, and whether it is resumed."""
        self.has_stored |= stored > 0
        resumed = f", resuming: {stored:,} chunks of trials are stored" if stored else ""
        self.print(f"study in {directory}{resumed}")

    def announced(self, plan: str) -> None:
        """Print the plan."""
        self.print(plan)

    def phase_begins(self, phase: str, announcement: str) -> None:
        """Print what the phase does."""
        if announcement:
            self.print(f"{phase}: {announcement}")

    def progress(self, status: Status) -> None:
        """Note whether a trial is stored: then there is a best one."""
        self.has_stored |= status.best is not None

    @abstractmethod
    def print(self, text: str) -> None:
        """Print a line to standard error."""

    def stop(self) -> None:
        """Give the terminal back."""


class PrintProgress(Shown):
    """Prints the plan, and then a line every ten seconds and at the end of each phase, to standard error.

    For scripts and notebooks: ``lrshape.search(..., callback=lrshape.PrintProgress())``.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()

    def progress(self, status: Status) -> None:
        """Print a line if the last one is old enough."""
        super().progress(status)
        if time.monotonic() - self._last >= LINE_SECONDS:
            self.print(_line(status))

    def phase_done(self, status: Status) -> None:
        """Print the phase's last line."""
        if status.planned:
            self.print(_line(status))

    def print(self, text: str) -> None:
        """Print a line."""
        self._last = time.monotonic()
        fail(text, prefix="")


def _line(status: Status) -> str:
    return f"{status.phase}: {status.done:,} of {status.planned:,} trials, {described(status)}"


class Bar(Shown):
    """A progress bar for each phase."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:,.0f}/{task.total:,}"),
            TextColumn("{task.fields[words]}", table_column=Column()),  # wraps, so that the others fit
            console=Console(stderr=True, highlight=False),
        )
        self._tasks: dict[str, TaskID] = {}

    def started(self, directory: str, stored: int) -> None:
        """Print where the study is, and whether it is resumed, and start a new set of bars."""
        self.stop()
        self._begin()
        super().started(directory, stored)
        self._progress.start()

    def print(self, text: str) -> None:
        """Print a line, above the bars."""
        self._progress.console.print(text, markup=False)

    def progress(self, status: Status) -> None:
        """Move the phase's bar."""
        super().progress(status)
        task = self._tasks.get(status.phase)
        if task is None:
            task = self._tasks[status.phase] = self._progress.add_task(status.phase, total=1, words="")
        self._progress.update(task, completed=status.done, total=status.planned, words=described(status))

    def phase_done(self, status: Status) -> None:
        """Fill the phase's bar."""
        if status.planned:
            self.progress(status)
        if status.phase == "confirm":
            self.stop()

    def stop(self) -> None:
        """Leave the bars as they are and give the terminal back."""
        self._progress.stop()
