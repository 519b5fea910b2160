"""Chunks: the trials that are trained together in one program and stored in one file; and training one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.scores import judge
from lrshape.errors import InputError
from lrshape.procedure.scheduled import series
from lrshape.procedure.trial import Candidate, Trial, multipliers, training_seeds
from lrshape.store import CURVE, chunk_name, hyperparameters_of
from lrshape.study.spec import StudySpec
from lrshape.training.evaluation import evaluate
from lrshape.training.outcome import Outcome, Progress
from lrshape.training.workload import PopulationWorkload
from lrshape.workers.executor import Task


@dataclass(frozen=True)
class Chunk:
    """Trials that are run, stored and lost together."""

    name: str
    trials: tuple[Trial, ...]

    def keys(self) -> pd.DataFrame:
        """The columns that the plan fixes, one row a trial."""
        return pd.DataFrame(
            {
                "phase": [t.phase for t in self.trials],
                "shape": [t.shape.id for t in self.trials],
                "family": [t.shape.family.name for t in self.trials],
                "params": [t.shape.params for t in self.trials],
                "base_lr": np.array([t.base_lr for t in self.trials], np.float64),
                "hyperparameters": [t.candidate.hyperparameters for t in self.trials],
                "seed": np.array([t.seed for t in self.trials], np.int64),
            }
        )

    def is_of(self, table: pd.DataFrame) -> bool:
        """Whether a stored table holds this chunk's trials."""
        keys = self.keys()
        return table[list(keys)].astype(keys.dtypes.to_dict()).equals(keys)

    def table(self, outcome: Outcome, metric: str, seconds: float) -> pd.DataFrame:
        """The rows to store, with the status by one metric; each trial gets an equal share of the time."""
        table = self.keys()
        for name, values in outcome.items():
            table[name] = values
        table["status"] = outcome.status.astype(object)
        table["first_bad_step"] = outcome.first_bad_step.astype(np.int64)
        table["message"] = outcome.message
        table["wall_time"] = seconds / len(table)
        if any(curve is not None for curve in outcome.curves):
            table[CURVE] = pd.Series(outcome.curves, dtype=object)
        return judge(table, metric)


def cut(phase: str, first: int, trials: Sequence[Trial], size: int) -> list[Chunk]:
    """Cut trials into chunks of ``size``, numbered from ``first``."""
    return [
        Chunk(chunk_name(phase, first + number), tuple(trials[start : start + size]))
        for number, start in enumerate(range(0, len(trials), size))
    ]


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
        """Train; a trial whose hyperparameters the workload refuses has failed."""
        try:
            return self._trained(item, report)
        except InputError as error:
            if not (self.spec.tune and isinstance(self.spec.workload, PopulationWorkload)):
                raise
            self.spec.workload.data()  # where it is missing, this raises: no trial can be trained
            if len(item.trials) == 1:
                return self.failed(item, str(error))
            return self.joined([self(part, report) for part in self.parts(item)])

    def _trained(self, item: Chunk, report: Callable[[Running], None]) -> pd.DataFrame:
        def heard(progress: Progress) -> None:
            report(Running(progress.done * len(item.trials), progress.diverged, progress.done >= 1))

        began = time.perf_counter()
        spec = self.spec
        base_lrs = np.array([t.base_lr for t in item.trials])
        shapes = [t.shape.family for t in item.trials]
        rates = multipliers(shapes, spec.workload.steps, spec.step_rule) * base_lrs[:, None]
        rates = np.maximum(rates, spec.min_lr)
        seeds = training_seeds(spec.seed, [t.seed for t in item.trials])
        outcome = evaluate(
            spec.workload,
            rates,
            seeds,
            base_lrs=base_lrs,
            hyperparameters=_columns(spec, [t.candidate for t in item.trials]),
            members=self.chunk_size,
            report=heard,
        )
        return item.table(outcome, spec.metric, time.perf_counter() - began)

    def parts(self, item: Chunk) -> tuple[Chunk, ...]:
        """Its halves; nothing if it is one trial."""
        middle = len(item.trials) // 2
        parts = (item.trials[:middle], item.trials[middle:])
        return tuple(Chunk(item.name, part) for part in parts) if middle else ()

    def joined(self, results: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The rows of all parts."""
        return pd.concat(results, ignore_index=True)

    def failed(self, item: Chunk, reason: str) -> pd.DataFrame:
        """Rows of trials that failed for one reason."""
        count = len(item.trials)
        metrics = {name: np.full(count, np.inf) for name in self.spec.workload.metric_names()}
        outcome = Outcome(metrics, np.full(count, "failed"), np.full(count, -1), [reason] * count)
        return item.table(outcome, self.spec.metric, 0.0)


def _columns(spec: StudySpec, candidates: Sequence[Candidate]) -> dict[str, Any] | None:
    """Hyperparameters by name: a list with a value for each trial or, where they may have schedules, series.

    Lists, for an array of 8 and 0.5 would hold 8.0 and 0.5. None if there are none.
    """
    rows = [hyperparameters_of(candidate.hyperparameters) for candidate in candidates]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    for name in columns.keys() & spec.scheduled:
        columns[name] = series(
            name, columns[name], candidates, spec.workload.steps, spec.step_rule, spec.min_lr
        )
    return columns or None
