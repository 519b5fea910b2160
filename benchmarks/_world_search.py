"""A whole search of a synthetic world, driven in memory through the study's own phases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from _worlds import World
from threadpoolctl import threadpool_limits

from lrshape.procedure.choice import Choice
from lrshape.procedure.rounds import Rounds
from lrshape.procedure.trial import multipliers, training_seeds
from lrshape.study.chunk import Chunk
from lrshape.study.drive import Driven, drive_phase, drive_search
from lrshape.study.spec import StudySpec
from lrshape.training.outcome import Outcome
from lrshape.training.workloads.function import FunctionWorkload

CHUNK_SIZE = 64


def run_search(world: World, document: Mapping[str, Any]) -> tuple[pd.DataFrame, StudySpec, Choice]:
    """Search a world with settings of a spec.

    Returns:
        The table of all trials, as a store has it; the spec; what the search chose to confirm.
    """
    spec = specified(world, document)
    phases: list[Driven[Any]] = []

    def source(chunks: Sequence[Chunk]) -> list[pd.DataFrame]:
        return [trained(world, spec, chunk) for chunk in chunks]

    def drive(name: str, phase: Rounds[Any]) -> tuple[Any, pd.DataFrame]:
        phases.append(drive_phase(spec, name, phase, CHUNK_SIZE, source))
        return phases[-1].chosen, phases[-1].table

    with threadpool_limits(1):
        drive_search(spec, drive)
    return pd.concat([phase.table for phase in phases], ignore_index=True), spec, phases[-1].chosen


def specified(world: World, document: Mapping[str, Any]) -> StudySpec:
    """The spec of a search of a world."""
    workload = FunctionWorkload.of(_untrained, world.steps, (world.metric,))
    return StudySpec.parse({**world.spec, **document}, workload)


def trained(world: World, spec: StudySpec, chunk: Chunk) -> pd.DataFrame:
    """Train a chunk; its rows as a study stores them."""
    base_lrs = np.array([trial.base_lr for trial in chunk.trials])
    shapes = [trial.shape.family for trial in chunk.trials]
    lrs = multipliers(shapes, world.steps, spec.step_rule) * base_lrs[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # of schedules that diverge
        values = world.loss(lrs, training_seeds(spec.seed, [trial.seed for trial in chunk.trials]))
        finite = np.isfinite(values.astype(np.float32))
    outcome = Outcome(
        {world.metric: np.where(finite, values, np.inf)},
        np.where(finite, "ok", "diverged"),
        np.where(finite, -1, world.steps - 1),
        [""] * len(values),
    )
    return chunk.table(outcome, spec.metric, 0.0)


def _untrained(lrs: np.ndarray, seed: int) -> float:
    raise AssertionError("the world's own loss is called instead")
