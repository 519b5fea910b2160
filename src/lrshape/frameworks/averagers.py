"""Averages of the weights in a training of one's own: those that lrshape's workloads score, step by step."""

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from lrshape.averages import STANDARD, checked_names, interval, update_rates
from lrshape.errors import InputError, listed, shown
from lrshape.values import whole_number

if TYPE_CHECKING:
    import torch


class TorchAverager:
    """Averages of a PyTorch model's weights, each a `torch.optim.swa_utils.AveragedModel`.

    Call ``update`` after each optimizer step, and score ``averages()["ema-0.1"]`` as the model itself. It is
    a copy: call its ``eval()`` too, since that of the model leaves it in training mode. Weights should be
    float32, since bfloat16 rounds small updates away. Buffers are not averaged: pass an average of a model
    with batch normalisation to `torch.optim.swa_utils.update_bn` before it is scored.

    Args:
        model: whose weights are averaged.
        steps: optimizer steps of the whole training.
        names: of the averages, ``ema-SHARE`` or ``tail-SHARE`` with a share of training from 0.01 to 1.

    Raises:
        InputError: if the model, the steps or a name is none.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1)
        >>> averager = TorchAverager(model, steps=50, names=["ema-0.1", "tail-0.2"])
        >>> for _ in range(50):
        ...     averager.update()  # after optimizer.step()
        >>> list(averager.averages())
        ['ema-0.1', 'tail-0.2']
    """

    def __init__(self, model: "torch.nn.Module", steps: int, names: Any = STANDARD):
        import torch
        from torch.optim.swa_utils import AveragedModel

        if not isinstance(model, torch.nn.Module):
            raise InputError(f"model must be a torch.nn.Module, got {shown(model)}")
        self._model, self._steps, self._done = model, whole_number("steps", steps, 1), 0
        names = checked_names(names)
        self._rates = update_rates(names, self._steps)
        self._averages = {
            name: AveragedModel(model, multi_avg_fn=functools.partial(self._move, i))
            for i, name in enumerate(names)
        }

    def _move(self, index: int, means: Any, weights: Any, count: Any) -> None:
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        rate = self._rates[int(count), index]
        get_ema_multi_avg_fn(1 - float(rate))(means, weights, count)

    def update(self) -> None:
        """Note an optimizer step; most cost nothing, see `lrshape.averages.interval`.

        Raises:
            InputError: after more steps than the training has.
        """
        if self._done == self._steps:
            raise InputError(f"steps must be those of the whole training, got {self._steps} and one more")
        self._done += 1
        if (self._steps - self._done) % interval(self._steps) == 0:
            for average in self._averages.values():
                average.update_parameters(self._model)

    def averages(self) -> "dict[str, torch.nn.Module]":
        """Return a model for each average, with the weights so far; they change with each update."""
        return {name: average.module for name, average in self._averages.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the state, which ``torch.load(weights_only=True)`` reads."""
        averages = {name: average.state_dict() for name, average in self._averages.items()}
        return {"steps": self._steps, "done": self._done, "averages": averages}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a saved state.

        Raises:
            InputError: if it is none of `state_dict`, of other averages, or of a training of another length.
        """
        if not {"steps", "done", "averages"} <= state_dict.keys():
            raise InputError(f"the state must be what state_dict() gave, got one with {listed(state_dict)}")
        steps, averages = state_dict["steps"], state_dict["averages"]
        if (steps, list(averages)) != (self._steps, list(self._averages)):
            raise InputError(
                f"the state must be of {listed(self._averages)} over {self._steps} steps, "
                f"got {listed(averages)} over {shown(steps)}"
            )
        self._done = state_dict["done"]
        for name, average in self._averages.items():
            average.load_state_dict(averages[name])


class AveragerState(NamedTuple):
    """What a `JaxAverager` keeps: arrays, which any library for checkpoints of JAX saves.

    Attributes:
        done: finished steps.
        averages: the weights of each average, by name.
    """

    done: Any
    averages: dict[str, Any]


class JaxAverager:
    """Averages of the weights of a JAX training: pure functions, as optax's transformations are.

    ``state = averager.update(state, params)`` follows each step, also under ``jit`` or ``scan``. After the
    last one, ``state.averages["ema-0.1"]`` has the structure of ``params``, and further updates change no
    average.

    Args:
        steps: of the whole training.
        names: of the averages, ``ema-SHARE`` or ``tail-SHARE`` with a share of training from 0.01 to 1.

    Raises:
        InputError: if the steps or a name is none.

    Example:
        >>> import jax.numpy as jnp
        >>> averager = JaxAverager(steps=50, names=["ema-0.1", "tail-0.2"])
        >>> state = averager.init({"w": jnp.zeros(())})
        >>> for step in range(50):
        ...     state = averager.update(state, {"w": jnp.float32(step)})
        >>> {name: round(float(params["w"]), 2) for name, params in state.averages.items()}
        {'ema-0.1': 44.49, 'tail-0.2': 44.5}
    """

    def __init__(self, steps: int, names: Any = STANDARD):
        self._steps, self._names = whole_number("steps", steps, 1), checked_names(names)
        self._rates = update_rates(self._names, self._steps)

    def init(self, params: Any) -> AveragerState:
        """Return the state before the first step."""
        import jax
        import jax.numpy as jnp

        def at_least_float32(leaf: Any) -> jax.Array:
            # A copy, because a buffer that two arrays share cannot be donated.
            return jnp.array(leaf, jnp.promote_types(jnp.result_type(leaf), jnp.float32), copy=True)

        averages = {name: jax.tree.map(at_least_float32, params) for name in self._names}
        return AveragerState(jnp.zeros((), jnp.int32), averages)

    def update(self, state: AveragerState, params: Any) -> AveragerState:
        """Return the state after one more step, whose result is ``params``."""
        import jax
        import jax.numpy as jnp
        import optax

        done, every = state.done + 1, interval(self._steps)
        remaining = self._steps - done
        rates = jnp.asarray(self._rates, jnp.float32)[-1 - remaining // every]

        def move(averages: dict[str, Any]) -> dict[str, Any]:
            moved = (
                optax.incremental_update(params, averages[name], rates[i])
                for i, name in enumerate(self._names)
            )
            return dict(zip(self._names, moved, strict=True))

        due = (remaining >= 0) & (remaining % every == 0)
        averages = jax.lax.cond(due, move, lambda averages: averages, state.averages)
        return AveragerState(done, averages)
