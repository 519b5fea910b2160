"""Which setting of a workload the name of a hyperparameter means, and what its values may be."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from lrshape.errors import InputError, shown
from lrshape.registry import Registry
from lrshape.settings import Settings
from lrshape.shapes.schedules import GROUP_LR
from lrshape.training.workload import GradientWorkload, PopulationWorkload, Workload

W = TypeVar("W", bound=PopulationWorkload)

SAME_FOR_ALL = ("steps", "record_every", "evaluate_every", "averages", "groups")
"""Settings of a workload that no hyperparameter changes: they say what a trial is, and what it records."""


FAR, SMALL = 1e30, 1e-9
"""No hyperparameter leaves these bounds, or comes nearer than this to one that it must not reach."""


@dataclass(frozen=True)
class Tunable:
    """What a workload says of a hyperparameter.

    Attributes:
        path: its full name, however it was called.
        limits: smallest and largest legal value; None if the workload does not know.
        integer: whether it takes whole numbers only.
        default: its value without tuning; None if unknown.
    """

    path: str
    limits: tuple[float, float] | None = None
    integer: bool = False
    default: Any = None


@dataclass(frozen=True)
class Setting:
    """A setting that may be a hyperparameter.

    Attributes:
        path: its name below ``workload``, e.g. ``optimizer.weight_decay``; ``lr.NAME`` of a group.
        traced: whether members of one program may have values of their own, and schedules. Members with
            different values of another setting are trained in programs of their own, compiled for each value.
        integer: whether values must be whole numbers.
        bounds: of numbers, by pydantic's words ``gt``, ``ge``, ``lt`` and ``le``.
    """

    path: str
    traced: bool
    integer: bool
    bounds: Mapping[str, float]


def settings_of(workload: PopulationWorkload) -> dict[str, Setting]:
    """Return the settings that may be hyperparameters, by their paths.

    Example:
        >>> from lrshape.training.workloads.digits import DigitsMLP
        >>> list(settings_of(DigitsMLP()))[-4:]
        ['optimizer.beta2', 'optimizer.eps', 'optimizer.name', 'hidden']
    """
    found = {setting.path: setting for setting in _settings(workload, "")}
    for name in SAME_FOR_ALL:
        found.pop(name, None)
    if isinstance(workload, GradientWorkload):
        for group in workload.groups:
            path = GROUP_LR + group.name
            found[path] = Setting(path, traced=True, integer=False, bounds={"ge": 0})
    return found


def find_setting(workload: PopulationWorkload, name: str) -> Setting:
    """Return the setting of that path, or the only one whose path ends in that name.

    Raises:
        InputError: if there is none, or more than one.

    Example:
        >>> from lrshape.training.workloads.digits import DigitsMLP
        >>> find_setting(DigitsMLP(), "beta1")
        Setting(path='optimizer.beta1', traced=True, integer=False, bounds={'ge': 0, 'lt': 1})
    """
    settings = settings_of(workload)
    if name in settings:
        return settings[name]
    by_end: dict[str, list[str]] = {}
    for path in settings:
        by_end.setdefault(path if path.startswith(GROUP_LR) else path.rpartition(".")[2], []).append(path)
    paths = by_end.get(name, [])
    if len(paths) == 1:
        return settings[paths[0]]
    if paths:
        raise InputError(f"hyperparameter {name!r} must be one of {', '.join(paths)}")
    if name in SAME_FOR_ALL:
        raise InputError(f"hyperparameter {name!r} must be a setting that trials may differ in")
    near = difflib.get_close_matches(name, dict.fromkeys([*by_end, *settings]))
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else f": {', '.join(settings)}"
    raise InputError(f"hyperparameter {shown(name)} must be a setting of {workload.name}{hint}")


def tunable(workload: Workload, name: str, values: Sequence[Any], scheduled: bool = False) -> Tunable:
    """Return what a workload says of a hyperparameter.

    Args:
        workload: any.
        name: of the hyperparameter.
        values: some that it is to take: those at the ends of its range, or all. Those of a group's learning
            rate are relative to that of all others.
        scheduled: whether it may change in training.

    Raises:
        InputError: if it cannot be one, or a value is not legal.
    """
    if not isinstance(workload, PopulationWorkload):
        if not name.isidentifier():
            raise InputError(f"{name} must be a word: a keyword of a function, or a place in a command")
        return Tunable(name)
    setting = find_setting(workload, name)
    if scheduled and not setting.traced:
        raise InputError(f"{name} cannot have a schedule: it stays the same in a training")
    if setting.path.startswith(GROUP_LR):
        if not all(isinstance(value, int | float) and value > 0 for value in values):
            raise InputError(f"{name} must be above 0, relative to the base LR, got {shown(list(values))}")
        return Tunable(setting.path, (0.0, FAR), default=1.0)
    for value in values:
        with_values(workload, {setting.path: value})
    bounds = setting.bounds
    low = max(bounds.get("ge", -FAR), bounds.get("gt", -FAR) + SMALL)
    high = min(bounds.get("le", FAR), bounds.get("lt", FAR) - SMALL)
    if scheduled and low > 0:
        raise InputError(f"{name} cannot have a schedule: it must stay above 0, and a schedule may end there")
    own: Any = workload
    for part in setting.path.split("."):
        own = getattr(own, part)
    return Tunable(setting.path, (low, high), setting.integer, own)


def with_values(workload: W, values: Mapping[str, Any]) -> W:
    """Return the workload with other values of settings, given by their paths.

    Another ``optimizer.name`` keeps the settings that both optimizers have.

    Raises:
        InputError: one line for each value that is not legal.
    """
    document = workload.model_dump()
    for path in sorted(values, key=lambda path: not path.endswith(".name")):
        *tables, key = path.split(".")
        table = document
        for name in tables:
            table = table[name]
        if key == "name":
            registry = _registry(type(workload).model_fields[tables[0]])
            known = registry[values[path]].model_fields if registry and values[path] in registry else table
            for other in [other for other in table if other not in known]:
                del table[other]
        table[key] = values[path]
    return type(workload).read(document, "workload")


def _settings(settings: Settings, prefix: str, traced: bool = False) -> Iterator[Setting]:
    """Those of a table; ``traced``: whether its numbers are."""
    for name, field in type(settings).model_fields.items():
        value, path = getattr(settings, name), prefix + name
        if not isinstance(value, Settings):
            yield _setting(path, field, traced)
            continue
        # The engine applies the optimizer of a gradient workload; other tables are the workload's own affair.
        traced_there = isinstance(settings, GradientWorkload) and name == "optimizer"
        yield from _settings(value, f"{path}.", traced_there)
        if _registry(field) is not None:
            yield Setting(f"{path}.name", traced=False, integer=False, bounds={})


def _setting(path: str, field: FieldInfo, traced: bool) -> Setting:
    union = get_origin(field.annotation) in (UnionType, Union)
    kinds = get_args(field.annotation) if union else (field.annotation,)
    words = ("gt", "ge", "lt", "le") if float in kinds or int in kinds else ()
    return Setting(
        path,
        traced=traced and float in kinds,
        integer=int in kinds,
        bounds={
            word: getattr(rule, word) for rule in field.metadata for word in words if hasattr(rule, word)
        },
    )


def _registry(field: FieldInfo) -> Registry[Any] | None:
    return next((rule for rule in field.metadata if isinstance(rule, Registry)), None)
