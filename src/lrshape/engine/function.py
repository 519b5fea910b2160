"""Train function workloads: call the user's function once for each member."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.engine.outcome import Outcome, Progress
from lrshape.workloads.function import FunctionWorkload, full_name

MESSAGE_LENGTH = 500
LARGEST = float(np.finfo(np.float32).max)
"""Metrics beyond float32's range count as not finite, as they are where networks train."""


def train(
    workload: FunctionWorkload,
    lrs: NDArray[np.float64],
    seeds: NDArray[np.integer],
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Call the function for each row of ``lrs``; an exception marks that training as failed."""
    function = workload.resolve()
    count = len(seeds)
    metrics = {name: np.full(count, np.inf) for name in workload.metric_names()}
    status = np.full(count, "ok", dtype="<U8")
    messages = [""] * count
    for i in range(count):
        try:
            values = _scores(function(lrs[i].astype(np.float64), int(seeds[i])), workload.metric_names())
        except (Exception, SystemExit) as error:  # whatever the user's code does concerns this training alone
            status[i] = "failed"
            messages[i] = _message(error)
        else:
            if all(abs(value) <= LARGEST for value in values.values()):  # false for NaN
                for name, value in values.items():
                    metrics[name][i] = value
            else:
                status[i] = "diverged"
        if report is not None:
            report(Progress((i + 1) / count, int((status[: i + 1] != "ok").sum())))
    return Outcome(metrics, status, np.where(status == "diverged", workload.steps - 1, -1), messages)


def _message(error: BaseException) -> str:
    """An exception's name and text, as text that any file can hold; users' exceptions may do anything."""
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be read"
    full = f"{type(error).__name__}: {text}"[:MESSAGE_LENGTH]
    return full.encode("utf-8", "backslashreplace").decode("utf-8")


def _scores(result: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Check what a train function returned.

    Raises:
        TypeError: if it is neither a number nor a mapping with numbers for all the stated metrics.
    """
    named = result if isinstance(result, Mapping) else {names[0]: result}
    given = {full_name(name): value for name, value in named.items()}
    missing = [name for name in names if name not in given]
    if missing:
        raise TypeError(f"train must return the metrics {', '.join(names)}; missing: {', '.join(missing)}")
    scores = {}
    for name in names:
        value = given[name]
        if isinstance(value, str | bytes | bool) or not hasattr(value, "__float__"):
            raise TypeError(f"train must return a number for {name}, got {value!r:.80}")
        scores[name] = float(value)
    return scores
