"""The devices that a population is spread over, and how many members fit on them."""

import contextlib
import os
from functools import cache
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from lrshape.engine.training import training
from lrshape.workloads.base import PopulationWorkload, Workload

MEMORY_SHARE = 0.5
"""Share of the free memory that a population may take by our estimate."""

COPIES = 3
"""Copies of a member's state alive at once: the input, the output, and what one step makes."""


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


def free_memory() -> int | None:
    """Bytes free for a population over all devices: host memory on CPUs, device memory elsewhere.

    None if a device does not tell.
    """
    devices = mesh().devices.flat
    if not is_cpu():
        stats = [device.memory_stats() or {} for device in devices]
        if not all("bytes_limit" in s for s in stats):
            return None
        return sum(s["bytes_limit"] - s.get("bytes_in_use", 0) for s in stats)
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else ():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def bytes_per_member(workload: PopulationWorkload) -> int:
    """Estimated bytes of one member: its state in `COPIES` copies, and its learning rates."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    data = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), np.asarray(a).dtype), workload.data())
    state = jax.eval_shape(training(workload).init, key, data)
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    return COPIES * size + 32 * workload.steps  # learning rates: float64 on the host, float32 in copies


def plan_members(workload: Workload) -> int:
    """Members to train in one program: what fits in memory, at most the workload's ``max_members``.

    More than that gains little speed and would make a crash cost more; the number is rounded down to a
    power of two, so that a small change of free memory does not change the plan.
    """
    if not isinstance(workload, PopulationWorkload):
        return workload.max_members
    free = free_memory()
    if free is None:
        return workload.max_members
    fitting = int(free * MEMORY_SHARE) // bytes_per_member(workload)
    return min(workload.max_members, 2 ** max(0, fitting.bit_length() - 1))
