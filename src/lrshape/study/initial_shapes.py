"""Shapes for a search to start from: of another study, a schedule file or a log of learning rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.direction import as_losses
from lrshape.analysis.scores import best_base_lrs, is_baseline, scores
from lrshape.analysis.tables import where
from lrshape.errors import InputError, about
from lrshape.files import is_directory, is_file
from lrshape.procedure.base_lr import EXTREME
from lrshape.procedure.fit import fit_nearest, has_fit
from lrshape.procedure.spec import InitialShape
from lrshape.shapes import FAMILIES
from lrshape.shapes.input_file import reading
from lrshape.shapes.learning_rate_log import Curves, read_curves
from lrshape.shapes.schedule_file import MAX_BYTES, read_schedule
from lrshape.shapes.steps import StepRule
from lrshape.store import params_of
from lrshape.study.study import Study
from lrshape.values import path_of

TOP = 8
"""At most so many shapes are taken from a study, and so many curves from a log."""


@dataclass(frozen=True)
class InitialShapes:
    """Shapes to start from, the most promising first.

    Attributes:
        shapes: as the key ``initial_shapes`` of a spec takes them: ``family, params, base_lr``.
        notes: which member of a family was taken for which curve, one line each.
    """

    shapes: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)


def read_initial_shapes(
    source: str | Path, families: Sequence[str], *, step_rule: StepRule = "midpoint"
) -> InitialShapes:
    """Find the shapes that a search is to try first.

    They only propose: their scores are of other code, seeds or horizons, and never enter a result.

    Args:
        source: the directory or URL of a study, of whatever workload, horizon or metric, complete or not;
            or a schedule or learning rates, to which the families are fitted: a file that
            `lrshape.shapes.schedule_file.read_schedule` reads, or a csv with a column for each logged curve.
        families: names of those that are searched.
        step_rule: where in a step the search reads its shapes.

    Raises:
        InputError: if the source is none of these, or holds no shape of these families.
    """
    if not families:
        raise InputError("families: at least one is needed to start from shapes, got none")
    for name in families:
        FAMILIES[name]  # an unknown name is told before anything is read
    name, path = str(source), path_of(source)
    try:
        if not is_directory(path) and (is_file(path) or path.suffix in MAX_BYTES):
            found = _of_file(path, families, step_rule)
        else:
            found = _of_study(name, families)
    except InputError as error:
        raise InputError(str(error) if name in str(error) else f"{name}: {error}") from None
    if not found.shapes:
        raise InputError(f"{name}: holds no shape of {', '.join(families)} to start from")
    return found


def _of_study(name: str, families: Sequence[str]) -> InitialShapes:
    study = Study(name)
    trials = study.store.trials(["screen", "rescore"])
    trials = where(trials, trials["family"].isin(families) & ~is_baseline(trials))
    return _best(as_losses(trials, study.metric, study.spec.direction), study.metric)


def _best(trials: pd.DataFrame, metric: str) -> InitialShapes:
    """The best shapes, those that were rescored before those that were only screened."""
    table = best_base_lrs(scores(trials, metric))
    legal = table["base_lr"].to_numpy(np.float64) < EXTREME
    table = where(table, legal & np.isfinite(table["score"].to_numpy(np.float64)))
    order = np.lexsort((table["rank"], table["phase"] == "screen"))
    rows = table.iloc[order].drop_duplicates(["family", "params"])[:TOP]
    columns = rows[["family", "params", "base_lr"]].itertuples(index=False)
    return InitialShapes([_start(name, params_of(params), base_lr) for name, params, base_lr in columns])


def _start(family: str, params: Mapping[str, Any], base_lr: float) -> dict[str, Any]:
    """A shape as specs have it, with all its parameters."""
    start = {"family": family, "params": dict(params), "base_lr": base_lr}
    return InitialShape.read(start, "initial_shapes").model_dump()


def _of_file(path: Path, families: Sequence[str], step_rule: StepRule) -> InitialShapes:
    if path.suffix == ".csv" and "table" not in families:
        with reading(path, "no log of learning rates", MAX_BYTES[".csv"]):
            curves = read_curves(path)
        return _of_curves(curves, families, step_rule)
    schedule = read_schedule(path)
    if schedule.family not in families:
        return _of_curves({path.name: schedule.values()}, families, step_rule)
    return InitialShapes([_start(schedule.family, schedule.params, schedule.base_lr)])


def _of_curves(curves: Curves, families: Sequence[str], step_rule: StepRule) -> InitialShapes:
    if len(curves) > TOP:
        raise InputError(f"has {len(curves)} curves of learning rates; at most {TOP} are allowed")
    fitted = [family for family in families if has_fit(family)] or families  # which says why there is none
    fits = []
    for name, lrs in curves.items():
        with about(name):
            fits.append(fit_nearest(lrs, fitted, step_rule=step_rule)[0])
    return InitialShapes(
        [_start(s.family, s.params, s.base_lr) for s in (one.schedule for one in fits)],
        [
            f"{name}: nearest is {one.schedule.family}, RMS error {one.error:.2%} of its largest value"
            for name, one in zip(curves, fits, strict=True)
        ],
    )
