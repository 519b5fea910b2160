"""How commands find the schedule that an argument names."""

from pathlib import Path
from typing import TYPE_CHECKING

from lrshape.errors import InputError
from lrshape.files import is_directory, is_file

if TYPE_CHECKING:
    from lrshape.shapes.schedule import Schedule
    from lrshape.shapes.schedules import Schedules
    from lrshape.study.study import Study


def schedule_of(source: str) -> "Schedule":
    """Return the learning rates of a study's winner, or the schedule in a file.

    Raises:
        InputError: if the argument is neither, or a file holds several schedules.
    """
    from lrshape.shapes.schedule_file import read_schedule

    study = study_of(source)
    return read_schedule(source) if study is None else study.schedule()


def schedules_of(source: str, metric: str | None, study: "Study | None") -> "Schedule | Schedules":
    """Return a study's winner, with its schedules of hyperparameters, or the schedule or schedules in a file.

    Args:
        source: the study or the file.
        metric: that decides the winner; default: the study's own.
        study: of `study_of`; None: the source is a file.

    Raises:
        InputError: if the file has no schedule, or a metric is named for a file.
    """
    from lrshape.shapes.schedules import Schedules

    if study is not None:
        found = study.schedules(metric=metric)
        return found["lr"] if len(found) == 1 else Schedules(found)
    from lrshape.shapes.schedule_file import read_schedules

    if metric is not None:
        raise InputError("--metric applies to studies only: a schedule file has nothing to rank")
    return read_schedules(source)


def folder_of(source: str | Path) -> Path:
    """Return the directory of a study or of a schedule file, into which commands write without ``--out``.

    Raises:
        InputError: if it is at a URL.
    """
    from lrshape.store import Url, locate

    found = locate(source)
    if isinstance(found, Url):
        raise InputError(f"--out is required and must be a local file, because the study is at {found}")
    return found if is_directory(found) else found.parent


def study_of(source: str) -> "Study | None":
    """Return the study of that name; None if it names a file.

    Raises:
        InputError: if there is neither.
    """
    from lrshape.store import Url, locate

    found = locate(source)
    if not isinstance(found, Url) and not is_directory(found) and (is_file(found) or found.suffix):
        return None
    from lrshape.study.study import Study

    return Study(source)
