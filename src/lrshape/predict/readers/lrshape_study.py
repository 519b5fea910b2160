"""The trials of a study of lrshape."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.reader import READERS, Reader, RunLog, Series
from lrshape.shapes.schedule import Schedule
from lrshape.store import Store, hyperparameters_of, params_of

MOST_VALUES = 50_000_000
"""Learning rates that are held: a study may have any number of trials."""
RUN = ["shape", "base_lr", "hyperparameters"]
"""What the trials of one run share."""
LOSSES = ["train_loss", "valid_loss"]


@READERS.register("lrshape_study")
class LrshapeStudy(Reader):
    """The directory of a study. A shape at a base LR and hyperparameters is a run: the mean of its trials.

    Its losses are the recorded curves, if there are any, and the final metrics. A run of which a trial
    diverged is left out, and so are trials that failed. The latest runs are read if there are too many.
    """

    @override
    def recognises(self, source: Path) -> bool:
        return source.is_dir() and (source / "study.json").is_file()

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        store = Store(source)
        spec = store.spec
        steps, step_rule = spec["workload"]["steps"], spec["step_rule"]
        trials = store.trials().astype({"shape": str, "hyperparameters": str})
        diverged = pd.MultiIndex.from_frame(trials.loc[trials["status"] == "diverged", RUN])
        trials = trials.loc[trials["status"] == "ok"]
        trials = trials.loc[~pd.MultiIndex.from_frame(trials[RUN]).isin(diverged)]
        if trials.empty:
            raise InputError(f"{source}: has no shape of which all trials are ok")
        metrics = [name for name in trials.columns if name.startswith("final/")]
        runs = trials.groupby(RUN, observed=True, sort=False).agg(
            {"family": "first", "params": "first"} | dict.fromkeys(metrics, "mean")
        )
        curves = _mean_curves(store.curves())
        minimised = spec["metric"] if spec["direction"] == "minimize" else ""
        logs = []
        for run in runs.tail(max(MOST_VALUES // steps, 1)).reset_index().to_dict("records"):
            shape, base_lr, tuned = (run[key] for key in RUN)
            schedule = Schedule(run["family"], params_of(run["params"]), base_lr, steps, step_rule)
            lrs = np.maximum(schedule.values(), spec.get("min_lr", 0.0))
            ends = {name: Series(np.array([float(steps)]), np.array([run[name]])) for name in metrics}
            known = {name: end for name, end in ends.items() if np.isfinite(end.values).all()}
            known |= curves.get((shape, base_lr, tuned), {})
            values = "".join(f"-{key}{value}" for key, value in hyperparameters_of(tuned).items())
            name = f"{shape}-lr{base_lr:.6g}{values}"
            logs.append(RunLog(name, source, known, lrs=lrs, minimised=minimised))
        return logs


def _mean_curves(curves: pd.DataFrame) -> dict[tuple[str, float, str], dict[str, Series]]:
    """The losses of each run by heading, at the steps that all curves of its trials have in common."""
    found: dict[tuple[str, float, str], dict[str, Series]] = {}
    for loss in LOSSES:
        named = curves.astype({"shape": str, "hyperparameters": str})
        table = named.groupby([*RUN, "step"], observed=True)[loss].agg(["mean", "count"]).reset_index()
        runs: dict[tuple[str, float, str], list[tuple[float, float, int]]] = {}
        columns = (table[name].tolist() for name in (*RUN, "step", "mean", "count"))
        for shape, base_lr, tuned, *point in zip(*columns, strict=True):
            runs.setdefault((shape, base_lr, tuned), []).append(tuple(point))
        for run, points in runs.items():
            steps, means, counts = np.array(points, np.float64).T
            kept = (counts == counts.max()) & (counts > 0)
            if kept.any():
                found.setdefault(run, {})[loss] = Series(steps[kept], means[kept])
    return found
