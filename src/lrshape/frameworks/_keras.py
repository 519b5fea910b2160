"""The Keras 3 learning-rate schedule, and optimizers that follow schedules of several quantities."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from lrshape.errors import InputError
from lrshape.frameworks.exporter import table
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules
from lrshape.values import whole_number


@keras.saving.register_keras_serializable(package="lrshape")
class ShapeSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step, for ``keras.optimizers.SGD(learning_rate=...)`` and all others.

    It is saved with a model, and loads with it where lrshape is installed and `ShapeSchedule` was
    imported before. Steps past the end keep the last value.

    Args:
        schedule: a `Schedule`, or what its ``to_dict`` returns.
        gradient_accumulation_steps: of the optimizer. Keras counts batches and not updates when it asks for
            a learning rate; the schedule divides its count.

    Raises:
        InputError: if one of them is not legal, or there are too many steps for a table.
    """

    def __init__(
        self, schedule: Schedule | Mapping[str, Any], gradient_accumulation_steps: int | None = None
    ):
        super().__init__()
        every = 1 if gradient_accumulation_steps is None else gradient_accumulation_steps
        every = whole_number("gradient_accumulation_steps", every, 1)
        self.schedule = schedule if isinstance(schedule, Schedule) else Schedule.from_dict(schedule)
        self.gradient_accumulation_steps = every
        self._values = table(self.schedule, "keras").astype("float32")

    def __call__(self, step: Any) -> Any:
        """The learning rate, float32, at the optimizer's count of batches."""
        index = ops.floor_divide(ops.cast(step, "int32"), self.gradient_accumulation_steps)
        return ops.take(self._values, ops.clip(index, 0, len(self._values) - 1))

    def get_config(self) -> dict[str, Any]:
        """Return a JSON object that `from_config` takes."""
        return {
            "schedule": self.schedule.to_dict(),
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }


ATTRIBUTES = {"weight_decay": "weight_decay", "beta1": "beta_1", "beta2": "beta_2"}
"""Where an optimizer has a quantity. It reads them at each update, and the momentum of SGD only once."""


def follow(schedules: Schedules, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Let an optimizer follow schedules, and return it."""
    given = optimizer
    while hasattr(optimizer, "inner_optimizer"):  # a LossScaleOptimizer, which has no quantities of its own
        optimizer = optimizer.inner_optimizer
    every = optimizer.gradient_accumulation_steps
    followed = {}
    for name in schedules:
        if name != "lr" and not hasattr(optimizer, ATTRIBUTES.get(name, "")):
            possible = ", ".join(key for key, found in ATTRIBUTES.items() if hasattr(optimizer, found))
            raise InputError(
                f"Keras's {type(optimizer).__name__} takes schedules of lr, {possible}, got one of {name}"
            )
        if name == "lr":
            optimizer.learning_rate = ShapeSchedule(schedules[name], every)
        else:
            followed[ATTRIBUTES[name]] = ShapeSchedule(schedules[name])
    optimizer.apply = functools.partial(_apply, optimizer, type(optimizer).apply, followed)
    return given


def _apply(
    optimizer: keras.optimizers.Optimizer,
    apply: Callable[..., Any],
    followed: Mapping[str, ShapeSchedule],
    *arguments: Any,
    **named: Any,
) -> Any:
    """Apply gradients with the values of this step, which are traced where Keras compiles the update.

    Between updates the optimizer has the numbers that it was made with, so that it can be saved.
    """
    constants = {name: getattr(optimizer, name) for name in followed}
    try:
        for name, schedule in followed.items():
            setattr(optimizer, name, schedule(optimizer.iterations))
        return apply(optimizer, *arguments, **named)
    finally:
        for name, value in constants.items():
            setattr(optimizer, name, value)
