"""Train one chunk: the function that every executor runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrshape.procedure.keys import training_seeds
from lrshape.procedure.shape import multipliers
from lrshape.study.chunk import Chunk
from lrshape.study.spec import StudySpec
from lrshape.training import Outcome, Progress, evaluate
from lrshape.workers.executor import Task


@dataclass(frozen=True)
class Running:
    """How far a running chunk is.

    Attributes:
        trials: trials done, where a part of one counts as such.
        diverged: trials that diverged or failed.
        done: whether the chunk is done.
    """

    trials: float
    diverged: int
    done: bool


@dataclass(frozen=True)
class TrainChunk(Task[Chunk, pd.DataFrame]):
    """Trains every trial of a chunk and returns its rows.

    Attributes:
        spec: the study.
        chunk_size: trials in a program.
    """

    spec: StudySpec
    chunk_size: int

    def __call__(self, item: Chunk, report: Callable[[Running], None]) -> pd.DataFrame:
        """Train."""

        def heard(progress: Progress) -> None:
            report(Running(progress.done * len(item.trials), progress.diverged, progress.done >= 1))

        began = time.perf_counter()
        spec = self.spec
        base_lrs = np.array([t.base_lr for t in item.trials])
        shapes = [t.shape.family for t in item.trials]
        rates = multipliers(shapes, spec.workload.steps, spec.step_rule) * base_lrs[:, None]
        seeds = training_seeds(spec.seed, [t.seed for t in item.trials])
        outcome = evaluate(
            spec.workload, rates, seeds, base_lrs=base_lrs, members=self.chunk_size, report=heard
        )
        return item.table(outcome, time.perf_counter() - began)

    def parts(self, item: Chunk) -> tuple[Chunk, ...]:
        """Its halves."""
        return item.halves()

    def joined(self, results: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The rows of all parts."""
        return pd.concat(results, ignore_index=True)

    def failed(self, item: Chunk, reason: str) -> pd.DataFrame:
        """Rows of trials that failed for one reason."""
        count = len(item.trials)
        metrics = {name: np.full(count, np.inf) for name in self.spec.workload.metric_names()}
        outcome = Outcome(metrics, np.full(count, "failed"), np.full(count, -1), [reason] * count)
        return item.table(outcome, 0.0)
