"""What every fitted law is: it predicts the final loss of other schedules."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.predict.runs import checked_lrs, checked_points

Schedules: TypeAlias = NDArray[np.float64] | Sequence[ArrayLike]
"""LRs of every step, warmup included: ``(n, steps)``, or n rows that may differ in length."""


class FittedLaw(ABC):
    """A law with the parameters that some runs gave it.

    A subclass implements `final_losses`, and `losses` where it has a formula for whole curves.
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

    @final
    def curve(self, lrs: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
        """Return one schedule's loss at each point, ``(k,)``.

        Args:
            lrs: the LR of every step from step 0, ``(steps,)``.
            points: numbers of finished steps, ``(k,)``, that rise from at least 1 to at most ``steps``.

        Raises:
            InputError: if a value breaks these rules.
        """
        row = checked_lrs(lrs)
        return self.losses(row, checked_points(points, len(row)))

    @abstractmethod
    def final_losses(self, schedules: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Implement `predict`: rows are checked; they may differ in length."""

    def losses(self, lrs: NDArray[np.float64], points: NDArray[np.int64]) -> NDArray[np.float64]:
        """Implement `curve`: by default, a loss after p steps is the final loss of the first p LRs."""
        return self.final_losses([lrs[:point] for point in points])
