"""The engine's rows of `gpu.py`: throughput of populations, and what happens when memory runs out."""

import gc
import logging
import time
from contextlib import suppress
from functools import cache
from typing import Any

import jax
import numpy as np
from _gpu_rows import MEMORY, Row
from _peers_ours import no_metrics

from lrshape.training.devices import is_cpu
from lrshape.training.evaluation import evaluate
from lrshape.training.memory import free_memory, plan_chunk_size
from lrshape.training.outcome import Progress
from lrshape.training.workload import WORKLOADS, PopulationWorkload

MANY = 2**20
"""A population that no plan reaches, so that the plan tells what memory allows."""

STEPS = {"cifar10-cnn": 200, "wikitext-transformer": 200, "digits-cnn": 5000, "digits-mlp": 5000}
"""Steps of a training where the row does not say: a block of steps is at first a hundredth of them."""

SEEDS = 4
"""Trials of a search share seeds, and with them initial weights and batches."""

FEW = 8
"""Members that surely fit."""

TOLERANCE = 1e-3
"""Relative difference of losses that other sizes of matrix products may make in a few steps."""


class _Enough(Exception):  # noqa: N818 - no error
    """Ends a training whose speed is known."""


def measure(row: Row, seconds: float) -> dict[str, Any]:
    """Measure a row.

    Args:
        row: what.
        seconds: how long to train, beside compiling.

    Returns:
        What is known of it: ``rate`` in model-steps a second, ``compile_seconds``, ``note``.
    """
    said = _Messages()
    logging.getLogger("lrshape").addHandler(said)
    try:
        found = _memory(row, said) if row.program == MEMORY else _throughput(row, seconds)
        return {"device": jax.devices()[0].device_kind, **found, "said": said.messages}
    finally:
        logging.getLogger("lrshape").removeHandler(said)
        gc.collect()


class _Messages(logging.Handler):
    """Keeps what the engine logs: the chosen convolution, and populations halved."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@cache
def _unscored(name: str) -> type[PopulationWorkload]:
    """The workload with random data and without the time of evaluation, which is not measured."""
    base: Any = WORKLOADS[name]
    if name == "linear-regression":
        return base

    class Unscored(base):
        max_members = MANY

        def metrics(self, state: Any, data: Any) -> Any:
            return no_metrics(self, state, data)

    class Images(Unscored):
        def data(self) -> Any:
            return _images()

    class Tokens(Unscored):
        def data(self) -> Any:
            return _tokens(self.vocabulary, self.length)

    return {"cifar10-cnn": Images, "wikitext-transformer": Tokens}.get(name, Unscored)


def _count() -> int:
    """Random images, or sequences of tokens."""
    return 1000 if is_cpu() else 50_000


@cache
def _images() -> Any:
    rng, count = np.random.default_rng(0), _count()
    images = rng.integers(0, 256, (count, 3, 32, 32), np.uint8)
    labels = rng.integers(0, 10, count, np.int32)
    return {"train": (images, labels), "test": (images[:400], labels[:400])}


@cache
def _tokens(vocabulary: int, length: int) -> Any:
    tokens = np.random.default_rng(0).integers(1, vocabulary, (_count() // 10, length + 1), np.uint16)
    return {"train": tokens, "valid": tokens[:10]}


def _throughput(row: Row, seconds: float) -> dict[str, Any]:
    """Model-steps a second of one program of members, by the engine's reports between blocks of steps."""
    steps = 20 if is_cpu() else STEPS.get(row.workload, 0)
    settings: dict[str, Any] = {"steps": steps, **row.settings}
    if row.workload != "linear-regression":
        settings["precision"] = row.precision
    if row.workload == "wikitext-transformer":
        settings["max_len"] = settings["length"]
    workload = _unscored(row.workload)(**settings)
    note = ""
    if row.members > 64 or is_cpu():
        plan = plan_chunk_size(workload)
        note = f"the plan allows {plan:,} members"
        if plan < row.members:
            return {"note": f"skipped: {note}"}
    lrs = np.geomspace(1e-4, 1e-3, row.members)[:, None] * np.linspace(1, 0, workload.steps)
    seeds = np.arange(row.members) % SEEDS

    def turn(most: float, reports: int) -> list[tuple[float, float]]:
        """Train until so many seconds after the first report and so many reports: (time, steps done)."""
        marks: list[tuple[float, float]] = []

        def report(progress: Progress) -> None:
            marks.append((time.perf_counter(), progress.done * workload.steps))
            if progress.diverged:
                raise FloatingPointError(f"{progress.diverged} members diverged")
            if len(marks) >= reports and marks[-1][0] - marks[0][0] >= most:
                raise _Enough

        with suppress(_Enough):
            evaluate(workload, lrs, seeds, report=report)
        return marks

    began = time.perf_counter()
    turn(0, 2)  # compiles, and also sees the compiled program take its own output
    ready = time.perf_counter() - began
    spent = done = 0.0
    while spent < seconds:
        marks = turn(seconds - spent, 2)
        spent += marks[-1][0] - marks[0][0]
        done += marks[-1][1] - marks[0][1]
    stats = jax.devices()[0].memory_stats() or {}
    return {
        "rate": row.members * done / spent,
        "seconds": spent,
        "compile_seconds": ready,
        "peak_bytes_so_far": stats.get("peak_bytes_in_use"),
        "note": note,
    }


def _memory(row: Row, said: _Messages) -> dict[str, Any]:
    """Train so many members that they cannot fit, and compare all with a population that does."""
    if is_cpu():
        return {"note": "skipped: only a GPU's memory is filled on purpose"}
    base: Any = WORKLOADS[row.workload]

    class Unlimited(base):
        max_members = MANY

    workload = Unlimited(steps=3, precision=row.precision, **row.settings)
    plan, free = plan_chunk_size(workload), free_memory() or 0
    params = jax.eval_shape(workload.init, jax.random.key(0), workload.data())
    bytes_of_member = 4 * sum(4 * leaf.size for leaf in jax.tree.leaves(params))  # Adam's, and a gradient
    members = 2 ** (int(free / bytes_of_member)).bit_length()
    lrs = np.tile(np.geomspace(1e-4, 1e-3, FEW)[:, None] * np.ones(workload.steps), (members // FEW, 1))
    few = evaluate(workload, lrs[:FEW], np.zeros(FEW, int))["final/train_loss"]
    began = time.perf_counter()
    many = evaluate(workload, lrs, np.zeros(len(lrs), int))["final/train_loss"]
    took = time.perf_counter() - began
    halved = [int(m.rsplit(" trials", 1)[0].split()[-1]) for m in said.messages if "continuing with" in m]
    difference = float(np.max(np.abs(many.reshape(-1, FEW) / few - 1)))
    verdict = "equal to rounding" if halved and difference < TOLERANCE else "NOT AS EXPECTED"
    return {
        "members": members,
        "plan": plan,
        "halved_to": halved,
        "difference": difference,
        "seconds": took,
        "ok": verdict == "equal to rounding",
        "note": f"{members:,} members where the plan says {plan:,} ({free / 2**30:.0f} GiB free): halved to "
        f"{', '.join(map(str, halved)) or 'nothing'}; losses differ from those of {FEW} members by at most "
        f"{difference:.1e}: {verdict}",
    }
