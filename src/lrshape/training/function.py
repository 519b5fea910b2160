"""Train workloads that are called once for each member: functions and commands."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrshape.training import command, isolation
from lrshape.training.called_workload import CalledWorkload
from lrshape.training.outcome import Outcome, Progress
from lrshape.training.result import Result, called
from lrshape.training.workloads.command import CommandWorkload
from lrshape.training.workloads.function import FunctionWorkload

LARGEST = float(np.finfo(np.float32).max)
"""Metrics beyond float32's range count as not finite, as they are where networks train."""


def train(
    workload: CalledWorkload,
    lrs: NDArray[np.float64],
    seeds: NDArray[np.integer],
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Call the workload for each row of ``lrs``; whatever goes wrong concerns that training alone.

    Raises:
        InputError: if the workload's code cannot be found.
    """
    call = _caller(workload)
    count = len(seeds)
    metrics = {name: np.full(count, np.inf) for name in workload.metric_names()}
    status = np.full(count, "ok", dtype="<U8")
    messages = [""] * count
    for i in range(count):
        result = call(lrs[i].astype(np.float64), int(seeds[i]))
        if result.scores is None:
            status[i] = "failed"
            messages[i] = result.message
        elif all(abs(value) <= LARGEST for value in result.scores.values()):  # false for NaN
            for name, value in result.scores.items():
                metrics[name][i] = value
        else:
            status[i] = "diverged"
        if report is not None:
            report(Progress((i + 1) / count, int((status[: i + 1] != "ok").sum())))
    return Outcome(metrics, status, np.where(status == "diverged", workload.steps - 1, -1), messages)


def _caller(workload: CalledWorkload) -> Callable[[NDArray[np.float64], int], Result]:
    if isinstance(workload, CommandWorkload):
        return partial(command.call, workload)
    if not isinstance(workload, FunctionWorkload):
        raise TypeError(f"{type(workload).__name__} is neither a function nor a command")
    if workload.in_worker:
        return partial(isolation.call, workload)
    return partial(called, workload.resolve(), workload.metric_names())
