"""What every law is: fitted on runs, it predicts the final loss of other schedules."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError
from lrshape.predict.runs import Run, checked_lrs, checked_points
from lrshape.registry import Registry
from lrshape.settings import Settings

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


class Law(Settings, ABC):
    """A formula for the loss of a training run, of which some parameters are fitted to runs.

    A subclass declares its settings as fields (none is needed: defaults are what the benchmarks chose), says
    how many runs it needs, and implements `fit_runs`.

    Attributes:
        name: of the law, in the registry.
        least_runs: runs without which it cannot be fitted; 0: it predicts from schedules alone.

    Example:
        >>> import numpy as np
        >>> from lrshape.predict.law import LAWS
        >>> from lrshape.predict.runs import Run
        >>> points = np.arange(10, 1001, 10)
        >>> lrs = np.where(np.arange(1000) < 800, 1e-3, 1e-4)
        >>> run = Run("mine", lrs, points, 3 + 2 * points**-0.5 - 0.1 * (points > 850))
        >>> fitted = LAWS["forcing_memory"]().fit([run])
        >>> fitted.predict([np.linspace(1e-3, 0, 1000)]).shape
        (1,)
    """

    name: ClassVar[str]
    least_runs: ClassVar[int] = 1

    @final
    def fit(self, runs: Sequence[Run]) -> FittedLaw:
        """Fit the law's parameters.

        Args:
            runs: in any order; their order and names do not matter.

        Raises:
            InputError: if there are fewer than ``least_runs``, or these runs cannot identify the law.
        """
        if len(runs) < self.least_runs:
            raise InputError(f"the law {self.name} needs at least {self.least_runs} runs, got {len(runs)}")
        return self.fit_runs(runs)

    @abstractmethod
    def fit_runs(self, runs: Sequence[Run]) -> FittedLaw:
        """Implement `fit`: there are at least ``least_runs``."""


LAWS: Registry[Law] = Registry("law", "lrshape.predict.laws", "lrshape.laws", Law)
"""The laws by name."""
