"""What every exporter of schedules is: a file that it writes, and what it hands to a program that runs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.registry import Registry

if TYPE_CHECKING:
    from lrshape.shapes.schedule import Schedule
    from lrshape.shapes.schedules import Schedules


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
    bind_several: ClassVar[Callable[..., Any] | None] = None
    """The same of schedules of several quantities, if the framework takes them; see `Schedules.to`."""

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

    @classmethod
    def content_of_several(cls, schedules: "Schedules") -> bytes:
        """Return what a file of schedules of several quantities holds, if the format has such files.

        Raises:
            InputError: if the format cannot hold these schedules.
        """
        raise InputError(
            f"a file for {cls.name} holds one schedule, got {len(schedules)}: {', '.join(schedules)}"
        )


EXPORTERS: Registry[Exporter] = Registry("exporter", "lrshape.frameworks", "lrshape.exporters", Exporter)
"""The exporters by name."""


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


def require_no_groups(schedules: "Schedules", framework: str) -> None:
    """Raise `InputError` if a schedule is for one group of parameters, where an optimizer has no groups."""
    for name in schedules:
        if "." in name:
            raise InputError(
                f"an optimizer of {framework} has no groups, got a schedule for {name}: "
                f"make one for each group with schedules.group({name.partition('.')[2]!r})"
            )
