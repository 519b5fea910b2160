"""The trials of a study of lrshape."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.reader import READERS, Reader, RunLog, Series
from lrshape.shapes.schedule import Schedule
from lrshape.store import Store, params_of

MOST_VALUES = 50_000_000
"""Learning rates that are held: a study may have any number of trials."""


@READERS.register("lrshape_study")
class LrshapeStudy(Reader):
    """The directory of a study; a trial is a run, called after its phase, shape, base LR and seed.

    Its losses are the final metrics, not the loss curves.
    Trials that diverged or failed are left out. The latest trials are read if there are too many.
    """

    @override
    def recognises(self, source: Path) -> bool:
        return source.is_dir() and (source / "study.json").is_file()

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        store = Store(source)
        spec = store.document["spec"]
        steps, step_rule = spec["workload"]["steps"], spec["step_rule"]
        trials = store.trials()
        trials = trials.loc[trials["status"] == "ok"].tail(max(MOST_VALUES // steps, 1))
        if trials.empty:
            raise InputError(f"{source}: has no trial that is ok")
        metrics = [name for name in trials.columns if name.startswith("final/")]
        logs, lrs = [], {}
        for row in trials.to_dict("records"):
            key = (row["family"], row["params"], row["base_lr"])
            if key not in lrs:
                lrs[key] = Schedule(key[0], params_of(key[1]), key[2], steps, step_rule).values()
            name = f"{row['phase']}-{row['shape']}-lr{row['base_lr']:.6g}-seed{row['seed']}"
            log = RunLog(name, source, _curves(row, metrics, steps), lrs=lrs[key])
            log.minimised = spec["metric"] if spec["direction"] == "minimize" else ""
            logs.append(log)
        return logs


def _curves(row: Mapping[str, Any], metrics: list[str], steps: int) -> dict[str, Series]:
    """A trial's final metrics by heading, each one point."""
    at = np.array([float(steps)])
    return {name: Series(at, np.array([float(row[name])])) for name in metrics if np.isfinite(row[name])}
