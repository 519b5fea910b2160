"""The trials of a study for other tools: flat tables, and Optuna studies."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.direction import Direction, as_losses, sign
from lrshape.analysis.scores import metric_values
from lrshape.analysis.tables import csv_bytes
from lrshape.errors import InputError, needs, shown
from lrshape.files import is_stream, write_file
from lrshape.process_wide import quiet_optuna
from lrshape.shapes.family import FAMILIES
from lrshape.store import hyperparameters_of, metric_columns, params_of
from lrshape.values import path_of

if TYPE_CHECKING:
    import optuna

FILES = {"csv": "trials.csv", "parquet": "trials.parquet", "optuna": "trials.log"}
"""What trials can be written as, and the default names of the files."""

CURVE_FILES = {"csv": "curves.csv", "parquet": "curves.parquet"}
"""The same for loss curves."""

_NOTED = ("phase", "shape", "seed", "status", "message", "wall_time")


def write_trials(
    trials: pd.DataFrame,
    target: str,
    path: str | os.PathLike[str],
    *,
    metric: str,
    direction: Direction = "minimize",
    name: str,
) -> Path:
    """Write trials to a file.

    Args:
        trials: as `Study.trials` gives them.
        target: ``csv`` or ``parquet``: one row a trial, with a column ``param.<name>`` for each parameter
            of the shapes and ``hyperparameter.<name>`` for each hyperparameter (in a csv, texts that
            spreadsheets take for a formula get an apostrophe);
            ``optuna``: a file of Optuna's journal storage with one study, and one Optuna trial for each
            trial. Its parameters are ``family``, ``base_lr``, ``<family>.<parameter>`` and hyperparameters,
            as `flat` names them, but no lists; phase, shape, seed, status and all metrics are user
            attributes. A trial that diverged is complete, with an infinite value, the worst; one that failed
            has failed. Many trials differ by their seed alone: medians over them are what a shape scores.
        path: the file. Tables replace it; an Optuna file must not exist.
        metric: the metric that Optuna's trials are judged by.
        direction: of the metric.
        name: of the Optuna study.

    Raises:
        InputError: if the target is unknown, there is nothing to write, no such metric is stored, Optuna is
            needed and not installed, or the file cannot be written.
    """
    _require_target(target, FILES)
    path = path_of(path)
    if trials.empty:
        raise InputError("no trial is stored yet; run the search first")
    if target == "optuna":
        if is_stream(path):
            raise InputError(f"an Optuna study goes into a new file, not to {path}")
        if path.exists():
            raise InputError(f"{path} exists already: an Optuna study goes into a new file")
        write_file(path, _journal(trials, metric, direction, name), replace=False)
    else:
        _write_table(flat(trials), target, path)
    return path


def write_curves(curves: pd.DataFrame, target: str, path: str | os.PathLike[str]) -> Path:
    """Write loss curves, as `Study.curves` gives them, to a ``csv`` or ``parquet`` file, which is replaced.

    Raises:
        InputError: if the target is another one, there is nothing to write, or the file cannot be written.
    """
    _require_target(target, CURVE_FILES)
    path = path_of(path)
    if curves.empty:
        raise InputError("no trial has a loss curve: set workload.record_every, or return one from train")
    _write_table(curves, target, path)
    return path


def _require_target(target: str, known: Mapping[str, str]) -> None:
    if target not in known:
        raise InputError(f"--to must be one of {', '.join(known)}, got {shown(target)}")


def _write_table(table: pd.DataFrame, target: str, path: Path) -> None:
    data = csv_bytes(table) if target == "csv" else _of_one_type(table).to_parquet(index=False)
    write_file(path, data)


def _of_one_type(table: pd.DataFrame) -> pd.DataFrame:
    """The table with JSON text where a column has numbers and text, as choices of a hyperparameter may be."""
    mixed = [
        name
        for name, column in table.items()
        if column.dtype == object and len({isinstance(value, str) for value in column.dropna()}) > 1
    ]
    texts = {
        str(name): [one if isinstance(one, str) or pd.isna(one) else json.dumps(one) for one in table[name]]
        for name in mixed
    }
    return table.assign(**texts)


def _journal(trials: pd.DataFrame, metric: str, direction: Direction, name: str) -> bytes:
    """A file of Optuna's journal storage: twelve times faster to write than its SQLite."""
    with needs("--to optuna", "optuna"):
        from optuna import create_study
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    frozen = _frozen_trials(trials, metric, direction)
    with tempfile.TemporaryDirectory(prefix="lrshape-") as folder:  # Optuna writes it, and a lock beside it
        file = Path(folder) / FILES["optuna"]
        storage = JournalStorage(JournalFileBackend(str(file)))
        with quiet_optuna():
            study = create_study(storage=storage, study_name=name, direction=direction)
        study.add_trials(frozen)
        return file.read_bytes()


def flat(trials: pd.DataFrame) -> pd.DataFrame:
    """The table with a column for each parameter, and hyperparameter, in place of the JSON texts.

    They are called ``param.<name>`` and ``hyperparameter.<name>``; a schedule has its base value there, and
    ``hyperparameter.<name>.family`` and ``hyperparameter.<name>.<parameter>``. What a row does not have is
    missing; lists stay JSON text.
    """
    for column, prefix, read in (
        ("params", "param", params_of),
        ("hyperparameters", "hyperparameter", hyperparameters_of),
    ):
        rows = [
            {
                f"{prefix}.{key}": json.dumps(value) if isinstance(value, list) else value
                for key, value in _unfolded(row).items()
            }
            for row in map(read, trials[column])
        ]
        columns = pd.DataFrame(rows, index=trials.index)
        place = list(trials.columns).index(column)
        head, tail = trials.iloc[:, :place], trials.iloc[:, place + 1 :]
        trials = pd.concat([head, columns[sorted(columns.columns)], tail], axis=1)
    return trials


def _unfolded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters with an entry for each part of a schedule, the base value in its own place."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            parts = {"family": value["family"], **value["params"]}
            found |= {name: value["base"], **{f"{name}.{key}": part for key, part in parts.items()}}
        else:
            found[name] = value
    return found


def _frozen_trials(
    trials: pd.DataFrame, metric: str, direction: Direction
) -> "list[optuna.trial.FrozenTrial]":
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    metrics = metric_columns(trials.columns)
    low, high = float(np.min(trials["base_lr"])), float(np.max(trials["base_lr"]))
    fixed = {
        "family": CategoricalDistribution(sorted(set(trials["family"]))),
        "base_lr": FloatDistribution(low, high, log=True),
    }
    tuned = [
        {key: value for key, value in _unfolded(hyperparameters_of(text)).items() if type(value) is not list}
        for text in trials["hyperparameters"]
    ]
    names = dict.fromkeys(name for row in tuned for name in row)
    of_tuned = {name: _distribution([row[name] for row in tuned if name in row]) for name in names}
    frozen = []
    losses = metric_values(as_losses(trials, metric, direction), metric).tolist()
    for row, values, loss in zip(trials.to_dict("records"), tuned, losses, strict=True):
        params, distributions = _parameters(row["family"], params_of(row["params"]))
        failed = row["status"] == "failed"
        frozen.append(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE,
                value=None if failed else sign(direction) * loss,
                params={"family": row["family"], "base_lr": row["base_lr"], **values, **params},
                distributions={**fixed, **{name: of_tuned[name] for name in values}, **distributions},
                user_attrs={key: _plain(row[key]) for key in (*_NOTED, *metrics)},
            )
        )
    return frozen


def _distribution(values: list[Any]) -> Any:
    """Of a hyperparameter, by the values that were tried."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return FloatDistribution(min(values), max(values))
    return CategoricalDistribution(sorted(set(values), key=repr))


def _parameters(family: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A shape's parameters as Optuna knows them; lists are none."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    params, distributions = {}, {}
    for rule in FAMILIES[family].parameters():
        if rule.scale == "list" or rule.name not in values:
            continue
        key, value = f"{family}.{rule.name}", values[rule.name]
        if rule.scale == "choice":
            distributions[key] = CategoricalDistribution(rule.choices)
        elif rule.scale == "integer":
            distributions[key], value = IntDistribution(int(rule.low), int(rule.high)), int(value)
        else:
            distributions[key] = FloatDistribution(rule.low, rule.high, log=rule.scale == "log")
        params[key] = value
    return params, distributions


def _plain(value: Any) -> Any:
    """A value as JSON has it; Optuna's attributes take no infinity."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value
