"""Members that one program can train: those that agree in all settings but the traced ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown
from lrshape.training.hyperparameters import Setting, find_setting, with_values
from lrshape.training.workload import PopulationWorkload
from lrshape.values import plain


class Part(NamedTuple):
    """Members that one program trains.

    Attributes:
        workload: with the values of these members.
        members: their indices, in ascending order.
    """

    workload: PopulationWorkload
    members: NDArray[np.intp]


def divided(
    workload: PopulationWorkload, hyperparameters: Mapping[str, Any], count: int
) -> tuple[dict[str, NDArray[np.floating]], list[Part]]:
    """Divide members by the values of their hyperparameters.

    Returns:
        Traced hyperparameters by path, (members, steps) each; the parts in the order of their first members.

    Raises:
        InputError: see `lrshape.training.evaluation.evaluate`.
    """
    traced: dict[str, NDArray[np.floating]] = {}
    static: dict[str, Sequence[Any]] = {}
    for name, given in hyperparameters.items():
        setting = find_setting(workload, name)
        if setting.path in (*traced, *static):
            raise InputError(
                f"hyperparameters must name {setting.path} once, got {', '.join(hyperparameters)}"
            )
        if setting.traced:
            traced[setting.path] = _series(workload, setting, given, count)
        else:
            static[setting.path] = _list(name, given, count)
    variants: dict[str, PopulationWorkload] = {}
    members: dict[PopulationWorkload, list[int]] = {}
    for member in range(count):
        own = {path: values[member] for path, values in static.items()}
        if repr(own) not in variants:
            variants[repr(own)] = _variant(workload, own, traced)
        members.setdefault(variants[repr(own)], []).append(member)  # pyright: ignore[reportArgumentType]
    return traced, [Part(variant, np.array(found)) for variant, found in members.items()]


def _variant(
    workload: PopulationWorkload, values: Mapping[str, Any], traced: Iterable[str]
) -> PopulationWorkload:
    """The workload with other values of static settings."""
    variant = with_values(workload, values) if values else workload
    for path in traced:
        find_setting(variant, path)  # another optimizer may lack it
    return variant


def _list(name: str, given: Any, count: int) -> Sequence[Any]:
    values = plain(given)
    if not isinstance(values, list) or len(values) != count:
        raise InputError(f"hyperparameter {name} must be {count} values, one a member, got {shown(given)}")
    return values


def _series(workload: PopulationWorkload, setting: Setting, given: Any, count: int) -> NDArray[np.floating]:
    """A traced hyperparameter at every step, (members, steps)."""
    values, steps = np.asarray(given), workload.steps
    if values.shape not in ((count,), (count, steps)) or values.dtype.kind not in "fiu":
        raise InputError(
            f"hyperparameter {setting.path} must be numbers of shape ({count},) or ({count}, {steps}), got "
            f"{values.dtype} of {values.shape}"
        )
    for extreme in (values.min(), values.max()):  # NaN if any is
        _require_legal(workload, setting, float(extreme))
    return np.broadcast_to(values.reshape(count, -1), (count, steps))


def _require_legal(workload: PopulationWorkload, setting: Setting, value: float) -> None:
    if setting.path.startswith("optimizer."):
        with_values(workload, {setting.path: value})
    elif not (np.isfinite(value) and value >= 0):  # a learning rate
        raise InputError(f"hyperparameter {setting.path} must be finite and not negative, got {value}")
