"""Optimizers give directions, the engine applies the learning rate: p <- p - lr * direction - decay."""

from typing import Any

import jax
import optax

from lrshape.training.optimizer_settings import SGD, Adam, AdamW, Momentum

Settings = SGD | Momentum | Adam | AdamW


def directions(settings: Settings) -> optax.GradientTransformation:
    """The optax transformation from gradients to directions, without learning rate or decay."""
    parts = [] if settings.clip_norm is None else [optax.clip_by_global_norm(settings.clip_norm)]
    if isinstance(settings, Momentum):
        parts.append(optax.trace(settings.beta, nesterov=settings.nesterov))
    elif isinstance(settings, Adam | AdamW):
        parts.append(optax.scale_by_adam(settings.beta1, settings.beta2, settings.eps))
    return optax.chain(*parts) if parts else optax.identity()


def apply(settings: Settings, params: Any, direction: Any, lr: jax.Array, base_lr: jax.Array) -> Any:
    """New parameters after one update.

    The decay term is coupled as ``lr``: lr * wd * p (torch.optim.AdamW, optax.adamw); ``schedule``:
    m(t) * wd * p with m = lr / base_lr (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2);
    ``constant``: wd * p.
    """
    factor = {"lr": lr, "schedule": lr / base_lr, "constant": 1.0}[settings.coupling] * settings.weight_decay

    def update(p: jax.Array, d: jax.Array) -> jax.Array:
        return p - lr * d - factor * p if settings.weight_decay else p - lr * d

    return jax.tree.map(update, params, direction)
