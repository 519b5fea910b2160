"""A schedule as a Keras 3 learning-rate schedule."""

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, MAX_TABLE
from lrshape.frameworks.standalone import CodeExporter
from lrshape.shapes.schedule import Schedule

if TYPE_CHECKING:
    from lrshape.frameworks._keras import ShapeSchedule as ShapeSchedule


def __getattr__(name: str) -> Any:  # the class needs Keras, which takes seconds to import
    if name != "ShapeSchedule":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lrshape.frameworks._keras import ShapeSchedule

    return ShapeSchedule


def to_keras(schedule: Schedule, gradient_accumulation_steps: int | None = None) -> "ShapeSchedule":
    """Return a `ShapeSchedule`, which has the same arguments."""
    from lrshape.frameworks._keras import ShapeSchedule

    return ShapeSchedule(schedule, gradient_accumulation_steps)


_SHAPE_SCHEDULE = '''
@keras.saving.register_keras_serializable(package="lrshape_file")
class ShapeSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step; give it the optimizer's gradient_accumulation_steps, if it has any."""

    def __init__(self, steps=STEPS, base_lr=BASE_LR, gradient_accumulation_steps=1):
        super().__init__()
        steps = checked_steps(steps)
        self.settings = {"steps": steps, "base_lr": base_lr}
        self.every = gradient_accumulation_steps or 1
        self.values = np.array([lr(step, steps, base_lr) for step in range(steps)], "float32")

    def __call__(self, step):
        index = ops.floor_divide(ops.cast(step, "int32"), self.every)
        return ops.take(self.values, ops.clip(index, 0, len(self.values) - 1))

    def get_config(self):
        return {**self.settings, "gradient_accumulation_steps": self.every}'''


@EXPORTERS.register("keras")
class Keras(CodeExporter):
    """``lr(step)``, and ``ShapeSchedule`` for Keras 3."""

    bind = staticmethod(to_keras)
    imports = ("import math", "", "import keras", "import numpy as np", "from keras import ops")
    max_steps = MAX_TABLE
    usage = "optimizer = keras.optimizers.SGD(ShapeSchedule())"

    @override
    @classmethod
    def code(cls) -> str:
        return _SHAPE_SCHEDULE
