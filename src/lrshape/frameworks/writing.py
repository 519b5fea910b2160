"""Writing schedules to a file of any format."""

from pathlib import Path

from lrshape.files import write_file
from lrshape.frameworks.exporter import EXPORTERS
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules
from lrshape.values import path_of


def export(schedule: Schedule | Schedules, exporter: str, path: str | Path) -> Path:
    """Write a schedule, or schedules of several quantities, to a file, and return its path.

    Args:
        schedule: what to write.
        exporter: name of the format.
        path: the file; replaced if it exists. Missing directories are made.

    Raises:
        InputError: if there is no such exporter, it cannot hold the schedule, or the file cannot be written.
    """
    made, path = EXPORTERS[exporter], path_of(path)
    several = isinstance(schedule, Schedules)
    content = made.content_of_several(schedule) if several else made.content(schedule)
    write_file(path, content)
    return path
