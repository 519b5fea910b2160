"""Many shapes of one family at once."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrshape.errors import InputError
from lrshape.shapes.family import Family, namespace

CHUNK_BYTES = 1 << 18
"""Size of one intermediate array. A formula of thirty operations makes thirty of them: they must fit the
cache, while chunks that are too small pay NumPy's cost of a call for few elements."""


def evaluate(family: type[Family], params: Mapping[str, Any], t: Any) -> Any:
    """Return the multipliers of ``n`` shapes of one family.

    Row i equals ``family(**{name: values[i]})(t)``. With JAX arrays, or inside ``jax.jit``, everything is one
    broadcast; with NumPy arrays rows are computed in chunks that fit the cache.

    Args:
        family: the family's class.
        params: ``{name: values}``, each an array of shape ``(n,)`` or one value for all shapes; parameters
            that are not named take their defaults. A choice may be an array of strings too.
        t: progress, of shape ``(steps,)``.

    Returns:
        Multipliers of shape ``(n, steps)``; n is 1 if no parameter is an array.

    Raises:
        InputError: if a name is unknown, a value breaks its parameter's rule, or the shapes do not fit.

    Example:
        >>> from lrshape.shapes import FAMILIES
        >>> evaluate(FAMILIES["linear"], {"floor": np.array([0.0, 0.5])}, np.array([0.0, 0.5, 1.0])).tolist()
        [[1.0, 0.5, 0.0], [1.0, 0.75, 0.5]]
    """
    batched = {p.name for p in family.parameters() if p.batched}
    choices = {p.name for p in family.parameters() if p.scale == "choice"}
    columns = {k: _column(k, v, k in batched) for k, v in params.items() if k in batched or k in choices}
    sizes = {k: v.shape[0] for k, v in columns.items() if v.ndim}
    if len(set(sizes.values())) > 1:
        raise InputError(f"parameters of a batch must have one length, got {sizes}")
    rows = next(iter(sizes.values()), 1)
    mixed = [k for k in columns if k in choices and columns[k].ndim]
    plain = {k: v for k, v in params.items() if k not in batched and k not in mixed}
    if mixed:
        return _grouped(family, columns, mixed, plain, t, rows)
    values = {k: v[:, None] if v.ndim else v for k, v in columns.items() if k in batched}
    shape = family.from_params({**plain, **values})
    xp = namespace(t, *columns.values())
    if xp is not np:
        return xp.broadcast_to(shape(t), (rows, np.shape(t)[0]))
    return _in_chunks(shape, [k for k in values if k in sizes], np.asarray(t, np.float64), rows)


def _column(name: str, value: Any, number: bool) -> Any:
    array = value if namespace(value) is not np else np.asarray(value, None if number else object)
    if array.ndim > 1:
        raise InputError(f"{name} must be one value or have shape (n,), got shape {array.shape}")
    return array


def _in_chunks(shape: Family, split: list[str], t: np.ndarray, rows: int) -> np.ndarray:
    if t.ndim != 1:
        raise InputError(f"progress must have shape (steps,), got {t.shape}")
    result = np.empty((rows, t.size))
    height = max(1, CHUNK_BYTES // max(8 * t.size, 1))
    for start in range(0, rows, height):
        part = copy.copy(shape)  # a copy skips the checks, which the whole batch has passed
        for name in split:
            object.__setattr__(part, name, getattr(shape, name)[start : start + height])
        result[start : start + height] = part(t)
    return result


def _grouped(
    family: type[Family], columns: dict[str, Any], mixed: list[str], plain: dict[str, Any], t: Any, rows: int
) -> Any:
    """Evaluate rows that differ in a choice: each combination on its own, then put them back in order."""
    keys = list(zip(*(columns[k].tolist() for k in mixed), strict=True))
    parts, order = [], []
    for key in dict.fromkeys(keys):
        index = np.array([i for i, k in enumerate(keys) if k == key])
        own = {k: v[index] if v.ndim else v for k, v in columns.items() if k not in mixed}
        part = evaluate(family, {**plain, **own, **dict(zip(mixed, key, strict=True))}, t)
        parts.append(namespace(part).broadcast_to(part, (index.size, part.shape[1])))
        order.append(index)
    xp = namespace(*parts)
    if not parts:
        return np.empty((rows, np.shape(t)[0]))
    return xp.concatenate(parts)[np.argsort(np.concatenate(order))]
