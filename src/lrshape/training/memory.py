"""How many members fit into memory, and what to do when that was wrong."""

import logging
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from lrshape.errors import InputError, first_line
from lrshape.training.devices import is_cpu, mesh
from lrshape.training.hyperparameters import find_setting
from lrshape.training.population import MIN_SEEDS
from lrshape.training.programs import training
from lrshape.training.workload import PopulationWorkload, Workload

T = TypeVar("T")

logger = logging.getLogger("lrshape")

MEMORY_SHARE = 0.5
"""Share of the free memory that a population may take by our estimate."""


class Footprint(NamedTuple):
    """Estimated bytes of a population, over all devices.

    Attributes:
        fixed: what does not grow with the members: data, the batches of `MIN_SEEDS` seeds, and on CPUs the
            working memory of the one member that each device trains at a time.
        member: what each member adds.
    """

    fixed: int
    member: int


@lru_cache(maxsize=16)
def footprint(workload: PopulationWorkload, traced: tuple[str, ...] = ()) -> Footprint:
    """Estimate from the compiled program of one member's step: its temporaries are the activations.

    Args:
        workload: what is trained.
        traced: paths of the hyperparameters that members of one program have values of.
    """
    functions, devices = training(workload, traced), mesh().size
    key = jax.eval_shape(lambda: jax.random.key(0))
    data = jax.tree.map(lambda a: jax.ShapeDtypeStruct(jnp.shape(a), jnp.result_type(a)), workload.data())
    state = jax.eval_shape(functions.init, key, data)
    order = jax.eval_shape(workload.order, key, data)
    shape = (1,) if workload.broadcasts else ()
    rates = dict.fromkeys(("lr", *traced), jax.ShapeDtypeStruct(shape, jnp.float32))

    def step(state: Any, now: Any, base_lrs: Any, order: Any, data: Any, key: Any) -> Any:
        batch = None if order is None else workload.batch(data, jax.tree.map(lambda row: row[0], order))
        return functions.step(state, now, base_lrs, batch, key)

    if workload.broadcasts:
        state = jax.tree.map(lambda a: jax.ShapeDtypeStruct((*a.shape, 1), a.dtype), state)
    compiled = jax.jit(step).lower(state, rates, rates, order, data, key).compile()
    analysis = compiled.memory_analysis()
    temporary = 0 if analysis is None else analysis.temp_size_in_bytes
    fixed = devices * (_bytes(data) + MIN_SEEDS * _bytes(order))
    # Input and output of a block of steps are alive at once, and a copy while members are moved; learning
    # rates and hyperparameters are float64 on the host, and float32 there and on the device.
    averages = len(workload.average_names) * _bytes(jax.eval_shape(functions.weights, state))
    member = 3 * (_bytes(state) + averages) + 16 * workload.steps * len(rates) + 16 * workload.curve_points
    # Every device has the batches of all seeds, as many as members at most, padded to a power of two.
    member += 2 * devices * _bytes(order)
    if is_cpu():
        return Footprint(fixed + devices * temporary, member)
    return Footprint(fixed, member + temporary)


def _bytes(tree: Any) -> int:
    """Size of all arrays of a tree."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def free_memory() -> int | None:
    """Bytes free for a population over all devices: host memory on CPUs, device memory elsewhere.

    On Linux a limit that a control group sets, as containers do, counts like the end of the memory. None if
    a device, or the system, does not tell.
    """
    if not is_cpu():
        stats = [device.memory_stats() or {} for device in mesh().devices.flat]
        if not all("bytes_limit" in s for s in stats):
            return None
        return sum(s["bytes_limit"] - s.get("bytes_in_use", 0) for s in stats)
    available = _entry(Path("/proc/meminfo"), "MemAvailable:")  # in kB
    known = (available and 1024 * available, _control_group())
    limits = [limit for limit in known if limit is not None]
    if not limits and hasattr(os, "sysconf"):  # which Windows lacks
        limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2]
    return min(limits, default=None)


def _entry(file: Path, name: str) -> int | None:
    """The number behind a name in one of the kernel's tables; None if it is not there."""
    for line in file.read_text().splitlines() if file.exists() else ():
        words = line.split()
        if words[:1] == [name]:
            return int(words[1])
    return None


def _control_group(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What is left of a control group's memory; None without a limit.

    The cache of files not read lately counts as used, but is given back as soon as memory is needed.
    """
    for limit, used, table, cache in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ):
        try:
            most = (root / limit).read_text().strip()
            current = int((root / used).read_text())
        except (OSError, ValueError):
            continue
        if most.isdigit() and int(most) < 2**60:  # beyond that it says "no limit"
            return max(0, int(most) - current + (_entry(root / table, cache) or 0))
    return None


def plan_chunk_size(workload: Workload, hyperparameters: Iterable[str] = ()) -> int:
    """Members to train in one program: what fits in memory, at most the workload's ``max_members``.

    More than that gains little speed and would make a crash cost more; the number is rounded down to a
    power of two, so that a small change of free memory does not change the plan.

    Args:
        workload: what is trained, with the values of settings that take the most memory.
        hyperparameters: names of those that trials differ in.
    """
    if not isinstance(workload, PopulationWorkload):
        return workload.max_members
    free = free_memory()
    if free is None:
        return workload.max_members
    settings = [find_setting(workload, name) for name in hyperparameters]
    traced = tuple(sorted(setting.path for setting in settings if setting.traced))
    need = footprint(workload, traced)  # pyright: ignore[reportArgumentType] - frozen models have a hash
    fitting = max(0, int(free * MEMORY_SHARE) - need.fixed) // need.member
    return min(workload.max_members, 2 ** max(0, fitting.bit_length() - 1))


def halving(train: Callable[[int], T], members: int) -> T:
    """Call ``train(members)``, with half as many after every failure for lack of memory.

    Raises:
        InputError: if one member alone does not fit.
    """
    while True:
        try:
            return train(members)
        except (jax.errors.JaxRuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            message = f"{first_line(error):.200}"
            if members == 1:
                raise InputError(f"one trial alone does not fit into memory: {message}") from None
        members = -(-members // 2)  # outside of the handler, which keeps the failed arrays alive
        logger.warning("out of memory (%s): continuing with %d trials at a time", message, members)


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
