"""What a sweep varies: axes of spec keys and their values, their product, and presets of common axes."""

import copy
import itertools
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from lrshape.errors import InputError, about, shown
from lrshape.study.spec import StudySpec, assign
from lrshape.training.optimizers import Coupling
from lrshape.values import typed

MAX_SETTINGS = 100
_COUPLINGS = get_args(Coupling)
_DECAY, _COUPLING = "workload.optimizer.weight_decay", "workload.optimizer.coupling"

PRESETS = ("weight-decay[:COUPLING]", "beta1", "beta2", "horizon")
"""Names of axes that answer common questions, see `preset_axes`."""


@dataclass(frozen=True)
class Setting:
    """One point of a sweep.

    Attributes:
        slug: name of its study's directory; letters, digits, ``.``, ``_`` and ``-``.
        values: value by key, e.g. ``{"workload.steps": 300}``.
        document: the study's spec, as a mapping that `StudySpec.parse` takes.
    """

    slug: str
    values: Mapping[str, Any]
    document: Mapping[str, Any]

    @property
    def short(self) -> str:
        """The values alone, e.g. ``0.01, constant``."""
        return ", ".join(_text(value) for value in self.values.values())

    @property
    def label(self) -> str:
        """Names and values, e.g. ``weight_decay 0.01, coupling constant``."""
        return _label(axis_names(list(self.values)), self.values)


def parse_axis(text: str) -> tuple[str, list[Any]]:
    """Key and values of ``a.b=value,value``; the values are read as TOML, or else as texts.

    Raises:
        InputError: if there is no ``=``, no value, or a value twice.

    Example:
        >>> parse_axis("workload.optimizer.weight_decay=0,0.01")
        ('workload.optimizer.weight_decay', [0, 0.01])
        >>> parse_axis("workload.optimizer.coupling=lr,constant")[1]
        ['lr', 'constant']
    """
    key, equals, listed = text.partition("=")
    key = key.strip()
    if not equals or not all(part.strip() for part in key.split(".")):
        raise InputError(
            f"--over takes key=value,value, e.g. workload.optimizer.weight_decay=0,0.01, got {text!r}"
        )
    try:
        values = tomllib.loads(f"values = [{listed}]")["values"]
    except (ValueError, RecursionError):
        values = [typed(part.strip()) for part in listed.split(",")]
    if not values or "" in values:
        raise InputError(f"--over {key}: needs values between commas, got {listed!r}")
    if key == "name":
        raise InputError("--over name: the name does not change the training; sweep another setting")
    return key, values


def preset_axes(name: str, document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """What a preset fixes and what it varies, for a spec.

    ``weight-decay`` varies it by 0, 0.01, 0.1 and 1 if it couples to the LR as ``lr`` (lr*wd*p per step), and
    by 0 and 0.1, 1 and 10 over the number of steps if as ``schedule`` (m(t)*wd*p) or ``constant`` (wd*p);
    ``horizon`` takes a quarter, half, once and twice the spec's steps.

    Args:
        name: one of `PRESETS`, where ``weight-decay`` may be followed by ``:lr``, ``:schedule`` or
            ``:constant``.
        document: the spec; its steps and coupling decide some values.

    Returns:
        Values by key that hold for all settings, and lists of values by key.

    Raises:
        InputError: if there is no such preset, or the spec is wrong.
    """
    base, colon, coupling = name.partition(":")
    if colon and (base != "weight-decay" or coupling not in _COUPLINGS):
        raise InputError(f"--preset weight-decay may be followed by :{', :'.join(_COUPLINGS)}, got {name!r}")
    if base in ("beta1", "beta2"):
        values = [0.0, 0.5, 0.9, 0.98] if base == "beta1" else [0.9, 0.99, 0.999]
        return {}, {f"workload.optimizer.{base}": values}
    if base not in ("weight-decay", "horizon"):
        raise InputError(f"--preset must be one of {', '.join(PRESETS)}, got {name!r}")
    workload = StudySpec.parse(document).document()["workload"]
    steps = workload["steps"]
    if base == "horizon":
        return {}, {"workload.steps": sorted({max(1, round(steps * f)) for f in (0.25, 0.5, 1, 2)})}
    if not colon:
        coupling = workload.get("optimizer", {}).get("coupling", "lr")
    if coupling == "lr":
        values = [0.0, 0.01, 0.1, 1.0]
    else:
        values = [0.0, *(float(f"{total / steps:.1g}") for total in (0.1, 1, 10))]
    return {_COUPLING: coupling} if colon else {}, {_DECAY: values}


def settings(document: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]) -> list[Setting]:
    """The product of all axes, the first one varying slowest; every setting's spec is checked.

    Args:
        document: the spec that all settings share.
        axes: values by key.

    Raises:
        InputError: if there are no axes, too few or too many settings, a value comes twice, a setting's spec
            is wrong, or the metrics differ between settings.
    """
    if not axes:
        raise InputError("a sweep needs at least one --over key=value,value or --preset")
    for key, values in axes.items():
        if len(set(map(_whole_text, values))) < len(values):
            raise InputError(f"--over {key}: values must differ, got {', '.join(map(_text, values))}")
    points = list(itertools.product(*axes.values()))
    if not 2 <= len(points) <= MAX_SETTINGS:
        raise InputError(f"a sweep must have 2 to {MAX_SETTINGS} settings, got {len(points)}")
    names = _stored_names(list(axes))
    made = []
    for point in points:
        values = dict(zip(axes, point, strict=True))
        slug = "__".join(f"{_slug(names[key])}-{_slug(_text(value))}" for key, value in values.items())
        own = copy.deepcopy(dict(document))
        for key, value in values.items():
            assign(own, key, value)
        setting = Setting(slug[:120], values, own)
        own["name"] = f"{own.get('name', 'study')}: {_label(names, values)}"[:100]
        made.append(setting)
    if len({setting.slug for setting in made}) < len(made):  # by characters that a file name lacks
        made = [Setting(f"{i:02d}-{s.slug}", s.values, s.document) for i, s in enumerate(made)]
    metrics: dict[str, str] = {}
    for setting in made:
        with about(setting.label):
            metrics.setdefault(StudySpec.parse(setting.document).metric, setting.label)
    if len(metrics) > 1:
        raise InputError(f"all settings must have one metric, got {', '.join(metrics)}")
    return made


def axis_names(keys: Sequence[str]) -> dict[str, str]:
    """Short names of keys: the last part that is not "name", or the whole key where two would be the same.

    Example:
        >>> axis_names(["workload.optimizer.name", "workload.steps"])
        {'workload.optimizer.name': 'optimizer', 'workload.steps': 'steps'}
    """
    return _if_different({key: key.removesuffix(".name").rpartition(".")[2] for key in keys})


def _stored_names(keys: Sequence[str]) -> dict[str, str]:
    """Names of keys in stored sweeps, which open only as long as these stay as they are."""
    return _if_different({key: key.rpartition(".")[2] for key in keys})


def _if_different(names: Mapping[str, str]) -> dict[str, str]:
    taken = list(names.values())
    return {key: name if taken.count(name) == 1 else key for key, name in names.items()}


def _label(names: Mapping[str, str], values: Mapping[str, Any]) -> str:
    return ", ".join(f"{names[key]} {_text(value)}" for key, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return value if isinstance(value, str) else shown(value)


def _whole_text(value: Any) -> str:
    """A text that differs wherever values do: `_text`, but lists and tables in full."""
    is_nested = isinstance(value, list | tuple | dict)
    return json.dumps(value, sort_keys=True, default=str) if is_nested else _text(value)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.") or "x"
