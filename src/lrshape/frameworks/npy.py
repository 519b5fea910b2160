"""A schedule as a NumPy array."""

import io

import numpy as np
from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, Exporter
from lrshape.shapes.schedule import Schedule


@EXPORTERS.register("npy")
class Npy(Exporter):
    """The learning rate of every step, float64, shape (steps,)."""

    @override
    @classmethod
    def content(cls, schedule: Schedule) -> bytes:
        file = io.BytesIO()
        np.save(file, schedule.values(), allow_pickle=False)
        return file.getvalue()
