"""Re-ranking: who wins by each stored metric, without training again."""

import math

import pandas as pd

from lrshape.analysis.reduce import scores
from lrshape.analysis.result import rows_where, winner
from lrshape.store import PHASES, metric_columns


def winners_by_metric(trainings: pd.DataFrame, objective: str, confidence: float = 0.95) -> pd.DataFrame:
    """The winner by the objective and by every other stored metric, each measured by all of them.

    Shapes were rescored because the study's own objective had chosen them, so the winner by another metric is
    the best of those. Where it was not confirmed at its base LR, its numbers are from seeds that chose it.

    Args:
        trainings: the table of a store, in any order of rows.
        objective: the metric that comes first.
        confidence: of each interval by itself, in (0, 1).

    Returns:
        One row for each (winner, phase that trained it at its base LR, metric): ``shape, family, params,
        base_lr, chosen_by, phase, seeds, metric, score, low, high``. ``chosen_by`` is a tuple of the metrics
        by which that shape at that base LR wins. The objective's winner comes first, of each winner the last
        phase. Metrics by which every shape diverged have no winner.

    Raises:
        InputError: if there is no winner yet, or the objective is not stored.
    """
    stored = metric_columns(trainings.columns)
    metrics = [objective, *(metric for metric in stored if metric != objective)]
    chosen: dict[tuple[str, float], list[str]] = {}
    for metric in metrics:
        won = winner(trainings, metric).to_dict()
        if math.isfinite(won["score"]):
            chosen.setdefault((won["shape"], won["base_lr"]), []).append(metric)
    found = []
    for (shape, base_lr), by in chosen.items():
        same = (trainings["shape"] == shape) & (trainings["base_lr"] == base_lr)
        rows = rows_where(trainings, same & trainings["phase"].isin(PHASES))
        measured = pd.concat([scores(rows, m, confidence).assign(metric=m) for m in metrics])
        for phase in reversed(PHASES):
            of_phase = rows_where(measured, measured["phase"] == phase)
            found += [{**row, "chosen_by": tuple(by)} for row in of_phase.to_dict("records")]
    columns = ["shape", "family", "params", "base_lr", "chosen_by", "phase", "seeds", "metric"]
    return pd.DataFrame(found, columns=[*columns, "score", "low", "high"])
