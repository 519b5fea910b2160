"""High-dimensional linear regression, trained by SGD: where the truth about schedules can be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from lrshape.training.workload import WORKLOADS, Batch, Metrics, PyTree, StepWorkload

if TYPE_CHECKING:
    import jax


@WORKLOADS.register("linear-regression")
class LinearRegression(StepWorkload):
    """Least squares with D data points in D dimensions and a given spectrum of the Hessian.

    The eigenvalues lam_i are i^-exponent, or given, and are normalised to sum 1. The loss is
    mean(lam p) / 2, where p_i is the squared error along eigenvector i, 1 at the start.

    ``dynamics = "recursion"`` (arXiv:2603.10301, the paper's noise-averaged model) follows the mean of p over
    batches of B data points and over random eigenbases::

        p <- (1 - lr lam)^2 p + lr^2 (1/B - 1/D) lam sum(lam p)

    It is deterministic: the seed changes nothing. It is accurate away from instability.

    ``dynamics = "sgd"`` is the training itself: each seed draws a Haar-random eigenbasis, random signs of the
    initial error and, at every step, B of the D data points without replacement.
    """

    cpu_group = 256  # members side by side: enough to fill vectors, few enough for the cache
    max_members = 8192
    base_lrs = (1e-1, 1e2)

    steps: int = Field(default=1000, ge=1, le=100_000_000, description="training steps")
    dimension: int = Field(default=100, ge=1, le=100_000, description="D: data points and eigenvalues")
    batch_size: int = Field(default=4, ge=1, description="B: data points drawn per step")
    exponent: float = Field(default=1.0, ge=0, description="eigenvalue i is proportional to i^-exponent")
    eigenvalues: tuple[float, ...] | None = Field(default=None, description="the spectrum: D numbers >= 0")
    dynamics: Literal["recursion", "sgd"] = Field(
        default="recursion", description="the noise-averaged recursion, or simulated SGD on random eigenbases"
    )
    divergence_multiple: float = Field(
        default=1e6,
        gt=1,
        description="a training loss above this multiple of the first one counts as diverged",
    )

    @model_validator(mode="after")
    def _fits(self) -> LinearRegression:
        if self.batch_size > self.dimension:
            raise ValueError(
                f"batch_size must be at most dimension = {self.dimension} data points, got {self.batch_size}"
            )
        given = self.eigenvalues
        if given is not None and (len(given) != self.dimension or min(given) < 0 or sum(given) <= 0):
            raise ValueError(
                f"eigenvalues must be {self.dimension} numbers (dimension), none negative, not all zero, "
                f"got {len(given)} numbers from {min(given, default=None)} to {max(given, default=None)}"
            )
        return self

    @property
    def broadcasts(self) -> bool:
        """The recursion advances all members of a group with eigenvalues along the major axis."""
        return self.dynamics == "recursion"

    def scores(self) -> tuple[str, ...]:
        """The loss over all data points."""
        return ("train_loss",)

    def spectrum(self) -> np.ndarray:
        """The eigenvalues, float64, (D,), summing to 1."""
        if self.eigenvalues is not None:
            values = np.asarray(self.eigenvalues, np.float64)
        else:
            values = np.arange(1, self.dimension + 1, dtype=np.float64) ** -self.exponent
        return values / values.sum()

    def data(self) -> PyTree:
        """Nothing: the spectrum is part of the program."""
        return {}

    def init(self, key: jax.Array, data: PyTree) -> PyTree:
        """Give lam p for the recursion, (D,); the error in the parameters and the design matrix for SGD."""
        import jax
        import jax.numpy as jnp

        spectrum = jnp.asarray(self.spectrum(), jnp.float32)
        if self.broadcasts:
            return spectrum
        basis_key, sign_key = jax.random.split(key)
        basis = jax.random.orthogonal(basis_key, self.dimension)
        error = jax.random.rademacher(sign_key, (self.dimension,), jnp.float32)
        return {"error": error, "design": jnp.sqrt(self.dimension * spectrum) * basis}

    def order(self, key: jax.Array, data: PyTree) -> jax.Array | None:
        """The data points of each step of simulated SGD, (steps, B)."""
        import jax

        if self.broadcasts:
            return None
        keys = jax.random.split(key, self.steps)
        return jax.lax.map(lambda k: jax.random.permutation(k, self.dimension)[: self.batch_size], keys)

    def step(self, state: PyTree, lr: jax.Array, batch: Batch, key: jax.Array | None) -> tuple[PyTree, Any]:
        """One step of the recursion on lam p, for any number of members on a trailing axis, or of SGD."""
        import jax.numpy as jnp

        loss = self._loss(state)
        if not self.broadcasts:
            rows = state["design"][batch]
            gradient = rows.T @ (rows @ state["error"]) / self.batch_size
            return {**state, "error": state["error"] - lr * gradient}, loss
        spectrum = jnp.asarray(self.spectrum(), jnp.float32).reshape(-1, *[1] * lr.ndim)
        x = spectrum * lr
        noise = (1 / self.batch_size - 1 / self.dimension) * (2 * self.dimension) * loss
        # (1 - x)^2 state + x^2 noise, in the form with the fewest operations
        return state + x * (x * (state + noise) - 2 * state), loss

    def metrics(self, state: PyTree, data: PyTree) -> Metrics:
        """The final loss."""
        return {"train_loss": self._loss(state)}

    def _loss(self, state: PyTree) -> jax.Array:
        """mean(lam p) / 2."""
        import jax.numpy as jnp

        if self.broadcasts:
            total = jnp.ones(self.dimension) @ state  # a GEMV: faster than a reduction here
        else:
            # mean((X e)^2) = e . X^T X e / D, and X^T X / D is diagonal: D operations instead of D^2
            total = jnp.asarray(self.spectrum(), jnp.float32) @ state["error"] ** 2
        return total / (2 * self.dimension)
