"""Learning rates in tables: which columns they are, and what they are at steps that were not logged."""

import logging
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, listed, shown
from lrshape.shapes.number_table import NumberTable, read_table
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import MAX_STEPS

STEPS = (
    "global_step", "step", "steps", "iteration", "iterations", "iter", "update", "num_updates",
    "training_iteration", "_step", "epoch",
)  # fmt: skip
"""Headings of a column of steps, in lower case, the surest first: W&B's ``_step`` counts calls of its log."""

NO_RATES = {
    "loss", "error", "accuracy", "acc", "score", "perplexity", "norm", "momentum", "weight", "wd", "beta",
    "betas", "eps", "warmup", "batch", "tokens", "scale", "config", "params", "hparams",
}  # fmt: skip
"""Words in headings of other metrics and of settings that may have ``lr`` in their names, too."""

SPREAD = ("__MIN", "__MAX")
"""Endings of the columns that Weights & Biases adds to each curve of an exported chart."""

FINISHED = 0.9
"""A run whose learning rates end before this share of the longest run's has crashed, or was stopped."""

_log = logging.getLogger(__name__)

Curves = dict[str, NDArray[np.float64]]


def read_curves(path: Path) -> Curves:
    """Read a CSV file of learning rates.

    Args:
        path: of one column of learning rates, one a step; of two, step and lr, with or without a heading; or
            of a log, which has a heading, a column of steps and a column of learning rates for each run.

    Returns:
        The learning rates at every step from 0 to the last, by the heading of their column. Between logged
        steps, and before and after them, they lie on straight lines; what is added and chosen is logged as
        a warning.

    Raises:
        InputError: if it cannot be read as that.
        OSError: if it cannot be read.
    """
    table = read_table(path)
    if not any(column.size for column in table.columns.values()):
        raise InputError("has no rows")
    names = list(table.columns)
    if len(names) == 1:
        if table.has_heading and not is_learning_rate(names[0]):
            _log.warning("%s: the first row, %s, is read as a heading", path, shown(names[0]))
        return {names[0]: _complete(table.numbers(names[0]))}
    if not table.has_heading:
        if len(names) != 2:
            raise InputError(
                f"without a heading it must have the column lr, or the columns step and lr, got {len(names)}"
            )
        place = table.numbers(names[0])
        if not (place[1:] > place[:-1]).all():
            raise InputError(
                "without a heading, the first of two columns must hold steps, whole numbers that rise; "
                f"columns are separated by {table.separator!r}, and numbers need a decimal point"
            )
    steps, rates = _columns(table)
    curves, notes = {}, []
    kept, left = _finished(table, steps, rates)
    if table.has_heading and (len(names) > 2 or not is_learning_rate(rates[0])):
        notes.append(f"reads the steps from {shown(steps)}, learning rates from {listed(kept)}")
    notes += left
    for name in kept:
        try:
            curves[name], filled = _every_step(table.numbers(steps), table.numbers(name))
        except InputError as error:
            raise InputError(f"{shown(name)}: {error}" if len(names) > 2 else str(error)) from None
        notes += [f"{shown(name)} {note}" for note in filled]
    for note in notes:
        _log.warning("%s: %s", path, note)
    return curves


def is_learning_rate(heading: str) -> bool:
    """Whether a column's heading names learning rates.

    The name of a run may stand before it, as in exports of Weights & Biases, and a parameter group behind.

    Example:
        >>> [is_learning_rate(name) for name in ("lr-sweep - train/loss", "run 1 - train/lr", "lr/muon")]
        [False, True, True]
    """
    metric = heading.lower().rsplit(" - ", 1)[-1]
    *groups, name = metric.split("/")
    is_under_lr = bool(groups) and groups[-1].replace(" ", "_") in ("lr", "lrs", "learning_rate")
    if (is_under_lr or (groups and re.fullmatch(r"[a-z_]*\d+", name))) and name not in STEPS:
        name = f"{groups[-1]} {name}"
    words = re.findall("[a-z]+", name)
    spoken = f" {' '.join(words)} "
    named = any(f" {word} " in spoken for word in ("lr", "lrs", "learning rate", "learningrate"))
    return named and not NO_RATES.intersection(re.findall("[a-z]+", metric))


def short_heading(heading: str) -> str:
    """The last part of a heading as known ones are written, e.g. ``global_step`` of ``train/Global step``."""
    return heading.lower().rsplit("/", 1)[-1].strip().replace(" ", "_")


def _columns(table: NumberTable) -> tuple[str, list[str]]:
    """The column of steps and those of learning rates."""
    names = list(table.columns)
    if not table.has_heading:
        return names[0], names[1:]
    short = {short_heading(name): name for name in reversed(names)}
    steps = next((short[known] for known in STEPS if known in short), None)
    rates = [name for name in names if is_learning_rate(name) and not name.endswith(SPREAD)]
    if len(names) == 2 and names[0] == "Unnamed: 0":  # the index of a data frame
        steps = names[0]
    if {"step", "value"} <= set(short) <= {"wall_time", "step", "value"}:  # a scalar that TensorBoard exports
        rates = [short["value"]]
    if steps is None or not rates:
        missing = "steps, e.g. step" if steps is None else "learning rates, e.g. lr"
        cells = "" if table.separator == "," else f", separated by {table.separator!r}"
        raise InputError(f"needs a column of {missing}; its columns are {listed(names)}{cells}")
    return steps, rates


def _finished(table: NumberTable, steps: str, rates: list[str]) -> tuple[list[str], list[str]]:
    """The columns that go on to the end of the longest, and a note on each that does not."""
    place, ends = table.numbers(steps), {}
    for name in rates:
        logged = place[~np.isnan(table.numbers(name))]
        ends[name] = np.nanmax(logged, initial=0.0)
    longest = max(ends.values())
    kept = [name for name, end in ends.items() if end >= FINISHED * longest]
    left = [name for name in rates if name not in kept]
    notes = [
        f"leaves out {shown(name)}, which ends at step {ends[name]:,.0f} of {longest:,.0f}" for name in left
    ]
    return kept, notes


def _complete(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    if np.isnan(rates).any():
        place = int(np.isnan(rates).argmax()) + 1
        raise InputError(
            f"number {place} is missing: a list of learning rates has no gaps, and finite numbers; a log "
            "with gaps needs a column of steps"
        )
    return rates


def _every_step(
    place: NDArray[np.float64], rates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    """Learning rates at the steps from 0 to the last of a log, and what was added to those that it has.

    Args:
        place: steps, shape (rows,).
        rates: learning rates there, NaN where none was logged, shape (rows,).
    """
    logged = ~np.isnan(rates)
    steps, lrs = place[logged], rates[logged]
    last = np.nanmax(place, initial=0.0)
    if not steps.size:
        raise InputError("holds no learning rate")
    if not np.isfinite(steps).all() or (steps % 1 != 0).any() or (steps < 0).any():
        raise InputError("each learning rate needs a step, a whole number of at least 0")
    if last >= MAX_STEPS:
        raise InputError(f"a schedule has at most {MAX_STEPS:,} steps, got {last + 1:,.0f}")
    Schedule.from_values(lrs)  # checks them
    notes = []
    if (back := np.diff(steps) < 0).any():
        at = int(back.argmax())
        notes.append(f"goes back from step {steps[at]:,.0f} to {steps[at + 1]:,.0f}: its rows are sorted")
    steps, lrs = _in_order(steps, lrs)
    first, end, last = int(steps[0]), int(steps[-1]), int(last)
    if len(steps) == 1 and last > 0:
        raise InputError(f"holds one learning rate, at step {first:,}: a curve needs two")
    found = np.interp(np.arange(last + 1), steps, lrs)
    found[:first] = beyond(steps[:2], lrs[:2], np.arange(first))
    found[end + 1 :] = beyond(steps[:-3:-1], lrs[:-3:-1], np.arange(end + 1, last + 1))
    if len(steps) < end - first + 1:
        notes.append(
            f"is logged at {len(steps):,} of the steps {first:,} to {end:,}: straight lines join them"
        )
    if first > 0:
        notes.append(f"begins at step {first:,}: steps from 0 on are extrapolated from its first two values")
    if end < last:
        notes.append(f"ends at step {end:,}: steps to {last:,} are extrapolated from its last two values")
    return found, notes


def _in_order(
    steps: NDArray[np.float64], lrs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sorted by step, each once: a run that was resumed logs steps again, several processes log them all."""
    order = np.argsort(steps, kind="stable")
    steps, lrs = steps[order], lrs[order]
    again = np.diff(steps) == 0
    if (differ := again & ~np.isclose(lrs[1:], lrs[:-1], rtol=1e-6, atol=0)).any():
        at = int(differ.argmax())
        raise InputError(
            f"has two learning rates at step {steps[at]:,.0f}, {lrs[at]:g} and {lrs[at + 1]:g}: keep one run"
        )
    once = np.append(True, ~again)
    return steps[once], lrs[once]


def beyond(
    two: NDArray[np.float64], lrs: NDArray[np.float64], steps: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The line through the two values at an end of a log, at steps beyond the first of them.

    It falls to 0 at the lowest, and rises over no more steps than lie between the two. So it continues a
    warmup down to 0 and a decay by one interval, and cannot leave the scale of the log.
    """
    if not steps.size:
        return np.zeros(0)
    away, gap = np.abs(steps - two[0]), abs(two[1] - two[0])
    slope = (lrs[0] - lrs[1]) / gap
    return np.maximum(lrs[0] + slope * (np.minimum(away, gap) if slope > 0 else away), 0.0)
