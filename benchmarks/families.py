"""How long it takes to compute 1,000 shapes x 1,000 steps, for every family, beside other ways.

    python benchmarks/families.py

All ways run in one process, in turns, so that whatever else the machine does hits them alike; the medians
are printed. The Python loop calls the family once for each step, as a scheduler in a training loop does; it
runs on few shapes and its time is scaled up, as is that of a loop over nothing but ``math.cos``, the least
that any scheduler written in Python costs. Optax's cosine is the peer on the JAX side.
"""

import math
import statistics
import sys
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _measure import alternate, machine, seconds, table

from lrshape.shapes import FAMILIES, Family, evaluate
from lrshape.shapes.steps import progress

SHAPES, STEPS, REPEATS = 1000, 1000, 9
LOOP_SHAPES = 1
LOOP_STEPS = 200


def ways(family: type[Family]) -> dict[str, Callable[[], object]]:
    """Return the ways to compute one batch: NumPy, jitted JAX, and a Python loop on a part of it."""
    space = family.space()
    batch = space.from_unit(np.random.default_rng(0).random((SHAPES, len(space))))
    if not batch:
        # A table has nothing to search: its batch is the table, once for each shape.
        t_all = np.tile(progress(STEPS), SHAPES)
        shape = family()
        jitted_table = jax.jit(lambda t: shape(t))
        t_jax = jnp.asarray(t_all)
        numpy_way: Callable[[], object] = lambda: shape(t_all)  # noqa: E731
        jax_way: Callable[[], object] = lambda: jitted_table(t_jax).block_until_ready()  # noqa: E731
    else:
        t = progress(STEPS)
        jitted = jax.jit(lambda params: evaluate(family, params, t))
        on_device = {k: jnp.asarray(v, jnp.float32) for k, v in batch.items()}
        numpy_way = lambda: evaluate(family, batch, t)  # noqa: E731
        jax_way = lambda: jitted(on_device).block_until_ready()  # noqa: E731
    members = [family(**{k: v[i] for k, v in batch.items()}) for i in range(LOOP_SHAPES)]

    def loop() -> list[float]:
        return [m((step + 0.5) / LOOP_STEPS) for m in members for step in range(LOOP_STEPS)]

    return {"numpy": numpy_way, "jax": jax_way, "loop": loop}


def optax_way() -> Callable[[], object]:
    """Return optax's cosine schedule under vmap, over as many final values."""

    def one(floor: jax.Array) -> object:
        schedule = optax.cosine_decay_schedule(1.0, STEPS, alpha=floor)  # pyright: ignore[reportArgumentType]
        return jax.vmap(schedule)(jnp.arange(STEPS))  # pyright: ignore[reportArgumentType]

    floors = jnp.linspace(0.0, 0.5, SHAPES)
    jitted = jax.jit(jax.vmap(one))
    return lambda: jax.block_until_ready(jitted(floors))


def bare_loop() -> list[float]:
    """Return one cosine schedule, in plain Python."""
    return [0.5 * (1.0 + math.cos(math.pi * (step + 0.5) / STEPS)) for step in range(STEPS)]


def main() -> None:
    """Measure and print."""
    scale = SHAPES * STEPS / (LOOP_SHAPES * LOOP_STEPS)
    peers = {"optax": optax_way(), "bare": bare_loop}
    peer_times: dict[str, list[float]] = {name: [] for name in peers}
    rows = []
    for name, family in FAMILIES.items():
        contenders = {**ways(family), **peers}
        times = alternate({way: partial(seconds, run) for way, run in contenders.items()}, REPEATS)
        numpy_ms, jax_ms, loop_ms = (1e3 * statistics.median(times[way]) for way in ("numpy", "jax", "loop"))
        rows.append([name, f"{numpy_ms:.1f}", f"{jax_ms:.2f}", f"{loop_ms * scale:,.0f}"])
        for peer in peers:
            peer_times[peer] += times[peer]
    optax_ms, bare_ms = (1e3 * statistics.median(times) for times in peer_times.values())
    rows.append(["optax cosine_decay_schedule, vmap, jit", "", f"{optax_ms:.2f}", ""])
    rows.append(["a bare Python loop over math.cos", "", "", f"{bare_ms * SHAPES:,.0f}"])
    sys.stdout.write(
        f"## Families: {SHAPES:,} shapes x {STEPS:,} steps\n\n{machine()}.\n\n"
        f"Milliseconds, medians of {REPEATS} turns; compilation excluded. The per-step loop calls "
        f"the family once a step; it ran on {LOOP_SHAPES} shape x {LOOP_STEPS} steps, the bare loop on one "
        "shape, and their times are scaled up.\n\n"
        + table(["family", "NumPy, float64", "JAX jit, float32", "per-step Python loop"], rows)
        + "\n"
    )


if __name__ == "__main__":
    main()
