"""The noise-averaged recursion: lrshape beside a plain JAX vmap and a NumPy loop.

python benchmarks/linear_regression.py
"""

import statistics
import sys

import jax
import jax.numpy as jnp
import numpy as np
from _measure import alternate, machine, seconds, spread, table

from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression

WORKLOAD = LinearRegression(steps=1000, dimension=100, batch_size=4)
SPECTRUM = WORKLOAD.spectrum().astype(np.float32)
NOISE = np.float32(1 / WORKLOAD.batch_size - 1 / WORKLOAD.dimension)


def schedules(count: int) -> np.ndarray:
    """Learning rates of linear decays, float32, (count, 1000)."""
    return (np.geomspace(0.1, 3.0, count)[:, None] * np.linspace(1, 0.01, 1000)).astype(np.float32)


@jax.jit
def plain_jax(lrs: jax.Array) -> jax.Array:
    """The recursion for one schedule, as one writes it, under vmap."""

    def one(row: jax.Array) -> jax.Array:
        def step(p: jax.Array, lr: jax.Array) -> tuple[jax.Array, None]:
            noise = lr**2 * NOISE * SPECTRUM * jnp.sum(SPECTRUM * p)
            return (1 - lr * SPECTRUM) ** 2 * p + noise, None

        p, _ = jax.lax.scan(step, jnp.ones(100), row)
        return jnp.mean(SPECTRUM * p) / 2

    return jax.vmap(one)(lrs)


def numpy_loop(lrs: np.ndarray) -> np.ndarray:
    """The recursion over all schedules at once in NumPy, a Python loop over the steps."""
    p = np.ones((100, len(lrs)), np.float32)
    lam = SPECTRUM[:, None]
    for column in lrs.T:
        p = (1 - column * lam) ** 2 * p + column**2 * NOISE * lam * (SPECTRUM @ p)
    return (SPECTRUM @ p) / 200


def main() -> None:
    """Measure and print."""
    many, some = schedules(32768), schedules(4096)
    seeds = np.zeros(len(many), int)
    np.testing.assert_allclose(
        evaluate(WORKLOAD, some, seeds[:4096])["final/train_loss"], plain_jax(some), rtol=1e-3
    )
    # Chunks as studies use them: max_members schedules in one program.
    contenders = {
        "lrshape.training.evaluate": lambda: (
            len(many) / seconds(lambda: evaluate(WORKLOAD, many, seeds, members=WORKLOAD.max_members))
        ),
        "JAX, vmap of a scan": lambda: len(some) / seconds(lambda: plain_jax(some).block_until_ready()),
        "NumPy, loop over steps": lambda: len(some) / seconds(lambda: numpy_loop(some)),
    }
    results = alternate(contenders)
    best = statistics.median(results["lrshape.training.evaluate"])
    rows = [
        [name, spread(values), f"{best / statistics.median(values):.1f}"] for name, values in results.items()
    ]
    sys.stdout.write(
        "## Linear regression: the recursion at T = 1000, D = 100\n\n"
        f"{machine()}.\n\nSchedules a second, median (range) of 5 turns; compilation excluded.\n\n"
        + table(["contender", "schedules/s", "lrshape is faster by"], rows)
        + f"\n\nlrshape updates {best * 1e5 / 1e9:.1f} billion eigenvalues a second, with 7 floating-point "
        f"operations each: {best * 1e5 * 7 / 1e9:.0f} GFLOP/s.\n"
    )


if __name__ == "__main__":
    main()
