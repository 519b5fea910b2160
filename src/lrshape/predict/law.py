"""What every fitted law is: it predicts the final loss of other schedules."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.predict.runs import checked_lrs

Schedules: TypeAlias = NDArray[np.float64] | Sequence[ArrayLike]
"""LRs of every step, warmup included: ``(n, steps)``, or n rows that may differ in length."""


class FittedLaw(ABC):
    """A law with the parameters that some runs gave it.

    A subclass implements `final_losses`.
    """

    @final
    def predict(self, lrs: Schedules) -> NDArray[np.float64]:
        """Return the final loss of each schedule, ``(n,)``, in the units of the runs' losses.

        Args:
            lrs: n schedules, each with the LR of every step from step 0 (warmup included).

        Raises:
            InputError: if a schedule is not one row of finite numbers of at least 0.
        """
        return self.final_losses([checked_lrs(row, f"schedule {i}") for i, row in enumerate(lrs)])

    @abstractmethod
    def final_losses(self, schedules: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Implement `predict`: rows are checked; they may differ in length."""
