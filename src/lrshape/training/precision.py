"""Numerical precision of training: which matrix products and activations a workload asks for.

Weights, optimizer states and scores are float32 whatever is chosen.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lrshape.errors import InputError
from lrshape.training.devices import is_cpu
from lrshape.training.workload import GradientWorkload, Workload


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
