"""A schedule as an optax schedule: a function of the count of updates."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from lrshape.frameworks.table import table
from lrshape.shapes.curve import Curve


def to_optax(curve: Curve) -> Callable[[Any], Any]:
    """Return ``count -> learning rate``, for ``optax.sgd(learning_rate=...)`` and all others.

    It can be traced: ``count`` may be a traced integer under ``jit``, ``scan`` or ``vmap``. Counts past the
    end keep the last value. The result has JAX's default float type.

    Args:
        curve: what to follow.

    Raises:
        InputError: if it has too many steps for a table.
    """
    return _lookup(table(curve, "optax"))


def _lookup(values: Any) -> Callable[[Any], Any]:
    def schedule(count: Any) -> Any:
        index = jnp.clip(jnp.asarray(count), 0, len(values) - 1)
        return jnp.take(jnp.asarray(values), index.astype(int))

    return schedule
