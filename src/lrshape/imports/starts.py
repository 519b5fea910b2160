"""Shapes for a search to start from: of another study, a table of runs, an Optuna study, a curve."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import is_baseline, rows_where
from lrshape.errors import InputError, shown
from lrshape.export.read import is_number, read_curve
from lrshape.families import FAMILIES
from lrshape.imports.curves import Curves, curves_of, fitted
from lrshape.imports.files import read_table
from lrshape.imports.optuna import is_optuna, read_trials
from lrshape.imports.runs import Reading, read_runs
from lrshape.schedule import Sampling
from lrshape.settings import explain
from lrshape.study.base_lr import EXTREME
from lrshape.study.sections import StartSpec
from lrshape.study.shape import Shape
from lrshape.study.study import Study

TOP = 8
"""Shapes that are taken of a study or a table."""

MAX_STARTS = 1000
MAX_BYTES = 1_000_000
TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class Starts:
    """Shapes to start from, the most promising first.

    Attributes:
        starts: as the key ``starts`` of a spec takes them: ``family, params, base_lr``.
        scores: what each had in its source, as it stands there; None where there was none.
        notes: lines about what was taken for what, and what was left out.
    """

    starts: list[dict[str, Any]]
    scores: list[float | None]
    notes: list[str] = field(default_factory=list)


def read_starts(
    source: str | Path,
    families: Sequence[str],
    *,
    reading: Reading | None = None,
    study: str | None = None,
    top: int = TOP,
    sampling: Sampling = "midpoint",
) -> Starts:
    """Find the shapes that a search is to try first.

    They only propose: their scores are of other code, seeds or horizons, and never enter a result.

    Args:
        source: the directory of a study, of whatever workload, horizon or objective, complete or not; a table
            of runs (``.csv``, ``.parquet``); an Optuna storage (``.db``, ``.log``, or the URL of a database);
            learning rates (see `lrshape.export.read.read_curve`, or a csv with a column for each logged
            curve), to which the families are fitted; or what `write_starts` has written.
        families: names of those that are searched.
        reading: what a table's columns mean, where their names do not say it.
        study: name of the Optuna study.
        top: how many to take, at most.
        sampling: where in a step the search reads its shapes.

    Raises:
        InputError: if the source is none of these, or holds no shape of these families.
    """
    for name in families:
        FAMILIES[name]  # an unknown name is told before anything is read
    reading, name, path = reading or Reading(), str(source), Path(source)
    try:
        if is_optuna(name):
            table, maximised = read_trials(name, study)
            maximize = reading.maximize or ("score" not in reading.columns and maximised)
            found = _of_runs(table, families, Reading(reading.columns, None, maximize), top)
        elif path.is_file() or path.suffix in TABLES:
            found = _of_file(path, families, reading, top, sampling)
        else:
            found = _of_study(name, families, top)
    except InputError as error:
        raise InputError(str(error) if name in str(error) else f"{name}: {error}") from None
    if not found.starts:
        raise InputError(f"{name}: holds no shape of {', '.join(families)} to start from")
    return found


def write_starts(starts: Starts, path: Path) -> None:
    """Write them to a JSON file that `read_starts` reads.

    Raises:
        InputError: if the file cannot be written.
    """
    text = json.dumps({"starts": starts.starts}, indent=2, allow_nan=False)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def _of_study(name: str, families: Sequence[str], top: int) -> Starts:
    study = Study(name)
    trainings = study.store.trainings(["screen", "rescore"])
    trainings = rows_where(trainings, trainings["family"].isin(families) & ~is_baseline(trainings))
    return _best(trainings, study.objective, top)


def _of_runs(table: pd.DataFrame, families: Sequence[str], reading: Reading, top: int) -> Starts:
    runs = read_runs(table, families, reading)
    found = _best(runs.trainings, "score", top)
    sign = -1 if reading.maximize else 1
    return Starts(found.starts, [None if s is None else sign * s for s in found.scores], runs.notes)


def _best(trainings: pd.DataFrame, objective: str, top: int) -> Starts:
    """The best shapes, those that were rescored before those that were only screened."""
    table = best_base_lrs(scores(trainings, objective))
    legal = table["base_lr"].to_numpy(np.float64) < EXTREME
    table = rows_where(table, legal & np.isfinite(table["score"].to_numpy(np.float64)))
    order = np.lexsort((table["rank"], table["phase"] == "screen"))
    rows = table.iloc[order].drop_duplicates(["family", "params"])[:top]
    columns = rows[["family", "params", "base_lr"]].itertuples(index=False)
    return Starts(
        [_start(family, Shape("", family, params).values(), base_lr) for family, params, base_lr in columns],
        rows["score"].tolist(),
    )


def _start(family: str, params: Mapping[str, Any], base_lr: float) -> dict[str, Any]:
    """A shape as specs have it, with all its parameters."""
    try:
        return StartSpec(family=family, params=dict(params), base_lr=base_lr).model_dump()
    except ValidationError as error:  # a study of somebody who made its rows up
        raise explain(error, "starts") from None


def _of_file(path: Path, families: Sequence[str], reading: Reading, top: int, sampling: Sampling) -> Starts:
    if path.suffix == ".json" and (listed := _listed(path, families)) is not None:
        return Starts(listed[:top], [None] * len(listed[:top]))
    if path.suffix in TABLES and not (path.suffix == ".csv" and _is_bare(path)):
        table = read_table(path)
        curves = {} if reading.columns else curves_of(table)
        if not curves:
            return _of_runs(table, families, reading, top)
        return _of_curves(curves, families, top, sampling)
    curve = read_curve(path)
    schedule = curve.schedule
    if schedule.family == "table" and "table" not in families:
        return _of_curves({path.name: curve.values()}, families, top, sampling)
    if schedule.family not in families:
        return Starts([], [])
    return Starts([_start(schedule.family, schedule.params, schedule.base_lr)], [None])


def _of_curves(curves: Curves, families: Sequence[str], top: int, sampling: Sampling) -> Starts:
    if len(curves) > top:
        raise InputError(f"has {len(curves)} curves of learning rates, more than the {top} that are taken")
    fits = fitted(curves, families, sampling)
    return Starts(
        [_start(s.family, s.params, s.base_lr) for s in (one.schedule for one in fits)],
        [None] * len(fits),
        [
            f"{name}: nearest is {one.schedule.family}, RMS error {one.error:.2%} of its largest value"
            for name, one in zip(curves, fits, strict=True)
        ],
    )


def _listed(path: Path, families: Sequence[str]) -> list[dict[str, Any]] | None:
    """What `write_starts` has written, those of the families; None if the file is something else."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None  # a list of learning rates, perhaps
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # told by who reads it for a schedule
    if not isinstance(document, dict) or "starts" not in document:
        return None
    starts = document["starts"]
    if not isinstance(starts, list) or len(starts) > MAX_STARTS:
        raise InputError(f"starts must be a list of at most {MAX_STARTS} shapes, got {shown(starts)}")
    try:
        parsed = [StartSpec.model_validate(start) for start in starts]
    except ValidationError as error:
        raise explain(error, "starts") from None
    return [start.model_dump() for start in parsed if start.family in families]


def _is_bare(path: Path) -> bool:
    """Whether a csv is one schedule: one column, or step and lr, with or without a heading."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            first = next((row for row in csv.reader(file) if row), [])
    except (OSError, ValueError, csv.Error):
        return False
    return len(first) == 1 or (len(first) == 2 and all(map(is_number, first))) or first == ["step", "lr"]
