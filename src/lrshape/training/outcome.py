"""What a batch of trials came to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class Outcome(dict[str, NDArray[np.float64]]):
    """``{metric: values (members,)}``, and how each trial ended.

    Attributes:
        status: ``ok``, ``diverged`` or ``failed``, (members,). Every metric of a trial that is not ok
            is +inf.
        first_bad_step: the step whose loss showed the divergence, -1 if none, (members,).
        message: the error of a failed trial, else "", (members,).
    """

    def __init__(
        self,
        metrics: dict[str, NDArray[np.float64]],
        status: NDArray[np.str_],
        first_bad_step: NDArray[np.int64],
        message: list[str],
    ):
        super().__init__(metrics)
        self.status = status
        self.first_bad_step = first_bad_step
        self.message = message


@dataclass(frozen=True)
class Progress:
    """How far a running batch of trials is.

    Attributes:
        done: share of the steps that are done, in [0, 1].
        diverged: members that have diverged or failed so far.
    """

    done: float
    diverged: int
