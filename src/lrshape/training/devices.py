"""The devices that a population is spread over."""

import contextlib
import os
from functools import cache

import jax
import numpy as np
from jax.sharding import Mesh

from lrshape.training.workload import PopulationWorkload


@cache
def mesh() -> Mesh:
    """All devices along one axis, ``members``; on CPUs one host device for each usable core.

    Small networks gain nothing from the threads inside one operation, but train on all cores when each
    core is a device of its own. JAX fixes the number of devices at its first use: if a program has used
    JAX before, whatever it set up is used.
    """
    with contextlib.suppress(RuntimeError, ValueError):  # JAX runs already, or XLA_FLAGS sets the count
        jax.config.update("jax_num_cpu_devices", _usable_cores())
    return Mesh(np.array(jax.devices()), ("members",))


def _usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_cpu() -> bool:
    """Whether the population trains on CPUs."""
    return mesh().devices.flat[0].platform == "cpu"


def group_size(workload: PopulationWorkload, members: int) -> int:
    """How many members one device advances side by side: few on a CPU, all of its share elsewhere."""
    share = -(-members // mesh().size)
    if is_cpu() or workload.broadcasts:
        return min(workload.cpu_group, share)
    return share
