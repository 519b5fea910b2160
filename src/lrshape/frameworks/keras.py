"""A schedule as a Keras 3 learning-rate schedule."""

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from lrshape.errors import InputError, shown
from lrshape.frameworks.exporter import EXPORTERS, MAX_TABLE, require_no_groups
from lrshape.frameworks.standalone import CodeExporter
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules

if TYPE_CHECKING:
    import keras

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


def to_keras_of_several(
    schedules: Schedules, optimizer: "keras.optimizers.Optimizer"
) -> "keras.optimizers.Optimizer":
    """Let an optimizer follow schedules of ``lr``, ``weight_decay``, ``beta1`` and ``beta2``, and return it.

    Raises:
        InputError: if it is no optimizer, has no such quantity, or a schedule is for one group only.
    """
    import keras

    from lrshape.frameworks._keras import follow

    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise InputError(f"optimizer must be a keras.optimizers.Optimizer, got {shown(optimizer)}")
    require_no_groups(schedules, "Keras")
    return follow(schedules, optimizer)


# Keras finds the class of a saved model by its registered name, which must differ between files of different
# schedules. Steps and base LR are saved with the model.
_SHAPE_SCHEDULE = '''
IDENTITY = repr({**SCHEDULE, "steps": None, "base_lr": None})


@keras.saving.register_keras_serializable("lrshape_" + hashlib.sha256(IDENTITY.encode()).hexdigest()[:16])
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
    bind_several = staticmethod(to_keras_of_several)
    imports = (
        "import hashlib",
        "import math",
        "",
        "import keras",
        "import numpy as np",
        "from keras import ops",
    )
    max_steps = MAX_TABLE
    usage = "optimizer = keras.optimizers.SGD(ShapeSchedule())"

    @override
    @classmethod
    def code(cls) -> str:
        return _SHAPE_SCHEDULE
