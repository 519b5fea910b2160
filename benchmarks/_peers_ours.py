"""lrshape's engine as a contender: `lrshape.training.evaluate`, timed by its own progress reports."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _peers import Contender, first_less_steady

from lrshape.training.devices import mesh
from lrshape.training.evaluation import evaluate
from lrshape.training.outcome import Progress
from lrshape.training.workload import GradientWorkload, Metrics, PyTree


class Ours(Contender):
    """A population of members with seeds and base learning rates of their own, under a linear decay.

    Progress is reported between blocks of steps, and metrics are computed after the last report. So the time
    between the first and the last report is that of training alone, and what comes after is evaluation.
    """

    def __init__(self, workload: GradientWorkload, members: int, scored: int = 0):
        """``scored`` is the number of images that each member is evaluated on; 0 measures training."""
        mesh()  # sets up one device a core, before JAX is used
        jax.config.update("jax_enable_compilation_cache", False)  # compile as in a first use
        self._workload, self._scored = workload, scored
        bases = np.geomspace(1e-4, 1e-3, members)[:, None]
        self._lrs = bases * np.linspace(1, 0, workload.steps)
        self._seeds = np.arange(members)
        self.compile_seconds = first_less_steady(self.measure)

    def measure(self) -> tuple[float, float]:
        """Model-steps, or images, and the seconds they took."""
        marks: list[tuple[float, float]] = []

        def report(progress: Progress) -> None:
            marks.append((time.perf_counter(), progress.done))

        outcome = evaluate(self._workload, self._lrs, self._seeds, report=report)
        ended = time.perf_counter()
        if (outcome.status != "ok").any():
            raise FloatingPointError("a training diverged")
        members = len(self._seeds)
        if self._scored:
            return float(members * self._scored), ended - marks[-1][0]
        fraction = marks[-1][1] - marks[0][1]
        return members * fraction * self._workload.steps, marks[-1][0] - marks[0][0]


def no_metrics(workload: GradientWorkload, state: PyTree, data: PyTree) -> Metrics:
    """Scores that cost nothing, for a workload of which only training is measured."""
    return dict.fromkeys(workload.scores(), jnp.zeros(()))


SETS = {"train": 50_000, "test": 10_000}
"""Images of CIFAR-10."""


def cifar10(members: int, steps: int, batch_size: int, train: int = 0, test: int = 0) -> Any:
    """The CNN on random images; evaluated on so many of both sets, or, if both numbers are 0, not at all."""
    from lrshape.training.workloads.cifar10 import Cifar10CNN

    rng = np.random.default_rng(0)
    images = {split: rng.integers(0, 256, (n, 3, 32, 32), np.uint8) for split, n in SETS.items()}
    data = {split: (x, rng.integers(0, 10, len(x), np.int32)) for split, x in images.items()}

    class Benchmark(Cifar10CNN):
        def data(self) -> PyTree:
            return data

        def metrics(self, state: PyTree, data: PyTree) -> Metrics:
            return super().metrics(state, data) if test else no_metrics(self, state, data)

    subset = {"train_images": train, "test_images": test} if test else {}
    workload = Benchmark(steps=steps, batch_size=batch_size, **subset)
    return Ours(workload, members, train + test)


def transformer(members: int, steps: int, batch_size: int, length: int, vocabulary: int) -> Any:
    """The transformer on synthetic tokens, without evaluation."""
    from lrshape.training.workloads.text import WikitextTransformer

    rng = np.random.default_rng(0)
    tokens = rng.integers(1, vocabulary, (2000, length + 1), np.uint16)

    class Benchmark(WikitextTransformer):
        def data(self) -> PyTree:
            return {"train": tokens, "valid": tokens[:10]}

        def metrics(self, state: PyTree, data: PyTree) -> Metrics:
            return no_metrics(self, state, data)

    workload = Benchmark(
        steps=steps, batch_size=batch_size, length=length, max_len=length, vocabulary=vocabulary
    )
    return Ours(workload, members)
