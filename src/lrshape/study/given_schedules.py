"""Schedules that users give, to be compared with: a family, a file, a list of learning rates, a `Schedule`.

All become a family, its parameters and perhaps a base LR, so that a stored spec needs no file.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence, ValuesView
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, about, shown
from lrshape.procedure.spec import STANDARD_BASELINES, BaselineSpec
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import MAX_BYTES, read_schedule
from lrshape.shapes.steps import StepRule
from lrshape.values import plain

Given: TypeAlias = str | os.PathLike[str] | Schedule | Mapping[str, Any] | ArrayLike
"""A family or standard baseline by name, a schedule file, learning rates, or the keys of a `BaselineSpec`."""

MOST = 10_000
"""Learning rates of a list that are kept; a longer one is thinned out to that many, by straight lines."""


def read_schedules(
    given: Sequence[Given] | Mapping[str, Given],
    key: str,
    step_rule: StepRule,
    steps: int | None,
    tune: bool = True,
) -> dict[str, dict[str, Any]]:
    """The schedules under their names, as `BaselineSpec` has them.

    Args:
        given: by name; or a list, whose entries are called after their family or file.
        key: of the spec, for errors.
        step_rule: where in a step the study reads its shapes.
        steps: of a trial, in which the warmup and the decay of a schedule last as many steps as it says; None
            if unknown.
        tune: whether to tune the base LR of those that do not say.

    Raises:
        InputError: if two have one name, or one is no schedule.
    """
    if not isinstance(given, Mapping):
        given = _named(given, key)
    found = {}
    for name, one in given.items():
        if not isinstance(name, str):
            raise InputError(f"{key}: names must be text, got {shown(name)}")
        where = f"{key}.{name}"
        if isinstance(one, BaselineSpec):
            found[name] = one.model_dump()
            continue
        with about(where):
            document = _document(one, step_rule, steps, tune)
        found[name] = BaselineSpec.read(document, where).model_dump()
    return found


def table_values(lrs: ArrayLike, step_rule: StepRule) -> tuple[NDArray[np.float64], float]:
    """The ``values`` of a `table` that gives learning rates, one a step, where the step rule reads it.

    Args:
        lrs: shape (steps,).
        step_rule: where in a step it is read.

    Returns:
        The values, with maximum 1, and the base LR, which is the largest of the rates.

    Raises:
        InputError: if they are not one-dimensional, finite, at least 0, and above 0 somewhere.

    Example:
        >>> from lrshape.shapes import FAMILIES
        >>> from lrshape.shapes.steps import progress
        >>> values, base_lr = table_values([0.1, 0.2, 0.0], "midpoint")
        >>> (base_lr * FAMILIES["table"](values=values)(progress(3))).tolist()
        [0.1, 0.2, 0.0]
    """
    rates = Schedule.from_values(lrs).values()  # checks them
    if len(rates) > MOST:
        rates = np.interp(np.linspace(0, len(rates) - 1, MOST), np.arange(len(rates)), rates)
    largest = float(rates.max())
    if step_rule == "left":
        values = np.append(rates, rates[-1])
    elif step_rule == "right":
        values = np.append(rates[0], rates)
    else:  # a value at the middle of each step, and one at each of its ends
        values = np.empty(2 * len(rates) + 1)
        values[1::2] = rates
        values[2:-1:2] = (rates[:-1] + rates[1:]) / 2
        values[[0, -1]] = rates[[0, -1]]
    return values / largest, largest


def _named(given: Any, key: str) -> dict[str, Given]:
    if isinstance(given, Iterator | ValuesView):
        given = list(given)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(f"{key} must be a list or a table of schedules, got {shown(given)}")
    found: dict[str, Given] = {}
    for place, one in enumerate(given, 1):
        name = _name(one) or f"list-{place}"
        if name in found:
            raise InputError(f"{key}: two are called {name!r}; give them names: {{name: schedule, ...}}")
        found[name] = one
    return found


def _name(one: Any) -> str:
    if isinstance(one, Schedule):
        return one.family
    if isinstance(one, Mapping):
        one = one.get("family") or one.get("file") or ""
    if not isinstance(one, str | os.PathLike):
        return ""
    return re.sub(r"[^\w-]+", "-", Path(one).stem if _is_file(one) else str(one))


def _is_file(one: str | os.PathLike[str]) -> bool:
    return isinstance(one, os.PathLike) or Path(one).suffix in MAX_BYTES


def _document(one: Any, step_rule: StepRule, steps: int | None, tune: bool) -> dict[str, Any]:
    """The keys of a `BaselineSpec`."""
    if isinstance(one, str) and not _is_file(one):
        if one in STANDARD_BASELINES:
            one = {"family": one, "params": STANDARD_BASELINES[one].params}
        else:
            one = {"family": one}
    elif not isinstance(one, Mapping):
        one = {"file" if isinstance(one, str | os.PathLike) else "lrs": one}
    document = {"tune": tune, **plain(one)}
    kinds = [kind for kind in ("family", "file", "lrs") if kind in document]
    if len(kinds) != 1:
        raise InputError(f"needs one of family, file and lrs, got {' and '.join(kinds) or 'none'}")
    if kinds == ["family"]:
        return document
    source = document.pop(kinds[0])
    if "params" in document:
        raise InputError(f"params belong to a family, not to {kinds[0]}")
    schedule = _schedule(source) if kinds == ["file"] else source
    found = _of_schedule(schedule, step_rule, steps)
    base_lr = found.pop("base_lr")
    return found | ({"base_lr": base_lr} if document["tune"] is False else {}) | document


def _schedule(source: Any) -> Schedule:
    if not isinstance(source, str):
        raise InputError(f"file must name a schedule file, got {shown(source)}")
    return read_schedule(source)


def _of_schedule(schedule: Any, step_rule: StepRule, steps: int | None) -> dict[str, Any]:
    if isinstance(schedule, Schedule):
        if schedule.in_steps and steps is not None:
            schedule = schedule.replace(steps=steps)
        is_shape = schedule.family != "table" and schedule.step_rule == step_rule
        if is_shape and schedule.batch_sizes is None and not schedule.min_lr:
            params = dict(schedule.params)
            return {"family": schedule.family, "params": params, "base_lr": schedule.base_lr}
        schedule = schedule.values()
    values, base_lr = table_values(schedule, step_rule)
    return {"family": "table", "params": {"values": values.tolist()}, "base_lr": base_lr}
