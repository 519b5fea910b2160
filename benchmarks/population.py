"""Training many small models: lrshape's engine beside Optuna + PyTorch and two PyTorch processes.

The model is digits-mlp's (64-128-128-10, ReLU, batch 32, Adam, 300 steps), on the same data, with a linear
decay of the learning rate; lrshape's engine evaluates the final state on the training and the test set,
PyTorch on the training set only.

    python benchmarks/population.py
"""

import multiprocessing
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from _measure import alternate, machine, seconds, spread, table
from _torch_trainings import one_thread, train

STEPS, BATCH, HIDDEN = 300, 32, 128
MEMBERS = 64
TRIALS = 6
"""Models that a PyTorch contender trains in one turn; its rate does not depend on their number."""


def train_torch(base_lr: float, seed: int) -> float:
    """Train one model with PyTorch and return its final training loss."""
    return train({"name": "digits-mlp"}, base_lr * (1 - np.arange(STEPS) / STEPS), seed)


def ours(members: int) -> float:
    """Model-steps a second of lrshape's engine."""
    from lrshape.training.evaluation import evaluate
    from lrshape.training.workloads.digits import DigitsMLP

    workload = DigitsMLP(steps=STEPS)
    lrs = np.geomspace(1e-3, 1e-2, members)[:, None] * np.linspace(1, 0, STEPS)
    seeds = np.arange(members) % 2
    return members * STEPS / seconds(lambda: evaluate(workload, lrs, seeds))


def optuna_torch() -> float:
    """Model-steps a second of an Optuna study whose metric trains with PyTorch."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()

    def metric(trial: optuna.Trial) -> float:
        return train_torch(trial.suggest_float("base_lr", 1e-3, 1e-2, log=True), trial.number)

    return TRIALS * STEPS / seconds(lambda: study.optimize(metric, n_trials=TRIALS))


def main() -> None:
    """Measure and print."""
    from _peers_jax import SIZE, GemmPeak  # here, so that PyTorch's processes do not import JAX

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, initializer=one_thread) as pool:

        def two_processes() -> float:
            count = 2 * TRIALS
            return count * STEPS / seconds(lambda: list(pool.map(train_torch, [3e-3] * count, range(count))))

        contenders = {
            "lrshape, 1 member": lambda: ours(1),
            "lrshape, 4 members": lambda: ours(4),
            "lrshape, 16 members": lambda: ours(16),
            f"lrshape, {MEMBERS} members": lambda: ours(MEMBERS),
            "Optuna + PyTorch, one model after another": optuna_torch,
            "PyTorch, two one-thread processes": two_processes,
        }
        results = alternate(contenders)
    work, least = GemmPeak().measure()
    best = statistics.median(results[f"lrshape, {MEMBERS} members"])
    rows = [
        [name, spread(values), f"{best / statistics.median(values):.1f}"] for name, values in results.items()
    ]
    parameters = 64 * HIDDEN + HIDDEN * HIDDEN + HIDDEN * 10
    flops = 6 * BATCH * parameters  # forward, and twice that backward
    sys.stdout.write(
        "## Population training: digits-mlp, 300 steps, Adam, batch 32\n\n"
        f"{machine()}.\n\nModel-steps a second, median (range) of 5 turns; compilation excluded.\n\n"
        + table(["contender", "model-steps/s", f"lrshape at {MEMBERS} is faster by"], rows)
        + f"\n\nlrshape at {MEMBERS} members computes {best * flops / 1e9:.0f} GFLOP/s in matrix products; "
        f"{work / least / 1e9:.0f} GFLOP/s is what this machine reaches in a {SIZE} x {SIZE} float32 "
        "product.\n"
    )


if __name__ == "__main__":
    main()
