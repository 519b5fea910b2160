"""Logs of runs in a table: a run a file, a run a column, or a column that names the run of each row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown
from lrshape.predict.headings import (
    KINDS,
    PARENTS,
    PARTS,
    PERHAPS_RUNS,
    RUNS,
    epoch_heading,
    is_metric,
    kind_of,
    label_heading,
    loss_of,
    may_be_loss,
    run_name,
    split_run,
    step_heading,
)
from lrshape.predict.reader import RunLog, Series
from lrshape.shapes.learning_rate_log import SPREAD, is_learning_rate

ROLES = ("step", "run", "resumed_from", "lr", "loss", "train_loss", "val_loss")
"""What users can name a column for."""

_ALMOST_NUMBERS = re.compile(r"has '?([\w.]*(tensor|array|float\d*))?[(\[]*[-+.]?\d", re.I)
"""What a column of numbers was meant to hold: tensors, lists; a name of a scheduler is not."""

MOST_ROWS, FEW_STEPS = 10, 20
"""A table of finished runs, one a row, has a column of steps, too: few, each of many rows."""


def is_label(heading: str, columns: Mapping[str, str]) -> bool:
    """Whether a column names runs, or may say what its rows are of."""
    name, given = heading.lower(), {role: each.lower() for role, each in columns.items()}
    if name in (given.get("run"), given.get("resumed_from"), *RUNS, *PARENTS):
        return True
    return name in (*PERHAPS_RUNS, *PARTS) and name not in given.values()


def logs_of(
    source: Path,
    table: Mapping[str, NDArray[np.float64]],
    labels: Mapping[str, Sequence[str]],
    texts: Mapping[str, str],
    columns: Mapping[str, str],
    name: str | None = None,
) -> list[RunLog]:
    """Return the logs of the runs in a table.

    Args:
        source: the file.
        table: numbers by heading, each of shape (rows,), NaN for gaps and inf for NaN.
        labels: texts by heading, one a row: names of runs, or kinds of losses.
        texts: of headings without numbers: where text begins, e.g. ``line 3 has 'x'``.
        columns: headings by role, see `ROLES`.
        name: of the run, if the table does not say it; default: from the file's name.

    Raises:
        InputError: if there is no column of steps, none of numbers beside it, they begin again in each
            epoch, or each row is a run.
    """
    step = step_heading(table, columns.get("step"))
    steps = table[step]
    if not steps.size:
        raise InputError("has no rows")
    metrics = {heading: values for heading, values in table.items() if heading != step and _is_curve(heading)}
    faults = {
        heading: f"{heading!r} must hold numbers: {text}"
        for heading, text in texts.items()
        if heading not in table and is_metric(heading) and (_ALMOST_NUMBERS.search(text) or _is_rate(heading))
    }
    if faults and not metrics:
        raise InputError(next(iter(faults.values())))
    run, kinds = label_heading(labels, RUNS, columns.get("run")), _kinds_of_rows(labels)
    if run is None and kinds is None:
        run = _perhaps_run(labels, steps)
    parent = label_heading(labels, PARENTS, columns.get("resumed_from"))
    if run is None:
        headings = _runs_of_columns(list(metrics), set(columns.values()))
        by_run = {each: np.arange(len(steps)) for each, _ in headings.values()}
        if len(steps) > MOST_ROWS * (distinct := len(np.unique(steps))) and distinct < FEW_STEPS:
            raise InputError(f"has {len(steps)} rows of {distinct} steps: it is no log of a run")
    else:
        headings = {heading: ("", heading) for heading in metrics}
        by_run = _rows_of(labels[run])
    if _are_finished(labels, run, step, steps):
        raise InputError("has one row for each run: it is a table of runs, and no log of their steps")
    logs, epoch = [], epoch_heading(metrics)
    for each, rows in by_run.items():
        by_kind = {"": rows} if kinds is None else {kind: rows[kinds[rows] == kind] for kind in ("", *KINDS)}
        # Validation may have steps of its own.
        trained = np.sort(np.concatenate([by_kind[kind] for kind in ("", "train") if kind in by_kind]))
        for metric in filter(is_metric, metrics if epoch else ()):
            logged = trained[~np.isnan(metrics[metric][trained])]
            if _begin_again(steps[logged], metrics[epoch][logged]):
                raise InputError(
                    f"the steps ({shown(step)}) begin again in each epoch: log a step that counts on, or "
                    "name its column (--columns step=NAME)"
                )
        own_headings = {
            _told(source, metric, columns): heading
            for heading, (owner, metric) in headings.items()
            if run is not None or owner == each
        }
        series = {}
        for told, heading in own_headings.items():
            is_split = told not in columns.values() and (loss := loss_of(told)) and not loss.is_said
            for kind, those in by_kind.items() if is_split else [("", rows)]:
                named, values = f"{kind}_{told}" if kind else told, metrics[heading][those]
                # A column of that name says more than the rows of a kind.
                if those.size and not (kind and (named in own_headings or np.isnan(values).all())):
                    series[named] = Series(steps[those], values)
        above = (
            "" if parent is None else next((at for row in rows.tolist() if (at := labels[parent][row])), "")
        )
        own = each or name or run_name(source)
        logs.append(RunLog(own, source, series, parent=above, faults=faults, headings=(*table, *labels)))
    return logs


def _are_finished(
    labels: Mapping[str, Sequence[str]], run: str | None, step: str, steps: NDArray[np.float64]
) -> bool:
    """Whether each row is another run: its number of ``steps`` is there, or numbers that do not rise."""
    names = [run] if run else [name for name in labels if name.lower() in PERHAPS_RUNS]
    is_each = any(1 < len(steps) == len({*labels[name]} - {""}) for name in names)
    return is_each and (step.endswith("s") if run else bool(np.any(np.diff(steps) <= 0)))


def _perhaps_run(labels: Mapping[str, Sequence[str]], steps: NDArray[np.float64]) -> str | None:
    """The heading of a column with a text in each row, two of which have steps that overlap: they are runs.

    What begins in the later half of another is that run, resumed.
    """
    for heading, texts in labels.items():
        if heading.lower() in PERHAPS_RUNS and all(texts):
            runs, reached = [steps[rows] for rows in _rows_of(texts).values()], -np.inf
            for first, last in sorted((np.fmin.reduce(run), np.fmax.reduce(run)) for run in runs):
                if 2 * first < min(reached, last):
                    return heading
                reached = max(reached, last)
    return None


def _kinds_of_rows(labels: Mapping[str, Sequence[str]]) -> NDArray[np.str_] | None:
    """The kind of the losses in each row, empty where it is not said; None if no column says several."""
    for heading, texts in labels.items():
        kinds = {text: kind_of(text) for text in set(texts) if text}
        # A column that may name runs has names if there is more: train-2.
        is_plain = heading.lower() in PARTS or not any(split_run(text)[0] for text in kinds)
        if heading.lower() in (*PARTS, *PERHAPS_RUNS) and is_plain and len({*kinds.values()} - {None}) > 1:
            return np.array([kinds.get(text) or "" for text in texts])
    return None


def _begin_again(steps: NDArray[np.float64], epochs: NDArray[np.float64]) -> bool:
    """Whether steps go back to half or less where epochs rise, which they do in no run that was resumed."""
    before, after = steps[:-1], steps[1:]
    return bool(np.any((before > 0) & (after <= before / 2) & (epochs[1:] > epochs[:-1])))


def _is_curve(heading: str) -> bool:
    return not heading.endswith(SPREAD) and heading.lower() not in ("wall time", "_runtime", "_timestamp")


def _rows_of(names: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """The rows of each run, in the order of the runs' first rows; rows without a name are of none."""
    runs = {name: place for place, name in enumerate(dict.fromkeys(names))}
    places = np.fromiter((runs[name] for name in names), np.intp, len(names))
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(runs)))
    rows = np.split(order, ends[:-1])
    return {name: found for name, found in zip(runs, rows, strict=True) if name}


def _runs_of_columns(headings: list[str], given: set[str]) -> dict[str, tuple[str, str]]:
    """The run and the metric of each column; the run is empty where the file has one run.

    Columns are of several runs if all of them are called ``RUN - metric``, as Weights & Biases exports them;
    if names of runs stand at every learning rate and loss, at each name one loss of a kind; or if no column
    has the name of a metric, for then they have those of runs.
    """
    one = {heading: ("", heading) for heading in headings}
    if given & set(headings) or not headings:
        return one
    if all(" - " in heading for heading in headings):
        return {heading: split_run(heading) for heading in headings}
    named = [heading for heading in headings if is_metric(heading)]
    if not named:
        is_value = [name.lower() for name in headings] == ["value"]
        return one if is_value else {heading: (heading, "") for heading in headings}
    split = {heading: split_run(heading) for heading in named}
    runs = {run for run, _ in split.values()}
    kinds = [(run, is_learning_rate(heading), loss_of(heading)) for heading, (run, _) in split.items()]
    plain = [(run, rate, loss.kind if loss else "") for run, rate, loss in kinds]
    several = len(runs) > 1 or any(rate for _, rate, _ in kinds)
    rated = {run for run, rate, _ in kinds if rate}
    if "" in runs or not several or len(set(plain)) < len(plain) or (rated and rated != runs):
        return one
    return split


def _is_rate(heading: str) -> bool:
    """Whether a heading names the learning rates and nothing else: ``lr_scheduler`` may hold a name."""
    return is_learning_rate(heading) and not split_run(heading)[0]


def _told(source: Path, metric: str, columns: Mapping[str, str]) -> str:
    """A heading that says what the name of the file says: of losses the kind, of values what they are."""
    if metric in columns.values():
        return metric
    kind, loss = kind_of(source.stem), loss_of(metric)
    if metric.lower() in ("", "value"):
        if not (is_learning_rate(source.stem) or may_be_loss(source.stem)):
            return source.stem
        return "lr" if is_learning_rate(source.stem) else f"{kind}_loss" if kind else "loss"
    return f"{kind}_{metric}" if loss and kind and not loss.is_said else metric


def table_of_rows(
    rows: Iterable[Any], columns: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """The table of rows that are JSON objects: numbers, labels, and what is neither, by heading.

    Headings of inner objects have ``/``; of what is neither, the first is told, e.g. ``row 3 has 'x'``.

    A gap is NaN, and NaN is inf.

    Raises:
        InputError: if a row is no object.
    """
    numbers: dict[str, list[tuple[int, float]]] = {}
    labels: dict[str, dict[int, str]] = {}
    texts: dict[str, str] = {}
    count = 0
    for count, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"row {count} must be an object, got {shown(row)}")
        for heading, value in _flat(row):
            if is_label(heading, columns) and value is not None:
                labels.setdefault(heading, {})[count - 1] = str(value)
            elif (number := _number(value)) is not None:
                numbers.setdefault(heading, []).append((count - 1, np.inf if np.isnan(number) else number))
            elif value is not None and heading not in texts:
                texts[heading] = f"row {count} has {shown(value)}"
    table = {}
    for heading, cells in numbers.items():
        places, values = zip(*cells, strict=True)
        table[heading] = np.full(count, np.nan)
        table[heading][list(places)] = values
    named = {heading: [cells.get(row, "") for row in range(count)] for heading, cells in labels.items()}
    return table, named, texts


def _flat(row: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for heading, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{heading}/")
        else:
            yield before + heading, value


def _number(value: Any) -> float | None:
    """A number of JSON, its text, e.g. ``NaN``, or a list of one, as PyTorch's ``get_last_lr`` returns it."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
