"""What the contenders written in JAX share, and the peak of matrix products that all are compared with."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _peers import Contender

SIZE = 2048
"""Of the matrices of `GemmPeak`."""


class GemmPeak(Contender):
    """FLOP/s of a large square float32 matrix product, all cores."""

    def __init__(self) -> None:
        self._a = jnp.ones((SIZE, SIZE))
        self._product = jax.jit(lambda a: a @ a)
        self.measure()

    def measure(self) -> tuple[float, float]:
        """FLOP of one product, and the time of the fastest of several."""
        times = []
        for _ in range(10):
            began = time.perf_counter()
            self._product(self._a).block_until_ready()
            times.append(time.perf_counter() - began)
        return 2.0 * SIZE**3, min(times)


class JaxTraining(Contender):
    """A compiled step of all members, called in a Python loop, as research code does.

    Subclasses give one member's ``init(key)``, the ``optimizer`` that takes its schedule, and its
    ``loss(params, batch)``; and ``batch(rng)``, the arrays of one step with the member axis first.
    """

    optimizer: Callable[[optax.Schedule], optax.GradientTransformation]

    def __init__(self, members: int, steps: int):
        self._members, self._steps = members, steps
        self._rng = np.random.default_rng(0)
        bases = np.geomspace(1e-4, 1e-3, members)[:, None]
        self._rates = jnp.asarray(bases * np.linspace(1, 0, 1000), jnp.float32)
        self._state = jax.jit(jax.vmap(self._init))(jax.random.split(jax.random.key(0), members))
        began = time.perf_counter()
        step = jax.jit(jax.vmap(self._step))
        self._compiled = step.lower(*self._state, self._rates, self.batch(self._rng)).compile()
        self.compile_seconds = time.perf_counter() - began

    def init(self, key: jax.Array) -> Any:
        """Parameters."""
        raise NotImplementedError

    def loss(self, params: Any, batch: Any) -> jax.Array:
        """The loss of a batch."""
        raise NotImplementedError

    def _init(self, key: jax.Array) -> tuple[Any, Any]:
        params = self.init(key)
        return params, self.optimizer(lambda count: 0.0).init(params)

    def _step(self, params: Any, memory: Any, rates: jax.Array, batch: Any) -> tuple[Any, Any, jax.Array]:
        """One step with the member's own schedule, whose table is ``rates``."""
        loss, gradient = jax.value_and_grad(self.loss)(params, batch)
        updates, memory = self.optimizer(lambda count: rates[count]).update(gradient, memory, params)
        return optax.apply_updates(params, updates), memory, loss

    def batch(self, rng: np.random.Generator) -> Any:
        """One batch for each member."""
        raise NotImplementedError

    def measure(self) -> tuple[float, float]:
        """Model-steps and seconds of a turn."""
        began = time.perf_counter()
        for _ in range(self._steps):
            *self._state, loss = self._compiled(*self._state, self._rates, self.batch(self._rng))
        if not bool(jnp.isfinite(loss).all()):
            raise FloatingPointError("a loss is not finite")
        return float(self._members * self._steps), time.perf_counter() - began
