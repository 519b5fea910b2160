"""Logs of one run from several files as one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lrshape.errors import InputError, listed
from lrshape.predict.headings import is_metric, may_be_loss, named
from lrshape.predict.notes import Notes
from lrshape.predict.reader import RunLog, Series
from lrshape.predict.run_curves import Told, in_order, merged, several_values
from lrshape.shapes.learning_rate_log import is_learning_rate

RENAMED = ("lr", "loss", "train_loss", "val_loss")
"""Roles that are headings of series, too."""


def rename(logs: Sequence[RunLog], columns: Mapping[str, str]) -> None:
    """Give the series that users name for a role the role as their heading.

    Raises:
        InputError: if there is no series, or no column, of a name, or it names no loss.
    """
    for role, heading in columns.items():
        if role not in RENAMED:
            if not any(named(log.headings, heading) for log in logs):
                names = dict.fromkeys(name for log in logs for name in log.headings)
                raise InputError(
                    f"columns: {role}={heading!r} is no column of a log; there are {listed(names, 20)}"
                )
            continue
        found = [(log, own) for log in logs if (own := named(log.series, heading)) is not None]
        for log, own in found:
            if role != "lr" and not may_be_loss(own):
                raise InputError(
                    f"columns: {role} must be the heading of a loss, better if lower, got {own!r}"
                )
            series = log.series.pop(own)
            log.series = {role: series} | {k: v for k, v in log.series.items() if k != role}
        if not found:
            names = dict.fromkeys(name for log in logs for name in log.series)
            raise InputError(
                f"columns: {role}={heading!r} is no column of numbers; there are {listed(names, 20)}"
            )


def merge(logs: Sequence[RunLog], notes: Notes) -> dict[str, RunLog]:
    """Return the logs by the name of their run, all series by rising steps.

    Logs of one name are of one run if they lie in one folder, or have no heading in common: the LR in one
    file and the loss in another. Else the names get their folders before them.
    """
    groups: dict[str, list[list[RunLog]]] = {}
    for log in logs:
        same = groups.setdefault(log.name, [])
        for group in same:
            shares = any(log.series.keys() & one.series.keys() for one in group)
            if not shares or folder_of(group[0]) == folder_of(log):
                group.append(log)
                break
        else:
            same.append([log])
    runs: dict[str, RunLog] = {}
    for name, same in groups.items():
        for group in same:
            unique = name if len(same) == 1 else f"{group[0].source.resolve().parent.name}/{name}"
            if unique in runs:
                unique = f"{group[0].source}/{name}"
            runs[unique] = _joined(unique, group, notes)
    return runs


def folder_of(log: RunLog) -> Path:
    """The folder of a log."""
    return log.source if log.source.is_dir() else log.source.resolve().parent


def _joined(name: str, group: list[RunLog], notes: Notes) -> RunLog:
    parts: dict[str, list[Series]] = {}
    faults = {heading: text for log in group for heading, text in log.faults.items()}
    for log in group:
        for heading, series in log.series.items():
            norms = log.series.get(f"{heading.removesuffix('loss')}grad_norm")
            if norms and heading.endswith("loss"):
                series = _without_filtered(series, norms)
            if is_learning_rate(heading):  # of which a NaN is a gap
                series = Series(series.steps, np.where(series.values == np.inf, np.nan, series.values))
            try:
                ordered, told = in_order(series)
                if is_metric(heading) and (several := several_values(ordered)):
                    if is_learning_rate(heading):
                        raise InputError(f"{several}: name the column of runs (--columns run=NAME)")
                    told.append(Told(heading, f"{heading!r} {several}: the last one of each counts"))
            except InputError as error:
                faults[heading] = f"{heading!r} cannot be read: {error}"
                continue
            notes.tell(name, told)
            if len(ordered.steps):
                parts.setdefault(heading, []).append(ordered)
    notes.tell(name, [Told("fault", fault) for fault in list(faults.values())[:1]])
    planned = [log.planned_steps for log in group if log.planned_steps]
    return RunLog(
        name,
        group[0].source,
        {heading: merged(found) for heading, found in parts.items()},
        parent=next((log.parent for log in group if log.parent), ""),
        planned_steps=max(planned, default=None),
        lrs=next((log.lrs for log in group if log.lrs is not None), None),
        stopped=next((log.stopped for log in group if log.stopped), ""),
        minimised=group[0].minimised,
        faults=faults,
        headings=tuple(dict.fromkeys(heading for log in group for heading in log.headings)),
    )


def _without_filtered(losses: Series, norms: Series) -> Series:
    """Losses, inf for each 0 at a step with a norm of the gradient that is not finite.

    There the loss was NaN: the Trainer of Hugging Face logs 0 for it (``logging_nan_inf_filter``).
    """
    lost = np.isin(losses.steps, norms.steps[np.isinf(norms.values)]) & (losses.values == 0)
    return Series(losses.steps, np.where(lost, np.inf, losses.values))
