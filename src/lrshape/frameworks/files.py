"""Schedules as files of data: text, JSON, a NumPy array."""

import io

import numpy as np
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


@EXPORTERS.register("json")
class Json(Exporter):
    """Family, parameters, base LR, steps and batch sizes; `Schedule.from_json` reads it back."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        return f"{schedule.to_json()}\n".encode()


@EXPORTERS.register("npy")
class Npy(Exporter):
    """The learning rate of every step, float64, shape (steps,)."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        file = io.BytesIO()
        np.save(file, schedule.values(), allow_pickle=False)
        return file.getvalue()
