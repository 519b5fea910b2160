"""Train one chunk: the function that every executor runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrshape.engine import Progress, evaluate
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


def train_chunk(
    chunk: Chunk, report: Callable[[Running], None], *, spec: StudySpec, members: int
) -> pd.DataFrame:
    """Train every training of a chunk and return its rows."""

    def heard(progress: Progress) -> None:
        report(Running(progress.done * len(chunk.trainings), progress.diverged, progress.done >= 1))

    began = time.perf_counter()
    base_lrs = np.array([t.base_lr for t in chunk.trainings])
    shapes = [t.shape for t in chunk.trainings]
    rates = multipliers(shapes, spec.workload.steps, spec.sampling) * base_lrs[:, None]
    seeds = training_seeds(spec.seed, [t.seed for t in chunk.trainings])
    outcome = evaluate(spec.workload, rates, seeds, base_lrs=base_lrs, members=members, report=heard)
    return chunk.table(outcome, time.perf_counter() - began)
