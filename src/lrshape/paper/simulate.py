"""Check expected losses against simulated SGD: the mean over many seeds, with its interval."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import stats

from lrshape.errors import InputError
from lrshape.paper.dynamics import Array, random_basis
from lrshape.process_wide import one_blas_thread
from lrshape.training.evaluation import evaluate
from lrshape.training.workload import PyTree
from lrshape.training.workloads.linear_regression import LinearRegression

MEMBERS = 256
"""Trials in one program: each has a D x D design matrix of its own."""


class MeanInterval(NamedTuple):
    """A mean over seeds and the interval that holds the expectation; NaN ends where nothing can be said."""

    mean: float
    low: float
    high: float
    seeds: int

    def holds(self, value: float) -> bool:
        """Whether a value lies within the interval."""
        return bool(self.low <= value <= self.high)


class FixedBasis(LinearRegression):
    """Linear regression on the data points of one eigenbasis; seeds draw signs and batches only."""

    eigenbasis: int = Field(default=0, ge=0, description="seed of the eigenbasis")

    def data(self) -> PyTree:
        """The design matrix, (D, D)."""
        basis = random_basis(self.eigenbasis, self.dimension)
        return {"design": np.asarray(np.sqrt(self.dimension * self.spectrum()) * basis, np.float32)}

    def init(self, key: jax.Array, data: PyTree) -> PyTree:
        """A random sign for the initial error along each eigenvector."""
        error = jax.random.rademacher(key, (self.dimension,), jnp.float32)
        return {"error": error, "design": data["design"]}


def simulate(
    workload: LinearRegression,
    schedules: Mapping[str, Array],
    seeds: ArrayLike,
    *,
    eigenbasis: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Train by SGD under each schedule, all with the same seeds.

    Args:
        workload: its dynamics are taken to be ``sgd``.
        schedules: learning rates by name, each of shape (steps,).
        seeds: shape (n,), integers; each draws an eigenbasis (unless one is given), signs and batches.
        eigenbasis: seed of one eigenbasis for all.

    Returns:
        Final losses by name, each of shape (n,); +inf where a trial diverged.
    """
    settings = {**workload.model_dump(), "dynamics": "sgd", "evaluate_every": 0, "record_every": 0}
    simulated: Any = LinearRegression(**settings)
    if eigenbasis is not None:
        simulated = FixedBasis(**settings, eigenbasis=eigenbasis)
    drawn, table = np.asarray(seeds), np.stack(list(schedules.values()))
    # Seeds change slowest: a chunk then needs the batches of few of them.
    rows = np.repeat(drawn, len(table))
    losses = []
    # Both devices draw eigenbases by LAPACK at once, and its threads wait for each other: on 2 busy cores
    # 0.24 s for one of D = 200, against 1.4 ms without threads.
    with one_blas_thread():
        for start in range(0, len(rows), MEMBERS):
            part = slice(start, start + MEMBERS)
            lrs = table[np.arange(len(rows))[part] % len(table)]
            losses.append(evaluate(simulated, lrs, rows[part], members=MEMBERS)["final/train_loss"])
    found = np.concatenate(losses).reshape(len(drawn), len(table))
    return dict(zip(schedules, found.T, strict=True))


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> MeanInterval:
    """Student's interval of a mean. An infinite value makes the mean infinite, with no interval.

    The losses of SGD are positive and skewed: with hundreds of seeds the interval covers nearly at its rate
    (tests/paper/test_simulate.py), with tens it is too short.

    Args:
        values: shape (n,).
        confidence: in (0, 1).

    Raises:
        InputError: if there are fewer than two values.

    Example:
        >>> mean_interval([1.0, 2.0, 3.0]).mean
        2.0
    """
    v = np.asarray(values, np.float64)
    if v.ndim != 1 or len(v) < 2:
        raise InputError(f"an interval of a mean needs at least 2 values, got shape {v.shape}")
    if not np.isfinite(v).all():
        return MeanInterval(float("inf"), float("nan"), float("nan"), len(v))
    mean, error = float(v.mean()), float(v.std(ddof=1) / np.sqrt(len(v)))
    reach = float(stats.t.ppf(0.5 + confidence / 2, len(v) - 1)) * error
    return MeanInterval(mean, mean - reach, mean + reach, len(v))
