"""Re-ranking: who wins by each stored metric, without training again."""

import math

import pandas as pd

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.frames import records, where
from lrshape.store import PHASES, metric_columns


def winners_by_metric(analysis: Analysis) -> pd.DataFrame:
    """The winner by the analysis's metric and by every other stored metric, each measured by all of them.

    Shapes were rescored because the study's own metric had chosen them, so the winner by another metric is
    the best of those. Where it was not confirmed at its base LR, its numbers are from seeds that chose it.

    Returns:
        One row for each (winner, phase that trained it at its base LR, metric): ``shape, family, params,
        base_lr, chosen_by, phase, seeds, metric, score, low, high``. ``chosen_by`` is a tuple of the metrics
        by which that shape at that base LR wins. The analysis's winner comes first, of each winner the last
        phase. Metrics by which every shape diverged have no winner.

    Raises:
        InputError: if there is no winner yet.
    """
    others = [name for name in metric_columns(analysis.trials.columns) if name != analysis.metric]
    by = {analysis.metric: analysis}
    by |= {name: Analysis(analysis.trials, name, confidence=analysis.confidence) for name in others}
    chosen: dict[tuple[str, float], list[str]] = {}
    for name, one in by.items():
        if math.isfinite(one.winner["score"]):
            key = str(one.winner["shape"]), float(one.winner["base_lr"])
            chosen.setdefault(key, []).append(name)
    found = []
    for (shape, base_lr), names in chosen.items():
        for phase in reversed(PHASES):
            for name, one in by.items():
                table = where(one.scores, one.scores["phase"] == phase)
                rows = records(where(table, (table["shape"] == shape) & (table["base_lr"] == base_lr)))
                found += [{**row, "metric": name, "chosen_by": tuple(names)} for row in rows]
    columns = ["shape", "family", "params", "base_lr", "chosen_by", "phase", "seeds", "metric"]
    return pd.DataFrame(found, columns=[*columns, "score", "low", "high"])
