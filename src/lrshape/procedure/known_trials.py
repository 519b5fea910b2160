"""Which trials the model of a search knows, where they are too many."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST = 1500
"""Trials that the model knows at most."""

POINT = ["shape", "base_lr", "hyperparameters"]
"""Columns that trials with other seeds share."""


def known_trials(trials: pd.DataFrame, finite: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of the trials that the model knows: those of the later phases, and as many of the screen's as fit.

    The screen keeps a third of the room if it needs it: far from the best, its trials are the only ones.
    Scores do not decide which are known: where noise is as large as the differences, the best trials are the
    luckiest, and a model of these alone takes every point to be nearly as good as the best one.
    """
    repeat = trials.groupby(POINT, observed=True, sort=False).cumcount().to_numpy(np.int64)
    is_screen = (trials["phase"] == "screen").to_numpy(bool)
    later, screen = np.flatnonzero(finite & ~is_screen), np.flatnonzero(finite & is_screen)
    later = _spread(later, repeat[later], MOST - min(len(screen), MOST // 3))
    return np.sort(np.append(later, _spread(screen, repeat[screen], MOST - len(later))))


def _spread(rows: NDArray[np.int64], repeat: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the rows, evenly.

    First those of the first seed of each point: a second seed tells less than the first one of another point.
    """
    seeds = np.searchsorted(np.bincount(repeat).cumsum(), most, side="right")  # that all points can have
    kept, partly = rows[repeat < seeds], rows[repeat == seeds]
    every = np.linspace(0, len(partly) - 1, min(len(partly), most - len(kept))).astype(np.int64)
    return np.append(kept, partly[every])
