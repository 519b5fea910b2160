"""Which way a metric is better. Everything inside works on losses, which are lower where they are better.

Tables of trials become losses where they come in, and what users read is turned back in one place.
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.averages import higher_is_better, last_word

Direction = Literal["minimize", "maximize"]

_SCORES = ("score", "other_score", "own_score", "reference", "one", "few")
_INTERVALS = (("low", "high"), ("own_low", "own_high"))


def sign(direction: Direction) -> int:
    """Return 1 if lower values are better, -1 if higher ones are."""
    return -1 if direction == "maximize" else 1


def as_losses(trials: pd.DataFrame, metric: str, direction: Direction) -> pd.DataFrame:
    """Return trials whose metric is lower where it is better: its sign is turned if it is maximised.

    Args:
        trials: the table of a store; without the metric it is returned as it is.
        metric: its name.
        direction: of the metric.
    """
    if sign(direction) > 0 or metric not in trials:
        return trials
    return trials.assign(**{metric: 0.0 - trials[metric].to_numpy(np.float64)})


def measured(loss: float, direction: Direction) -> float:
    """Return a loss in the metric's own sign; +inf, of a trial that diverged, stays."""
    return loss if loss == np.inf else sign(direction) * loss


def as_measured(table: pd.DataFrame, direction: Direction) -> pd.DataFrame:
    """Return a table of losses in the metric's own sign, as the training returned it.

    Scores are turned, and the ends of their intervals change places. An infinite loss stays +inf: the trial
    diverged. Effects, differences, gains and regrets stay, because they say how much better something is.

    Example:
        >>> table = pd.DataFrame({"score": [-0.9, float("inf")], "low": [-0.92, -0.1], "high": [-0.87, 0.0]})
        >>> as_measured(table, "maximize").to_numpy().tolist()
        [[0.9, 0.87, 0.92], [inf, 0.0, 0.1]]
    """
    if sign(direction) > 0:
        return table
    turned = {key: _turned(table[key].to_numpy(np.float64)) for key in _SCORES if key in table}
    for low, high in _INTERVALS:
        if low in table:
            turned[low] = 0.0 - table[high].to_numpy(np.float64)
            turned[high] = 0.0 - table[low].to_numpy(np.float64)
    return table.assign(**turned)


def direction_of(name: str, metric: str, direction: Direction) -> Direction:
    """Return the direction of a stored metric of a study.

    Args:
        name: the stored metric.
        metric: the study's own.
        direction: of the study's own.

    Returns:
        The study's own for its metric and those like it, which end in the same word; else ``maximize`` for
        accuracies and the like, see `lrshape.averages.higher_is_better`, and ``minimize`` for all others.

    Example:
        >>> direction_of("final/test_accuracy@ema-0.1", "best/valid_accuracy", "maximize")
        'maximize'
        >>> direction_of("final/test_loss@ema-0.1", "best/valid_accuracy", "maximize")
        'minimize'
    """
    is_higher = higher_is_better(name)
    if last_word(name) == last_word(metric) and is_higher == higher_is_better(metric):
        return direction
    return "maximize" if is_higher else "minimize"


def _turned(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isposinf(scores), scores, 0.0 - scores)
