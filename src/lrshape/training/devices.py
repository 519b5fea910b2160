"""The devices that a population is spread over, and the numerical precision that it trains with there.

Weights, optimizer states and scores are float32 whatever is chosen.
"""

import contextlib
import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lrshape.errors import InputError
from lrshape.training.data.download import own_cache_dir
from lrshape.training.workload import GradientWorkload, PopulationWorkload, Workload
from lrshape.workers.places import core_count


@cache
def mesh() -> Mesh:
    """All devices along one axis, ``members``; on CPUs one host device for each usable core.

    Small networks gain nothing from the threads inside one operation, but train on all cores when each
    core is a device of its own, unless ``XLA_FLAGS`` says how many there are. JAX fixes the number of devices
    at its first use: if a program has used JAX before, whatever it set up is used.
    """
    _keep_programs()
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # JAX runs already
            jax.config.update("jax_num_cpu_devices", core_count())
    return Mesh(np.array(jax.devices()), ("members",))


def _keep_programs() -> None:
    """Have JAX keep compiled programs in the user's cache, unless it has a folder for them already.

    Not in ``$LRSHAPE_CACHE``, which users may share: whoever can write there can run code here.
    """
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    with contextlib.suppress(OSError, InputError):  # without a folder, all is compiled
        folder = own_cache_dir() / "programs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        # A program that was cut off, by a full disk for instance, is compiled again.
        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


def is_cpu() -> bool:
    """Whether the population trains on CPUs."""
    return mesh().devices.flat[0].platform == "cpu"


def group_size(workload: PopulationWorkload, members: int) -> int:
    """How many members one device advances side by side: few on a CPU, all of its share elsewhere."""
    share = -(-members // mesh().size)
    if is_cpu() or workload.broadcasts:
        return min(workload.cpu_group, share)
    return share


def precision(workload: Workload) -> str:
    """``float32``, ``tf32`` or ``bf16``: what ``auto`` means on this device, else what is asked for.

    Raises:
        InputError: for tf32 on CPUs, which lack it.
    """
    asked = workload.precision if isinstance(workload, GradientWorkload) else "float32"
    if asked == "tf32" and is_cpu():
        raise InputError('workload.precision must be "auto", "float32" or "bf16" on a CPU, got "tf32"')
    if asked == "auto":
        return "float32" if is_cpu() else "tf32"
    return asked


def matmul_precision(workload: Workload) -> str:
    """JAX's name for the precision of float32 matrix products."""
    return "tensorfloat32" if precision(workload) == "tf32" else "float32"


def activations(workload: Workload, loss: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The loss of float32 parameters, computed with activations of the workload's precision."""
    if precision(workload) != "bf16":
        return loss

    def lower(leaf: Any) -> Any:
        return leaf.astype(jnp.bfloat16) if leaf.dtype == jnp.float32 else leaf

    def lowered(params: Any, batch: Any, key: Any) -> jax.Array:
        return loss(jax.tree.map(lower, params), jax.tree.map(lower, batch), key).astype(jnp.float32)

    return lowered
