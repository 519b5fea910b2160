"""What the stored searches have trained, how well, and on what."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from ngrams import FILE
from stored import WorkloadStudies, workloads

from lrshape.analysis.tables import where

DECAY_BY = "decay-by-"
"""Folders of the tuned weight decays, whose trainings are others."""
SCALES = {"final/test_error": ("test error", 100, "%"), "final/valid_perplexity": ("perplexity", 1, "")}
"""Metrics that people know, with their name, factor and unit."""


class Trained(NamedTuple):
    """One row of the table.

    Attributes:
        name: of the workload.
        steps: of a trial.
        trials: stored ones, of all its searches, contests, sweeps and checks.
        metric: that decides.
        score: the best shape's median of it over fresh seeds.
        known: its median of another metric, in words; empty without one.
        device: that the search ran on.
    """

    name: str
    steps: int
    trials: int
    metric: str
    score: float
    known: str
    device: str


def trained(one: WorkloadStudies) -> Trained:
    """The row of a workload."""
    study = one.main
    trials = study.trials()
    best = where(trials, (trials["phase"] == "confirm") & (trials["shape"] == one.best.shape))
    known = [
        f"{name} {factor * best[metric].median():.1f}{unit}"
        for metric, (name, factor, unit) in SCALES.items()
        if metric in best
    ]
    device = study.store.document["device"]
    return Trained(
        one.name,
        study.steps,
        sum(
            pq.read_metadata(file).num_rows
            for file in one.path.rglob("trials/*.parquet")
            if not file.relative_to(one.path).parts[0].startswith(DECAY_BY)
        ),
        study.metric,
        float(np.median(best[study.metric])),
        ", ".join(known),
        device["kind"] if device["platform"] == "gpu" else f"{device['count']} CPU cores",
    )


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    perplexities = json.loads(FILE.read_text(encoding="utf-8"))
    return {"rows": [trained(one) for one in workloads()], "ngrams": perplexities}
