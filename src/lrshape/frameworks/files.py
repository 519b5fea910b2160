"""Schedules as files of data: text, JSON, a NumPy array."""

import io

import numpy as np
from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, Exporter
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules


@EXPORTERS.register("csv")
class Csv(Exporter):
    """The columns step and lr, or a column for each name; the numbers read back exactly."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        return cls.content_of_several(Schedules({"lr": schedule}))

    @override
    @classmethod
    def content_of_several(cls, schedules: Schedules) -> bytes:
        columns = (values.tolist() for values in schedules.values().values())
        rows = (",".join([str(step), *map(repr, row)]) for step, row in enumerate(zip(*columns, strict=True)))
        return ("\n".join([",".join(["step", *schedules]), *rows]) + "\n").encode()


@EXPORTERS.register("json")
class Json(Exporter):
    """Family, parameters, base LR, steps and batch sizes; `Schedule.from_json` reads it back."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        return f"{schedule.to_json()}\n".encode()

    @override
    @classmethod
    def content_of_several(cls, schedules: Schedules) -> bytes:
        return f"{schedules.to_json()}\n".encode()


@EXPORTERS.register("npy")
class Npy(Exporter):
    """The learning rate of every step, float64, shape (steps,)."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        file = io.BytesIO()
        np.save(file, schedule.values(), allow_pickle=False)
        return file.getvalue()
