"""Train one chunk: the function that every executor runs."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.engine import Progress, evaluate
from lrshape.families import FAMILIES
from lrshape.families import evaluate as evaluate_family
from lrshape.schedule import Sampling, progress
from lrshape.study.keys import training_seeds
from lrshape.study.plan import Chunk, Shape
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


def multipliers(shapes: Sequence[Shape], steps: int, sampling: Sampling) -> NDArray[np.float64]:
    """Multipliers of shapes of any families, (shapes, steps); each distinct shape is computed once."""
    t = progress(steps, sampling)
    row_of = {shape: row for row, shape in enumerate(dict.fromkeys(shapes))}
    rows = np.empty((len(row_of), steps))
    batches: dict[tuple[str, tuple[str, ...], str], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for shape, row in row_of.items():
        params = json.loads(shape.params)
        numbers = {name: value for name, value in params.items() if isinstance(value, int | float)}
        shared = json.dumps({name: value for name, value in params.items() if name not in numbers})
        batches[shape.family, tuple(numbers), shared].append((row, numbers))
    for (family, names, shared), members in batches.items():
        indices = [row for row, _ in members]
        columns = {name: np.array([numbers[name] for _, numbers in members]) for name in names}
        rows[indices] = evaluate_family(FAMILIES[family], {**json.loads(shared), **columns}, t)
    return rows[[row_of[shape] for shape in shapes]]
