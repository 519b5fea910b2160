"""What the model of a search costs: CPU time of the Gaussian process, all its work on one thread.

python benchmarks/model_cost.py
"""

import math
import sys
import time

import numpy as np
from _measure import machine, table

from lrshape.procedure.sampler import SAMPLERS

SIZES = (256, 1024, 4096)
DIMENSIONS = 8
TRIAL_SECONDS = (0.01, 0.1)
NOISE = 0.2
"""Standard deviation of a score's logarithm."""


def loss(points: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A valley whose floor bends, with noise of each score and of each batch."""
    x = points - 0.4
    value = 4 * (x[:, 0] - x[:, 1] ** 2) ** 2 + (x[:, 1:] ** 2).sum(axis=1)
    return np.exp(value + NOISE * (random.standard_normal(len(x)) + random.standard_normal()))


def seconds(trials: int) -> float:
    """CPU time that the sampler takes for a whole search: asks, tells, beliefs and the recommendation."""
    sampler, random = SAMPLERS["gp"](), np.random.default_rng(0)
    state, spent = sampler.init(DIMENSIONS, 0), 0.0
    for _ in range(math.ceil(trials / sampler.batch)):
        start = time.process_time()
        points, state = sampler.ask(state, sampler.batch)
        spent += time.process_time() - start
        scores = loss(points, random)
        start = time.process_time()
        state = sampler.tell(state, points, scores)
        sampler.belief(state, 64)
        spent += time.process_time() - start
    start = time.process_time()
    sampler.recommend(state, 6)
    return spent + time.process_time() - start


def main() -> None:
    """Print the table."""
    seconds(64)  # imports
    rows = []
    for trials in SIZES:
        spent = seconds(trials)
        shares = [f"{100 * spent / (trials * each):.1f}%" for each in TRIAL_SECONDS]
        rows.append([f"{trials:,}", f"{spent:.1f}", *shares])
    headings = [f"of {each:g} s a trial" for each in TRIAL_SECONDS]
    about = f"Sampler `gp` in {DIMENSIONS} dimensions, batches of 16, one thread: CPU time of all it does."
    sys.stdout.write(f"## What the model of a search costs\n\n{machine()}.\n\n{about}\n\n")
    sys.stdout.write(table(["trials", "CPU, s", *headings], rows) + "\n")


if __name__ == "__main__":
    main()
