"""The loss curves of a population, put together from what is read from the devices."""

import numpy as np
from numpy.typing import NDArray

from lrshape.loss_curve import LossCurve
from lrshape.training.workload import PopulationWorkload

VALIDATION = ("valid_loss", "test_loss")
"""Scores that a curve may have beside the training loss; the first that the workload has."""


class CurveRecorder:
    """Collects the training losses and the scores of all members.

    Args:
        workload: what is trained.
        count: members.
    """

    def __init__(self, workload: PopulationWorkload, count: int):
        self._workload = workload
        self._sums = np.zeros((count, workload.curve_points), np.float32)
        self._scores: dict[int, NDArray[np.float32]] = {}

    def add_losses(self, members: NDArray[np.intp], sums: NDArray[np.float32]) -> None:
        """Note the sums of the batch losses of some members, (members, points), of the points so far."""
        self._sums[members] = sums

    def add_scores(
        self, step: int, members: NDArray[np.intp], scores: dict[str, NDArray[np.float64]]
    ) -> None:
        """Note the validation losses of some members after a step, (members,), if there are any."""
        name = next((name for name in VALIDATION if name in scores), None)
        if name is not None:
            self._scores[step] = np.full(len(self._sums), np.nan, np.float32)
            self._scores[step][members] = scores[name]

    def curves(self, bad_step: NDArray[np.int64]) -> list[LossCurve | None]:
        """Return the curves, each up to the last point before its member diverged.

        Args:
            bad_step: the first step of each member with a bad loss, -1 if none.
        """
        steps, every = self._workload.steps, self._workload.curve_every
        if not every:
            return [None] * len(bad_step)
        ends = np.minimum(np.arange(1, self._workload.curve_points + 1) * every, steps)
        step = np.union1d(ends, list(self._scores)).astype(np.int32)
        train = np.full((len(bad_step), len(step)), np.nan, np.float32)
        train[:, np.searchsorted(step, ends)] = self._sums / np.diff(ends, prepend=0)
        valid = np.full_like(train, np.nan)
        for place, values in self._scores.items():
            valid[:, np.searchsorted(step, place)] = values
        kept = np.searchsorted(step, np.where(bad_step < 0, steps, bad_step), side="right")
        return [
            LossCurve(step[:n], losses[:n], scores[:n])
            for n, losses, scores in zip(kept, train, valid, strict=True)
        ]
