"""Workloads that are called once for each trial: their base, and how a batch of trials is trained."""

import abc
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator

from lrshape.loss_curve import LossCurve
from lrshape.settings import Names
from lrshape.training.code_digest import CodeDigest
from lrshape.training.outcome import CURVE, Outcome, Progress, Result, full_name
from lrshape.training.parts import numbers, one_each
from lrshape.training.workload import Workload

EMPTY: Mapping[str, Any] = MappingProxyType({})

LARGEST = float(np.finfo(np.float32).max)
"""Metrics beyond float32's range count as not finite, as they are where networks train."""


class CalledWorkload(Workload):
    """A trial that is somebody else's program: it takes learning rates and a seed, and gives numbers."""

    metric = "final/score"
    max_members = 1  # a user's training is costly: every finished one is stored at once

    metrics: Names = Field(
        default=("final/score",), min_length=1, description="names of the metrics that a trial returns"
    )
    timeout: float | None = Field(
        default=None,
        gt=0,
        description="kill a trial after this many seconds and record it as failed; none: no limit",
    )

    @field_validator("metrics")
    @classmethod
    def _full_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if CURVE in value:
            raise ValueError(f"no metric can be called {CURVE}: that is the loss curve, got {list(value)}")
        names = tuple(full_name(name) for name in value)
        if len(set(names)) < len(names) or not all(name.strip() for name in value):
            raise ValueError(f"metrics must differ and have names, got {list(value)}")
        return names

    def metric_names(self) -> tuple[str, ...]:
        """The names that the spec or the caller states, since nothing has run yet."""
        return self.metrics

    @property
    @abc.abstractmethod
    def code(self) -> str:
        """What runs, for messages."""

    @abc.abstractmethod
    def call(self, lrs: NDArray[np.float64], seed: int, hyperparameters: Mapping[str, Any] = EMPTY) -> Result:
        """Train once.

        Args:
            lrs: learning rates, float64 (steps,).
            seed: of the trial.
            hyperparameters: numbers or texts by name, or schedules, float64 (steps,); each one that `check`
                has seen.

        Raises:
            InputError: if the code cannot be found; whatever else goes wrong makes a failed trial.
        """

    @abc.abstractmethod
    def check(self, hyperparameters: Sequence[str] = ()) -> None:
        """Find what would go wrong at the first trial.

        Args:
            hyperparameters: names of those that trials will be called with.

        Raises:
            InputError: if something would.
        """

    @abc.abstractmethod
    def digest(self) -> CodeDigest:
        """What is known of the code, to tell a study that is resumed with another one."""


def train(
    workload: CalledWorkload,
    lrs: NDArray[np.floating],
    seeds: NDArray[np.integer],
    hyperparameters: Mapping[str, ArrayLike] = EMPTY,
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Call the workload for each row of ``lrs``; whatever goes wrong concerns that trial alone.

    Args:
        workload: what to call.
        lrs: learning rates, (members, steps).
        seeds: (members,).
        hyperparameters: values by name, (members,) each, or (members, steps) for schedules.
        report: called after each member.

    Raises:
        InputError: if the workload's code cannot be found.
    """
    count = len(seeds)
    metrics = {name: np.full(count, np.inf) for name in workload.metric_names()}
    status = np.full(count, "ok", dtype="<U8")
    messages = [""] * count
    curves: list[LossCurve | None] = [None] * count
    columns = [one_each(name, _values(name, column), count) for name, column in hyperparameters.items()]
    values = [dict(zip(hyperparameters, row, strict=True)) for row in zip(*columns, strict=True)]
    values = values or [EMPTY] * count
    for i in range(count):
        result = workload.call(lrs[i].astype(np.float64), int(seeds[i]), values[i])
        curves[i] = result.curve
        for name, value in (result.scores or {}).items():
            if abs(value) <= LARGEST:  # false for NaN
                metrics[name][i] = value
        if result.scores is None:
            status[i] = "failed"
            messages[i] = result.message
        elif np.isinf(metrics[workload.metric_names()[0]][i]):
            status[i] = "diverged"
        if report is not None:
            report(Progress((i + 1) / count, int((status[: i + 1] != "ok").sum())))
    bad_step = np.where(status == "diverged", workload.steps - 1, -1)
    return Outcome(metrics, status, bad_step, messages, curves)


def _values(name: str, column: ArrayLike) -> Any:
    """The values of a hyperparameter, one a member: an array where it has a schedule."""
    values = np.asarray(column, None if isinstance(column, np.ndarray) else object)
    if values.ndim == 2:
        return list(numbers(f"hyperparameter {name}", column, np.float64))
    return values.tolist()
