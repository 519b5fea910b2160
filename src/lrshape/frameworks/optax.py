"""A schedule as an optax schedule: a function of the count of updates."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS, MAX_TABLE, require_no_groups, table
from lrshape.frameworks.standalone import CodeExporter
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules


def to_optax(schedule: Schedule) -> Callable[[Any], Any]:
    """Return ``count -> learning rate``, for ``optax.sgd(learning_rate=...)`` and all others.

    It can be traced: ``count`` may be a traced integer under ``jit``, ``scan`` or ``vmap``. Counts past the
    end keep the last value. The result has JAX's default float type.

    Args:
        schedule: what to follow.

    Raises:
        InputError: if it has too many steps for a table.
    """
    return functools.partial(_look_up, table(schedule, "optax"))


NAMES = {"lr": "learning_rate", "beta1": "b1", "beta2": "b2"}
"""What optax calls a quantity, where it calls it otherwise."""


def to_optax_of_several(schedules: Schedules) -> dict[str, Callable[[Any], Any]]:
    """Return a schedule for each argument of an optimizer: ``optax.inject_hyperparams(optax.adamw)(**...)``.

    Raises:
        InputError: if a schedule is for one group only, or has too many steps for a table.
    """
    require_no_groups(schedules, "optax")
    return {NAMES.get(name, name): to_optax(schedules[name]) for name in schedules}


def _look_up(values: NDArray[np.float64], count: Any) -> Any:
    import jax.numpy as jnp

    # First of all an int: in a narrow type of counts the bound would wrap.
    index = jnp.clip(jnp.asarray(count).astype(int), 0, len(values) - 1)
    return jnp.take(jnp.asarray(values), index)


_MAKE_SCHEDULE = '''
def make_schedule(steps=STEPS, base_lr=BASE_LR):
    """Return count -> learning rate, which can be traced."""
    values = np.array([lr(step, steps, base_lr) for step in range(checked_steps(steps))])
    return functools.partial(look_up, values)


def look_up(values, count):
    """Return values[count], or the last one past the end."""
    index = jnp.clip(jnp.asarray(count).astype(int), 0, len(values) - 1)  # the bound may not fit its type
    return jnp.take(jnp.asarray(values), index)'''


@EXPORTERS.register("optax")
class Optax(CodeExporter):
    """``lr(step)``, and ``make_schedule()`` for optax."""

    bind = staticmethod(to_optax)
    bind_several = staticmethod(to_optax_of_several)
    imports = ("import functools", "import math", "", "import jax.numpy as jnp", "import numpy as np")
    max_steps = MAX_TABLE
    usage = "optimizer = optax.sgd(make_schedule())"

    @override
    @classmethod
    def code(cls) -> str:
        return _MAKE_SCHEDULE
