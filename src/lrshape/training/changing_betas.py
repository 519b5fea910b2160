"""Adam whose betas may change from step to step."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

PyTree = Any


def scale_by_adam(beta1: Any, beta2: Any, eps: Any) -> optax.GradientTransformation:
    """Adam's direction with this step's betas: m / (sqrt(v) + eps), both averages corrected for their start.

    The correction divides a moving average by the same moving average of ones, 1 - prod beta_i, which is what
    its weights sum to: it stays an average whatever the betas did (as for the first moment of Dozat,
    "Incorporating Nesterov momentum into Adam", 2016, and of torch.optim.NAdam). With constant betas that is
    Adam's own 1 - beta^t. PyTorch and optax divide by 1 - beta_t^t also while beta_t changes; they agree with
    this once beta_t^t has vanished, about 5 / (1 - beta) steps after the start.
    """

    def init(params: PyTree) -> PyTree:
        return tuple((optax.tree.zeros_like(params), jnp.zeros(())) for _ in range(2))

    def update(updates: PyTree, state: PyTree, params: PyTree | None = None) -> tuple[PyTree, PyTree]:
        first, second = state
        first = _averaged(updates, first, beta1)
        second = _averaged(jax.tree.map(jnp.square, updates), second, beta2)

        def direction(m: jax.Array, v: jax.Array) -> jax.Array:
            return (m / first[1]) / (jnp.sqrt(v / second[1]) + eps)

        return jax.tree.map(direction, first[0], second[0]), (first, second)

    return optax.GradientTransformation(init, update)


def _averaged(values: PyTree, average: tuple[PyTree, jax.Array], beta: Any) -> tuple[PyTree, jax.Array]:
    """A moving average, and that of ones, after one more value."""
    mean, weight = average
    mean = jax.tree.map(lambda m, value: beta * m + (1 - beta) * value, mean, values)
    return mean, beta * weight + (1 - beta)
