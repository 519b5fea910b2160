"""The final loss of linear regression as a function of all learning rates, in float64, differentiable.

Two descriptions of the same training by SGD exist. `Recursion` averages over eigenbases at every step (the
model of arXiv:2603.10301, what the workload trains). `SecondMoments` is exact for one given eigenbasis.

With D data points x_a, the rows of X, and B of them drawn without replacement, the error e in the parameters
moves by e <- e - (lr/B) sum_{a in batch} x_a (x_a . e), where X^T X / D = diag(lam). Let r = X e be the
residuals and G = X X^T: then r <- (I - (lr/B) G P) r with a random diagonal P of B ones. Its first two
moments are E[P] = (B/D) I and E[P R P] = pair R + (B/D - pair) diag(R), pair = B (B-1) / (D (D-1)), from
which the second moment E[r r^T] follows step by step, exactly. Written in the eigenbasis O, where
X = sqrt(D) O diag(lam)^(1/2), for M = diag(lam)^(1/2) E[e e^T] diag(lam)^(1/2) and L = diag(lam)::

    M <- M - lr (L M + M L) + lr^2 L [a M + b O^T diag(O M O^T) O] L
    a = D (B-1) / (B (D-1)),  b = D (D-B) / (B (D-1)),  loss = trace(M) / (2 D)

where the inner ``diag`` keeps the diagonal of a matrix. With B = D it is gradient descent.
"""

import abc
from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError

Array = NDArray[np.float64]


class Dynamics(abc.ABC):
    """How the expected loss of SGD evolves under given learning rates.

    Args:
        spectrum: the eigenvalues lam of the Hessian, shape (D,), none negative, not all zero.
        batch_size: B, in [1, D].
    """

    def __init__(self, spectrum: ArrayLike, batch_size: int):
        self.spectrum = np.asarray(spectrum, np.float64)
        self.batch_size = int(batch_size)
        lam, size = self.spectrum, self.spectrum.size
        if lam.ndim != 1 or not np.isfinite(lam).all() or lam.min(initial=0.0) < 0 or lam.sum() <= 0:
            raise InputError(f"a spectrum must be finite numbers >= 0, not all zero, got {lam!r:.80}")
        if not 1 <= self.batch_size <= size:
            raise InputError(f"batch_size must be from 1 to the {size} data points, got {batch_size}")

    @property
    def dimension(self) -> int:
        """D: data points and eigenvalues."""
        return self.spectrum.size

    @property
    def lr_scale(self) -> float:
        """A natural unit of learning rates: where a constant one becomes unstable, up to a factor of about 1.

        Above 2 / max(lam) the mean diverges; above 2 B / sum(lam) the noise of the batches feeds itself.
        """
        noise = self.batch_size / self.spectrum.sum() if self.batch_size < self.dimension else np.inf
        return float(2 * min(1 / self.spectrum.max(), noise))

    @abc.abstractmethod
    def start(self) -> Any:
        """The state before the first step."""

    @abc.abstractmethod
    def step(self, state: Any, lr: jax.Array) -> Any:
        """The state after one step; pure JAX."""

    @abc.abstractmethod
    def loss(self, state: Any) -> jax.Array:
        """The expected loss in a state, mean(lam p) / 2."""

    def log_loss(self, lrs: jax.Array) -> jax.Array:
        """Logarithm of the final loss for learning rates of shape (steps,); pure JAX."""
        final, _ = jax.lax.scan(lambda state, lr: (self.step(state, lr), None), self.start(), lrs)
        return jnp.log(self.loss(final))

    def losses(self, lrs: ArrayLike) -> Array:
        """Final losses, shape (n,), of schedules of shape (n, steps); +inf where they overflow."""
        found = [np.exp(self._value(np.asarray(row, np.float64))) for row in np.atleast_2d(lrs)]
        return np.nan_to_num(np.asarray(found, np.float64), nan=np.inf, posinf=np.inf)

    def value_and_gradient(self, lrs: ArrayLike) -> tuple[float, Array]:
        """Logarithm of the final loss and its gradient, shape (steps,)."""
        value, gradient = self._gradient(np.asarray(lrs, np.float64))
        return float(value), np.asarray(gradient)

    def hessian(self, lrs: ArrayLike) -> Array:
        """Second derivatives of the logarithm of the final loss, shape (steps, steps)."""
        return np.asarray(self._hessian(np.asarray(lrs, np.float64)))

    @cached_property
    def _value(self) -> Callable[[Array], Any]:
        return _float64(self.log_loss)

    @cached_property
    def _gradient(self) -> Callable[[Array], Any]:
        return _float64(jax.value_and_grad(self.log_loss))

    @cached_property
    def _hessian(self) -> Callable[[Array], Any]:
        gradient = jax.grad(self.log_loss)

        def matrix(lrs: jax.Array) -> jax.Array:
            def column(direction: jax.Array) -> jax.Array:
                return jax.jvp(gradient, (lrs,), (direction,))[1]

            return jax.lax.map(column, jnp.eye(lrs.size, dtype=lrs.dtype), batch_size=64)

        return _float64(matrix)


class Recursion(Dynamics):
    """The noise-averaged recursion that the workload ``linear-regression`` trains, in float64.

    m <- (1 - lr lam)^2 m + (lr lam)^2 (1/B - 1/D) sum(m), for m = lam p; loss = sum(m) / (2 D).

    Source: arXiv:2603.10301.

    Example:
        >>> recursion = Recursion([0.5, 0.5], batch_size=2)  # gradient descent: each step halves the error
        >>> round(float(recursion.losses([[1.0, 1.0]])[0]), 9)
        0.015625
    """

    def start(self) -> jax.Array:
        """``lam p`` with p = 1, shape (D,)."""
        return jnp.asarray(self.spectrum)

    def step(self, state: jax.Array, lr: jax.Array) -> jax.Array:
        """One step of the recursion."""
        x = lr * jnp.asarray(self.spectrum)
        noise = 1 / self.batch_size - 1 / self.dimension
        return (1 - x) ** 2 * state + x**2 * noise * state.sum()

    def loss(self, state: jax.Array) -> jax.Array:
        """sum(lam p) / (2 D)."""
        return state.sum() / (2 * self.dimension)


class SecondMoments(Dynamics):
    """The exact second moments of the error for one eigenbasis; the expectation is over batches and signs.

    Args:
        spectrum: the eigenvalues lam of the Hessian, shape (D,).
        batch_size: B, in [1, D].
        basis: O, orthogonal, shape (D, D); row a holds data point a's coordinates along the eigenvectors,
            x_a = sqrt(D lam) O[a].
    """

    def __init__(self, spectrum: ArrayLike, batch_size: int, basis: ArrayLike):
        super().__init__(spectrum, batch_size)
        self.basis = np.asarray(basis, np.float64)
        size = self.dimension
        if self.basis.shape != (size, size):
            raise InputError(f"an eigenbasis must have shape ({size}, {size}), got {self.basis.shape}")
        error = np.abs(self.basis @ self.basis.T - np.eye(size)).max()
        if not error < 1e-9:
            raise InputError(f"an eigenbasis must be orthogonal, got O O^T - 1 up to {error:.1e}")

    def start(self) -> jax.Array:
        """M with E[e e^T] = I, shape (D, D)."""
        return jnp.diag(jnp.asarray(self.spectrum))

    def step(self, state: jax.Array, lr: jax.Array) -> jax.Array:
        """One step, exact."""
        B, D = self.batch_size, self.dimension
        pairs, singles = (D * (B - 1) / (B * (D - 1)), D * (D - B) / (B * (D - 1))) if D > 1 else (1.0, 0.0)
        x, basis = lr * jnp.asarray(self.spectrum), jnp.asarray(self.basis)
        residuals = ((basis @ state) * basis).sum(axis=1)
        noise = (basis.T * residuals) @ basis
        left, right = x[:, None], x[None, :]
        return (1 - left - right) * state + left * right * (pairs * state + singles * noise)

    def loss(self, state: jax.Array) -> jax.Array:
        """trace(M) / (2 D)."""
        return jnp.trace(state) / (2 * self.dimension)


def random_basis(seed: int, dimension: int) -> Array:
    """A Haar-random orthogonal matrix, shape (D, D), from a seed (Mezzadri, arXiv:math-ph/0609050)."""
    normal = np.random.default_rng(seed).standard_normal((dimension, dimension))
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diag(r))


def _float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function and run it in float64, whatever JAX's setting is."""
    compiled = jax.jit(function)

    def run(*arguments: Any) -> Any:
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, compiled(*(jnp.asarray(a) for a in arguments)))

    return run
