"""Re-ranking: who wins by each stored metric, without training again."""

import math

import pandas as pd

from lrshape.analysis.reduce import scores
from lrshape.analysis.result import rows_where, winner
from lrshape.store import PHASES, metric_columns


def winners_by_metric(trials: pd.DataFrame, metric: str, confidence: float = 0.95) -> pd.DataFrame:
    """The winner by the metric and by every other stored metric, each measured by all of them.

    Shapes were rescored because the study's own metric had chosen them, so the winner by another metric is
    the best of those. Where it was not confirmed at its base LR, its numbers are from seeds that chose it.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that comes first.
        confidence: of each interval by itself, in (0, 1).

    Returns:
        One row for each (winner, phase that trained it at its base LR, metric): ``shape, family, params,
        base_lr, chosen_by, phase, seeds, metric, score, low, high``. ``chosen_by`` is a tuple of the metrics
        by which that shape at that base LR wins. The metric's winner comes first, of each winner the last
        phase. Metrics by which every shape diverged have no winner.

    Raises:
        InputError: if there is no winner yet, or the metric is not stored.
    """
    stored = metric_columns(trials.columns)
    metrics = [metric, *(name for name in stored if name != metric)]
    chosen: dict[tuple[str, float], list[str]] = {}
    for name in metrics:
        won = winner(trials, name).to_dict()
        if math.isfinite(won["score"]):
            chosen.setdefault((str(won["shape"]), float(won["base_lr"])), []).append(name)
    found = []
    for (shape, base_lr), by in chosen.items():
        same = (trials["shape"] == shape) & (trials["base_lr"] == base_lr)
        rows = rows_where(trials, same & trials["phase"].isin(PHASES))
        measured = pd.concat([scores(rows, m, confidence).assign(metric=m) for m in metrics])
        for phase in reversed(PHASES):
            of_phase = rows_where(measured, measured["phase"] == phase)
            found += [{**row, "chosen_by": tuple(by)} for row in of_phase.to_dict("records")]
    columns = ["shape", "family", "params", "base_lr", "chosen_by", "phase", "seeds", "metric"]
    return pd.DataFrame(found, columns=[*columns, "score", "low", "high"])
