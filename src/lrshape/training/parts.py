"""Members that one program can train: those that agree in all settings but the traced ones."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

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
            traced[setting.path] = _series(setting.path, given, (count, workload.steps))
        else:
            static[setting.path] = one_each(name, plain(given), count)
    variants: dict[str, PopulationWorkload] = {}
    members: dict[PopulationWorkload, list[int]] = {}
    for member in range(count):
        own = {path: values[member] for path, values in static.items()}
        if repr(own) not in variants:
            variants[repr(own)] = with_values(workload, own) if own else workload
        members.setdefault(variants[repr(own)], []).append(member)  # pyright: ignore[reportArgumentType]
    parts = [Part(variant, np.array(found)) for variant, found in members.items()]
    for part in parts:  # each by its own rules: another optimizer may have others, or lack the setting
        for path, values in traced.items():
            setting, own = find_setting(part.workload, path), values[part.members]
            for extreme in (own.min(), own.max()):  # NaN if any is
                _require_legal(part.workload, setting, float(extreme))
    return traced, parts


def numbers(what: str, given: ArrayLike, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return what a user gave as an array.

    Raises:
        InputError: if it holds something else than numbers, or rows of different lengths.
    """
    try:
        return np.asarray(given, dtype)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} must be numbers, rows of one length, got {shown(given)}") from None


def one_each(name: str, values: Any, count: int) -> list[Any]:
    """Return a hyperparameter's values, one a member.

    Raises:
        InputError: if they are no list of so many.
    """
    if not isinstance(values, list) or len(values) != count:
        raise InputError(f"hyperparameter {name} must be {count} values, one a member, got {shown(values)}")
    return values


def _series(path: str, given: Any, shape: tuple[int, int]) -> NDArray[np.floating]:
    """A traced hyperparameter at every step, of the shape (members, steps)."""
    values, (count, steps) = numbers(f"hyperparameter {path}", given), shape
    if values.shape not in ((count,), shape) or values.dtype.kind not in "fiu":
        raise InputError(
            f"hyperparameter {path} must be numbers of shape ({count},) or ({count}, {steps}), got "
            f"{values.dtype} of {values.shape}"
        )
    return np.broadcast_to(values.reshape(count, -1), shape)


def _require_legal(workload: PopulationWorkload, setting: Setting, value: float) -> None:
    if setting.path.startswith("optimizer."):
        with_values(workload, {setting.path: value})
    elif not (np.isfinite(value) and value >= 0):  # a learning rate
        raise InputError(f"hyperparameter {setting.path} must be finite and not negative, got {value}")
