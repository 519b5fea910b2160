"""Coordinate sweeps of a finished study: every parameter of its best shapes changed alone, on fresh seeds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from lrshape.analysis.coordinate import best_points, confirmed_points, point_id, sweep_points
from lrshape.analysis.frames import records, where
from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import BASELINE
from lrshape.analysis.tables import write_csv
from lrshape.checks.follow_up import follow_up
from lrshape.errors import InputError
from lrshape.procedure.base_lr import BaseLRStrategy, GridLR
from lrshape.procedure.keys import FIRST_SEED
from lrshape.procedure.phases import Candidate, Phase, trials
from lrshape.procedure.shape import ShapeRecord
from lrshape.settings import Settings
from lrshape.shapes import FAMILIES
from lrshape.shapes.space import Dimension
from lrshape.store import params_of, store_error
from lrshape.study.callback import Callback
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study
from lrshape.workers.executor import ExecutorChoice

NAME = "coordinate"
CONFIRM_AFTER = 100_000
"""Seeds of the phase before those that confirm: however many the sweep has, they are never its own."""


class CoordinateSettings(Settings):
    """What is swept, and on how many seeds."""

    top: int = Field(default=1, ge=1, le=1000, description="best shapes, the winner first")
    points: int = Field(default=9, ge=2, le=1000, description="values a parameter, besides the shape's own")
    seeds: int = Field(default=10, ge=1, le=10_000, description="seeds a value and base LR")
    base_lrs: int = Field(
        default=3, ge=1, le=99, description="base LRs a value, within a grid step around the shape's best"
    )
    confirm_seeds: int = Field(
        default=40, ge=1, le=10_000, description="further seeds for the best values and the original shape"
    )


@dataclass(frozen=True)
class CoordinateResult:
    """What a coordinate sweep found.

    Attributes:
        metric: the metric that is minimised.
        settings: what was swept.
        points: as `lrshape.analysis.coordinate.sweep_points` gives it.
        confirmed: as `lrshape.analysis.coordinate.confirmed_points` gives it.
        winner: name of the study's winner.
        trials: how many were made.
        directory: where they, the tables, the figures and the page are.
    """

    metric: str
    settings: CoordinateSettings
    points: pd.DataFrame
    confirmed: pd.DataFrame
    winner: str
    trials: int
    directory: Path


def best_shapes(study: Study, top: int) -> list[Candidate]:
    """The best ``top`` shapes that are no baselines, by the rescore phase, at their best base LR.

    Raises:
        InputError: if the study is not complete, has not rescored so many, or they have no finite score.
    """
    study.require_complete()
    best = best_base_lrs(scores(study.store.trials(["rescore"]), study.metric))
    own = where(best, ~best["shape"].str.startswith(BASELINE).to_numpy(bool))
    finite = where(own, np.isfinite(own["score"].to_numpy(np.float64)))
    if finite.empty:
        raise InputError(f"{study.path}: no shape has a finite {study.metric}, so there is none to sweep")
    if top > len(finite):
        raise InputError(
            f"top must be at most {len(finite)}, the rescored shapes with a finite score, got {top}"
        )
    return [
        (ShapeRecord(row["shape"], row["family"], row["params"]), float(row["base_lr"]))
        for row in records(finite)[:top]
    ]


def values(dimension: Dimension, own: Any, points: int) -> list[Any]:
    """Values of one parameter over its range, evenly spaced in the unit cube, without the shape's own.

    Whole numbers and choices that are fewer than ``points`` all occur.
    """
    if dimension.scale == "choice":
        found = list(dimension.choices)
    else:
        whole = int(dimension.high - dimension.low) + 1 if dimension.scale == "integer" else points
        found = list(dict.fromkeys(dimension.from_unit(np.linspace(0, 1, min(points, whole))).tolist()))
    return [value for value in found if value != own]


def changed_shapes(spec: StudySpec, shape: ShapeRecord, points: int) -> list[ShapeRecord]:
    """The shape with one searched parameter changed, for all of them and their values."""
    family = next(family for family in spec.families if family.name == shape.family)
    legal = {p.name: p for p in FAMILIES[shape.family].parameters()}
    params = params_of(shape.params)
    return [
        ShapeRecord.of(
            point_id(shape.id, dimension.name, index),
            shape.family,
            params | {dimension.name: legal[dimension.name].validated(value)},
        )
        for dimension in family.space().dimensions
        for index, value in enumerate(values(dimension, params[dimension.name], points))
    ]


def coordinate_phase(spec: StudySpec, centres: list[Candidate], settings: CoordinateSettings) -> Phase:
    """Every changed shape and the original around the original's base LR, then the best again.

    Base LRs are extended wherever the best is at an edge, as the screen's are. Returns what it confirmed.
    """
    groups = {shape: [shape, *changed_shapes(spec, shape, settings.points)] for shape, _ in centres}
    grids = {shape: around(spec.base_lr, base_lr, settings.base_lrs) for shape, base_lr in centres}
    best = table = pd.DataFrame()
    while candidates := [
        candidate
        for shape, group in groups.items()
        for candidate in grids[shape].propose(group, _of(best, group))
    ]:
        table = yield trials(NAME, candidates, settings.seeds)
        best = best_base_lrs(scores(table, spec.metric))
    by_id = {shape.id: shape for group in groups.values() for shape in group}
    base_lr = dict(zip(best["shape"], best["base_lr"], strict=True))
    names = [shape.id for shape in groups] + best_points(sweep_points(table, spec.metric))["point"].tolist()
    chosen = [(by_id[name], float(base_lr[name])) for name in names]
    yield trials(NAME, chosen, settings.confirm_seeds, skip=CONFIRM_AFTER)
    return chosen


def around(grid: BaseLRStrategy, base_lr: float, count: int) -> GridLR:
    """A finer grid of ``count`` base LRs around one, as the rescore phase takes them.

    Where the best is at its edge it may grow on either side as far as the given grid may, in base LR.
    """
    bracket = grid.bracket(base_lr, count)
    finer = (count + 1) / 2  # points to a step of the given grid
    return GridLR(
        low=bracket[0],
        high=bracket[-1],
        points=len(bracket),
        extend=min(100, int(np.ceil(max(grid.extend, 4) * finer))),
    )


def _of(best: pd.DataFrame, group: list[ShapeRecord]) -> pd.DataFrame:
    return best if best.empty else where(best, best["shape"].isin([shape.id for shape in group]))


def coordinate(
    study: Study,
    settings: CoordinateSettings,
    *,
    callback: Callback | None = None,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
) -> CoordinateResult:
    """Sweep the best shapes of a complete study, and write tables, figures and a page about it.

    Running it again trains only what is missing.

    Raises:
        InputError: if the study is not complete, has too few shapes, or nothing that could be swept; or if
            its directory holds a sweep with other settings.
        TimeLimitReached: if the time limit came first; what is finished is kept.
        StoreError: if results cannot be written.
    """
    centres = best_shapes(study, settings.top)
    spec = StudySpec.parse(study.document["spec"])
    fixed = [shape.id for shape, _ in centres if not changed_shapes(spec, shape, settings.points)]
    if fixed:
        raise InputError(f"{fixed[0]} has no searched parameter: there is nothing to sweep; lower --top")
    table = follow_up(
        study,
        NAME,
        settings.model_dump(),
        coordinate_phase(spec, centres, settings),
        callback=callback,
        time_limit=time_limit,
        executor=executor,
    )
    confirming = table["seed"].to_numpy() >= FIRST_SEED[NAME] + CONFIRM_AFTER
    points = sweep_points(where(table, ~confirming), study.metric)
    result = CoordinateResult(
        metric=study.metric,
        settings=settings,
        points=points,
        confirmed=confirmed_points(where(table, confirming), points, study.metric),
        winner=centres[0][0].id,
        trials=len(table),
        directory=study.directory / NAME,
    )
    _write(study, result, table)
    return result


def _write(study: Study, result: CoordinateResult, table: pd.DataFrame) -> None:
    from lrshape.report.coordinate_page import write_coordinate_report

    try:
        write_csv(
            {
                "points": result.points,
                "confirmed": result.confirmed,
                "trials": table.drop(columns="wall_time"),
            },
            result.directory / "tables",
        )
        write_coordinate_report(
            result.points,
            result.confirmed,
            result.directory,
            winner=result.winner,
            metric=result.metric,
            document=study.document,
            settings=result.settings.model_dump(),
            trials=result.trials,
        )
    except OSError as error:
        raise store_error(error, Path(error.filename2 or error.filename or result.directory)) from error


def expected_trials(study: Study, settings: CoordinateSettings) -> int:
    """How many trials a sweep takes at least: extended base LRs add to it."""
    spec = StudySpec.parse(study.document["spec"])
    count = 0
    for shape, base_lr in best_shapes(study, settings.top):
        changed = changed_shapes(spec, shape, settings.points)
        base_lrs = len(spec.base_lr.bracket(base_lr, settings.base_lrs))
        parameters = {shape.id.rsplit(":", 2)[1] for shape in changed}
        count += (1 + len(changed)) * base_lrs * settings.seeds
        count += (1 + len(parameters)) * settings.confirm_seeds
    return count
