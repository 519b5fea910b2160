"""A schedule as JSON."""

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, Exporter
from lrshape.shapes.schedule import Schedule


@EXPORTERS.register("json")
class Json(Exporter):
    """Family, parameters, base LR, steps and batch sizes; `Schedule.from_json` reads it back."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        return f"{schedule.to_json()}\n".encode()
