"""What every exporter of schedules is: a file that it writes, and what it hands to a program that runs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.files import write_file
from lrshape.registry import Registry
from lrshape.values import path_of

if TYPE_CHECKING:
    from lrshape.shapes.schedule import Schedule


class Exporter(ABC):
    """A format of schedules, for files, for a framework, or for both.

    A subclass is registered with ``EXPORTERS.register(name)``; its docstring is its help. It implements
    `content`, and has ``bind`` if its framework takes a schedule in memory too. Nothing heavy is imported
    before one of them is called.
    """

    name: ClassVar[str]
    """What ``lrshape export --to`` calls it."""
    bind: ClassVar[Callable[..., Any] | None] = None
    """A schedule and, for some, an optimizer -> what the framework takes; see `Schedule.to`."""

    @classmethod
    def file_name(cls) -> str:
        """Return the default name of a file."""
        return f"schedule.{cls.name}"

    @classmethod
    @abstractmethod
    def content(cls, schedule: "Schedule") -> bytes:
        """Return what a file holds.

        Raises:
            InputError: if the format cannot hold this schedule.
        """


EXPORTERS: Registry[Exporter] = Registry("exporter", "lrshape.frameworks", "lrshape.exporters", Exporter)
"""The exporters by name."""


def export(schedule: "Schedule", exporter: str, path: str | Path) -> Path:
    """Write a schedule to a file, and return its path.

    Args:
        schedule: what to write.
        exporter: name of the format.
        path: the file; replaced if it exists. Missing directories are made.

    Raises:
        InputError: if there is no such exporter, it cannot hold this schedule, or the file cannot be written.
    """
    content, path = EXPORTERS[exporter].content(schedule), path_of(path)
    write_file(path, content, parents=True)
    return path


MAX_TABLE = 10_000_000
"""So many float32 numbers are 40 MB in the program's memory. A formula on float32 progress would need none,
but it is wrong by several percent near the end of a long decay to 0: a table is exact at every step."""


def table(schedule: "Schedule", framework: str) -> NDArray[np.float64]:
    """The learning rate of every step, shape ``(steps,)``.

    Raises:
        InputError: if there are more than `MAX_TABLE`.
    """
    require_at_most(MAX_TABLE, schedule, framework)
    return schedule.values()


def require_at_most(steps: int, schedule: "Schedule", framework: str) -> None:
    """Raise `InputError` if a schedule has more steps than a framework takes."""
    if schedule.steps > steps:
        raise InputError(
            f"{framework} takes a schedule of at most {steps:,} steps here, got {schedule.steps:,}"
        )
