"""Trials a second of the executors: all cores in one process, or a process a core.

One workload is the engine's own, which spreads a population over all cores in one process already; the other
is a PyTorch function that trains a small network, which cannot use two cores well. Chunks of one study are
run on executors whose workers have started and compiled.

    python benchmarks/executors.py
"""

import contextlib
import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import alternate, machine, seconds, spread, table

from lrshape.procedure.screening import screen
from lrshape.study.chunk import Chunk, TrainChunk, cut
from lrshape.study.spec import StudySpec
from lrshape.training.workloads.function import FunctionWorkload
from lrshape.workers.executor import EXECUTORS, Executor

STEPS = 300
CHOICES: dict[str, dict[str, Any]] = {
    "inline: one process, all cores": {"name": "inline"},
    "processes: 2 workers, one thread each": {"name": "processes", "workers": 2},
    "ray: 2 actors, one core each": {"name": "ray", "workers": 2, "address": "local"},
}


def train_torch(lrs: np.ndarray, seed: int) -> float:
    """Train digits-mlp with PyTorch, and return its training loss."""
    from _torch_trainings import train

    return train({"name": "digits-mlp"}, lrs, seed)


def plan(spec: StudySpec, members: int, count: int) -> list[Chunk]:
    """The first chunks of a study's screen."""
    return cut("screen", 0, next(screen(spec)), members)[:count]


def run(executor: Executor, spec: StudySpec, members: int, items: list[Chunk]) -> int:
    """Run chunks; return how many trials came back."""
    results = executor.run(TrainChunk(spec, members), items, lambda item, news: None, lambda: None)
    return sum(len(rows) for _, rows in results)


def measured(spec: StudySpec, members: int, count: int, executors: dict[str, Executor]) -> list[list[str]]:
    """A row for each executor: trials a second, and how many times inline's."""
    items = plan(spec, members, count)
    trials = sum(len(item.trials) for item in items)

    def contender(executor: Executor) -> Callable[[], float]:
        def rate() -> float:
            return trials / seconds(lambda: run(executor, spec, members, items))

        return rate

    results = alternate({name: contender(executor) for name, executor in executors.items()})
    base = statistics.median(next(iter(results.values())))
    return [
        [name, spread(values, 1), f"{statistics.median(values) / base:.2f}"]
        for name, values in results.items()
    ]


def main() -> None:
    """Measure and print."""
    document = {"families": ["rex", "cosine"], "baselines": [], "screen": {"shapes": 64, "seeds": 2}}
    jax = StudySpec.parse({**document, "workload": {"name": "digits-mlp", "steps": STEPS}})
    torch = StudySpec.parse(
        {**document, "base_lr": {"low": 1e-4, "high": 1e-2, "points": 4}},
        FunctionWorkload.of(train_torch, STEPS),
    )
    with contextlib.ExitStack() as stack:
        executors = {name: stack.enter_context(EXECUTORS.build(how)) for name, how in CHOICES.items()}
        of_torch = measured(torch, 1, 8, executors)
        of_jax = measured(jax, 64, 4, executors)
    headings = ["executor", "trials/s", "times inline"]
    sys.stdout.write(
        "## Executors: one process with all cores, or a process a core\n\n"
        f"{machine()}.\n\nTrials a second, median (range) of 5 turns; starting workers and compiling "
        "excluded.\n\n"
        f"A PyTorch function, 64-128-128-10 on digits, {STEPS} steps, Adam, batch 32, one trial a chunk:"
        f"\n\n{table(headings, of_torch)}\n\n"
        f"digits-mlp in the engine, {STEPS} steps, 64 trials a chunk:\n\n{table(headings, of_jax)}\n"
    )


if __name__ == "__main__":
    main()
