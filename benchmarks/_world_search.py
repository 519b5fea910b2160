"""A whole search of a synthetic world, driven in memory through the study's own phases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from _worlds import World
from threadpoolctl import threadpool_limits

from lrshape.analysis.design import Design
from lrshape.procedure.phases import PHASES
from lrshape.procedure.screening import Phase
from lrshape.procedure.trial import Candidate, Trial, multipliers, training_seeds
from lrshape.study.chunk import Chunk
from lrshape.study.spec import StudySpec
from lrshape.training.outcome import Outcome
from lrshape.training.workloads.function import FunctionWorkload


def run_search(
    world: World, document: Mapping[str, Any]
) -> tuple[pd.DataFrame, StudySpec, Sequence[Candidate]]:
    """Search a world with settings of a spec.

    Returns:
        The table of all trials, as a store has it; the spec; what the last phase chose.
    """
    spec = specified(world, document)
    tables: list[pd.DataFrame] = []
    chosen: Sequence[Candidate] = []
    with threadpool_limits(1):
        for make in PHASES.values():
            chosen, table = driven(world, spec, make(spec, chosen))
            tables.append(table)
    return pd.concat(tables, ignore_index=True), spec, chosen


def specified(world: World, document: Mapping[str, Any]) -> StudySpec:
    """The spec of a search of a world."""
    workload = FunctionWorkload.of(_untrained, world.steps, (world.metric,))
    return StudySpec.parse({**world.spec, **document}, workload)


def driven(world: World, spec: StudySpec, phase: Phase) -> tuple[Sequence[Candidate], pd.DataFrame]:
    """Run a phase to its end; what it chose, and its trials."""
    tables: list[pd.DataFrame] = []
    asked = next(phase)
    while True:
        if asked:
            tables.append(trained(world, spec, asked))
        try:
            asked = phase.send(pd.concat(tables, ignore_index=True) if tables else pd.DataFrame())
        except StopIteration as end:
            return end.value, pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def trained(world: World, spec: StudySpec, trials: Sequence[Trial]) -> pd.DataFrame:
    """The rows of trials."""
    base_lrs = np.array([trial.base_lr for trial in trials])
    shapes = [trial.shape.family for trial in trials]
    lrs = multipliers(shapes, world.steps, spec.step_rule) * base_lrs[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # of schedules that diverge
        values = world.loss(lrs, training_seeds(spec.seed, [trial.seed for trial in trials]))
        finite = np.isfinite(values.astype(np.float32))
    outcome = Outcome(
        {world.metric: np.where(finite, values, np.inf)},
        np.where(finite, "ok", "diverged"),
        np.where(finite, -1, world.steps - 1),
        [""] * len(trials),
    )
    return Chunk("search", tuple(trials)).table(outcome, 0.0)


def _untrained(lrs: np.ndarray, seed: int) -> float:
    raise AssertionError("the world's own loss is called instead")


def design_of(spec: StudySpec, chosen: Sequence[Candidate]) -> Design:
    """How the confirm phase of a search was designed, from its spec and what the tune phase chose."""
    return Design(
        looks=spec.confirm.looks, margin=spec.confirm.margin, winner=(chosen[0][0].id, chosen[0][1])
    )
