"""What a contender of time_to_quality.py gives."""

from typing import NamedTuple

from lrshape.procedure.trial import ShapeRecord


class Found(NamedTuple):
    """What a contender recommends after a budget of trials.

    Attributes:
        shape: of the schedule.
        base_lr: of the schedule.
        trials: that were trained until then.
        seconds: from the start of its processes until then.
    """

    shape: ShapeRecord
    base_lr: float
    trials: int
    seconds: float
