"""All learning rates of a schedule, for frameworks that compile the look-up into their program."""

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.shapes.schedule import Schedule

MAX_TABLE = 10_000_000
"""So many float32 numbers are 40 MB in the program's memory. A formula on float32 progress would need none,
but it is wrong by several percent near the end of a long decay to 0: a table is exact at every step."""


def table(schedule: Schedule, framework: str) -> NDArray[np.float64]:
    """The learning rate of every step, shape ``(steps,)``.

    Raises:
        InputError: if there are more than `MAX_TABLE`.
    """
    if schedule.steps > MAX_TABLE:
        raise InputError(
            f"{framework} takes a schedule of at most {MAX_TABLE:,} steps here, got {schedule.steps:,}"
        )
    return schedule.values()
