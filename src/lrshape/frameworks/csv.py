"""A schedule as a table of text."""

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, Exporter
from lrshape.shapes.schedule import Schedule


@EXPORTERS.register("csv")
class Csv(Exporter):
    """The columns step and lr; the numbers read back exactly."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        rows = (f"{step},{lr!r}" for step, lr in enumerate(schedule.values().tolist()))
        return ("\n".join(["step,lr", *rows]) + "\n").encode()
