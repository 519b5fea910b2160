"""The three functions of one member's training, for either kind of population workload."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from lrshape.training.precision import activations
from lrshape.training.workload import (
    Batch,
    GradientWorkload,
    Metrics,
    PopulationWorkload,
    PyTree,
    StepWorkload,
)


class Training(NamedTuple):
    """Pure functions for one member.

    Attributes:
        init: (key, data) -> state.
        step: (state, lr, base_lr, batch, key) -> (state, training loss before the step).
        metrics: (state, data) -> scalars by name.
    """

    init: Callable[[jax.Array, PyTree], PyTree]
    step: Callable[[PyTree, jax.Array, jax.Array, Batch, jax.Array | None], tuple[PyTree, Any]]
    metrics: Callable[[PyTree, PyTree], Metrics]


def training(workload: PopulationWorkload) -> Training:
    """Derive the functions: a gradient workload's state is its parameters and the optimizer's state."""
    if isinstance(workload, GradientWorkload):
        return _gradient_training(workload)
    if isinstance(workload, StepWorkload):
        return Training(
            workload.init,
            lambda state, lr, base_lr, batch, key: workload.step(state, lr, batch, key),
            workload.metrics,
        )
    raise TypeError(f"{type(workload).__name__} must derive from GradientWorkload or StepWorkload")


def _gradient_training(workload: GradientWorkload) -> Training:
    transformation = workload.optimizer.transformation()
    loss_of = activations(workload, workload.loss)

    def init(key: jax.Array, data: PyTree) -> PyTree:
        params = workload.init(key, data)
        return params, transformation.init(params)

    def step(state: PyTree, lr: jax.Array, base_lr: jax.Array, batch: Batch, key: Any) -> tuple[PyTree, Any]:
        params, memory = state
        loss, gradient = jax.value_and_grad(loss_of)(params, batch, key)
        direction, memory = transformation.update(gradient, memory, params)
        return (workload.optimizer.apply(params, direction, lr, base_lr), memory), loss

    def metrics(state: PyTree, data: PyTree) -> Metrics:
        return workload.metrics(state[0], data)

    return Training(init, step, metrics)
