"""Train one chunk: the function that every executor runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrshape.engine import Outcome, Progress, evaluate
from lrshape.executors.base import Task
from lrshape.study.keys import training_seeds
from lrshape.study.plan import Chunk
from lrshape.study.shape import multipliers
from lrshape.study.spec import StudySpec


@dataclass(frozen=True)
class Running:
    """How far a running chunk is.

    Attributes:
        trainings: trainings done, where a part of one counts as such.
        diverged: trainings that diverged or failed.
        done: whether the chunk is done.
    """

    trainings: float
    diverged: int
    done: bool


@dataclass(frozen=True)
class TrainChunk(Task[Chunk, pd.DataFrame]):
    """Trains every training of a chunk and returns its rows.

    Attributes:
        spec: the study.
        members: trainings in a program.
    """

    spec: StudySpec
    members: int

    def __call__(self, item: Chunk, report: Callable[[Running], None]) -> pd.DataFrame:
        """Train."""

        def heard(progress: Progress) -> None:
            report(Running(progress.done * len(item.trainings), progress.diverged, progress.done >= 1))

        began = time.perf_counter()
        spec = self.spec
        base_lrs = np.array([t.base_lr for t in item.trainings])
        shapes = [t.shape for t in item.trainings]
        rates = multipliers(shapes, spec.workload.steps, spec.sampling) * base_lrs[:, None]
        seeds = training_seeds(spec.seed, [t.seed for t in item.trainings])
        outcome = evaluate(spec.workload, rates, seeds, base_lrs=base_lrs, members=self.members, report=heard)
        return item.table(outcome, time.perf_counter() - began)

    def parts(self, item: Chunk) -> tuple[Chunk, ...]:
        """Its halves."""
        return item.halves()

    def joined(self, results: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The rows of all parts."""
        return pd.concat(results, ignore_index=True)

    def failed(self, item: Chunk, reason: str) -> pd.DataFrame:
        """Rows of trainings that failed for one reason."""
        count = len(item.trainings)
        metrics = {name: np.full(count, np.inf) for name in self.spec.workload.metric_names()}
        outcome = Outcome(metrics, np.full(count, "failed"), np.full(count, -1), [reason] * count)
        return item.table(outcome, 0.0)
