"""How commands find the schedule that an argument names."""

from typing import TYPE_CHECKING

from lrshape.errors import InputError

if TYPE_CHECKING:
    from lrshape.shapes.schedule import Schedule
    from lrshape.shapes.schedules import Schedules


def schedule_of(source: str) -> "Schedule":
    """Return a study's winner, or the schedule in a file.

    Raises:
        InputError: if the argument is neither, or a file holds several schedules.
    """
    from lrshape.shapes.schedules import Schedules

    found = schedules_of(source)
    if isinstance(found, Schedules):
        raise InputError(f"{source} must hold one schedule, got {len(found)}: {', '.join(found)}")
    return found


def schedules_of(source: str, metric: str | None = None) -> "Schedule | Schedules":
    """Return a study's winner, or the schedule or schedules in a file.

    Raises:
        InputError: if the argument is neither, or a metric is named for a file.
    """
    from lrshape.store import Url, locate

    found = locate(source)
    if not isinstance(found, Url) and not found.is_dir() and (found.is_file() or found.suffix):
        from lrshape.shapes.schedule_file import read_schedules

        if metric is not None:
            raise InputError("--metric applies to studies only: a schedule file has nothing to rank")
        return read_schedules(found)
    from lrshape.study.study import Study

    return Study(source).schedule(metric=metric)
