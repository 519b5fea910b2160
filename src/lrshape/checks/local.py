"""Is the winner a local optimum? One parameter of the best shapes changed at a time, on fresh seeds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, field_validator
from typing_extensions import override

from lrshape.analysis.scores import best_base_lrs, is_baseline, scores
from lrshape.analysis.tables import records, where
from lrshape.checks.check import CHECKS, Check, CheckResult, as_confirmed, best_stored, require_search
from lrshape.checks.local_page import local_result
from lrshape.checks.local_statistics import best_points, confirm_points, origin, point_id, score_points
from lrshape.errors import InputError
from lrshape.procedure.base_lr import BaseLRStrategy, GridLR
from lrshape.procedure.rounds import Phase
from lrshape.procedure.trial import Candidate, ShapeRecord
from lrshape.shapes.space import Dimension
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study

CONFIRM_AFTER = 100_000
"""Seeds of the check before those that confirm: however many choose, they are never the same."""


@CHECKS.register("local")
class LocalCheck(Check):
    """Vary one parameter at a time around the best shapes and test whether any change helps.

    lrshape tunes the base LR again at every value. It then trains the best values and the original shape on
    further seeds, which have not chosen anything. It writes tables, figures and a page to DIR/local. Run the
    command again to resume it.

    Examples:

        lrshape check local digits

        lrshape check local digits --top 3 --points 17 --seeds 20

        lrshape check local digits --json
    """

    FIRST_SEED: ClassVar[int | None] = 3_000_000

    top: int = Field(default=1, ge=1, le=1000, description="best shapes to vary, the winner first")
    points: int = Field(default=9, ge=2, le=1000, description="values per parameter, besides the shape's own")
    seeds: int = Field(default=10, ge=1, le=10_000, description="fresh seeds per value and base LR")
    base_lrs: int = Field(
        default=3,
        ge=1,
        le=99,
        description="base LRs per value, an odd number: the shape's best and others within a grid step",
    )
    confirm_seeds: int = Field(
        default=40, ge=1, le=10_000, description="further seeds for the best values and the original shape"
    )

    @field_validator("base_lrs")
    @classmethod
    def _has_a_centre(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"must be odd, so that the shape's best base LR is one of them, got {value}")
        return value

    @override
    def phase(self, study: Study) -> Phase:
        spec = study.spec
        centers = best_shapes(study, self.top)
        fixed = [c.shape.id for c in centers if not changed_shapes(spec, c.shape, self.points)]
        if fixed:
            raise InputError(
                f"{fixed[0]} has no searched parameter, so there is nothing to vary; choose a smaller top"
            )
        return self._rounds(spec, centers)

    def _rounds(self, spec: StudySpec, centers: list[Candidate]) -> Phase:
        """Every changed shape and the original around the original's base LR, then the best again.

        Base LRs are extended wherever the best is at an edge, as the screen's are.
        """
        groups = {c: [c.shape, *changed_shapes(spec, c.shape, self.points)] for c in centers}
        grids = {c: grid_around(spec.base_lr, c.base_lr, self.base_lrs) for c in centers}
        best = table = pd.DataFrame()
        while candidates := [
            proposed._replace(hyperparameters=center.hyperparameters)
            for center, group in groups.items()
            for proposed in grids[center].propose(group, best)
        ]:
            table = yield self.trials(candidates, self.seeds)
            best = best_base_lrs(scores(table, spec.metric))
        by_id = {row["shape"]: Candidate.read(row) for row in records(best)}
        points = best_points(score_points(table, spec.metric))
        chosen = [by_id[name] for name in [c.shape.id for c in centers] + points["point"].tolist()]
        yield self.trials(chosen, self.confirm_seeds, skip=CONFIRM_AFTER)
        return chosen

    @override
    def cost(self, study: Study) -> int:
        """At least so many trials: extended base LRs add to it."""
        return self._count(study, lambda grid: grid.points)

    @override
    def most_trials(self, study: Study) -> int:
        return self._count(study, lambda grid: grid.most)

    def _count(self, study: Study, base_lrs: Callable[[GridLR], int]) -> int:
        count = 0
        for center in best_shapes(study, self.top):
            changed = changed_shapes(study.spec, center.shape, self.points)
            grid = grid_around(study.spec.base_lr, center.base_lr, self.base_lrs)
            parameters = {origin(shape.id)[1] for shape in changed}
            count += (1 + len(changed)) * base_lrs(grid) * self.seeds
            count += (1 + len(parameters)) * self.confirm_seeds
        return count

    @override
    def evaluate(self, study: Study, trials: pd.DataFrame, figures: Path) -> CheckResult:
        confirming = trials["seed"].to_numpy() >= self.first_seed() + CONFIRM_AFTER
        points = score_points(where(trials, ~confirming), study.metric)
        return local_result(
            points,
            confirm_points(where(trials, confirming), points, study.metric),
            figures,
            winner=best_shapes(study, 1)[0].shape.id,
            metric=study.metric,
            direction=study.spec.direction,
            settings=self.model_dump(),
            trials=len(trials),
            min_lr=study.spec.min_lr,
            tuned=list(study.spec.tune),
        )


def best_shapes(study: Study, top: int) -> list[Candidate]:
    """The best ``top`` shapes that are no baselines: the winner, then those of the rescore phase.

    Raises:
        InputError: if the study is not complete, has not rescored so many, or they have no finite score.
    """
    require_search(study)
    best = best_stored(study, ["rescore"])
    own = where(best, ~is_baseline(best))
    finite = where(own, np.isfinite(own["score"].to_numpy(np.float64)))
    if finite.empty:
        raise InputError(
            f"{study.path}: no shape of the rescore phase has a finite {study.metric}, so there is nothing "
            "to vary"
        )
    if top > len(finite):
        raise InputError(
            f"top must be at most {len(finite)}, the rescored shapes with a finite score, got {top}"
        )
    return as_confirmed(study, [Candidate.read(row) for row in records(finite)])[:top]


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
    family = next(family for family in spec.families if family.name == shape.family.name)
    params = shape.family.params
    return [
        ShapeRecord.of(
            point_id(shape.id, dimension.name, index),
            shape.family.name,
            params | {dimension.name: value},
        )
        for dimension in family.space().dimensions
        for index, value in enumerate(values(dimension, params[dimension.name], points))
    ]


def grid_around(grid: BaseLRStrategy, base_lr: float, count: int) -> GridLR:
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
