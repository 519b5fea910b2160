"""The steps of a training, and where in a step a shape is read."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown
from lrshape.values import whole_number

StepRule = Literal["midpoint", "left", "right"]

MAX_STEPS = 10**9
OFFSETS = {"midpoint": 0.5, "left": 0.0, "right": 1.0}
"""Where in a step progress is read, as a fraction of the step."""


def progress(steps: int, step_rule: StepRule = "midpoint") -> NDArray[np.float64]:
    """Return training progress at each step, of shape ``(steps,)``, in [0, 1].

    Args:
        steps: number of training steps, at least 1.
        step_rule: where in step s = 0 .. steps - 1 the shape is read: ``midpoint`` (s + 1/2)/steps, so that
            neither the first nor the last step is wasted at LR 0; ``left`` s/steps, as optax counts;
            ``right`` (s + 1)/steps.

    Raises:
        InputError: if ``steps`` or ``step_rule`` is not legal.

    Example:
        >>> progress(4).tolist(), progress(4, "left").tolist()
        ([0.125, 0.375, 0.625, 0.875], [0.0, 0.25, 0.5, 0.75])
    """
    steps = checked_steps(steps)
    return (np.arange(steps) + OFFSETS[checked_step_rule(step_rule)]) / steps


def checked_steps(steps: Any) -> int:
    """Return a number of steps, or raise `InputError`."""
    return whole_number("steps", steps, 1, MAX_STEPS)


def checked_step_rule(step_rule: Any) -> StepRule:
    """Return a step rule, or raise `InputError`."""
    if not isinstance(step_rule, str) or step_rule not in OFFSETS:
        allowed = ", ".join(get_args(StepRule))
        raise InputError(f"step_rule must be one of {allowed}, got {shown(step_rule)}")
    return step_rule  # pyright: ignore[reportReturnType]
