"""Loss curves of simulated SGD: the mean over many seeds, and what the noise-averaged recursion predicts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lrshape.analysis.tables import write_csv
from lrshape.engine import evaluate
from lrshape.report.figures._common import TEXT, WIDE, new_figure, scale_axis, styled
from lrshape.report.palette import INK, LINE, MUTED, family_styles
from lrshape.report.words import rate
from lrshape.reproduce._figure import write_figure
from lrshape.schedule import Schedule
from lrshape.study.keys import training_seeds
from lrshape.study.spec import StudySpec
from lrshape.workloads.linear_regression import LinearRegression

SEEDS = {"smoke": 20, "cpu": 1000, "gpu": 1000}
SCHEDULES = {
    "constant": {},
    "linear": {"warmup": 0.0},
    "cosine": {"warmup": 0.0},
    "wsd": {"warmup": 0.0, "decay": 0.2},
    "power": {"warmup": 0.0, "exponent": 2.0},
}
BASE_LRS = np.geomspace(0.1, 30.0, 33)
GROUP = 50
"""Seeds that are trained at once: each has a design matrix of D x D."""


def trajectories(spec: Mapping[str, Any], scale: str, directory: Path) -> list[Path]:
    """Draw the mean loss over seeds at every step, one line a schedule, with its 95% interval.

    Every schedule has the base LR that is best for it in the recursion. The interval is the normal one of a
    mean, 1.96 standard errors: with 1,000 seeds it is nearly exact. Dashed is the recursion.

    Args:
        spec: a study's on linear regression.
        scale: how many seeds.
        directory: where to.
    """
    parsed = StudySpec.parse(spec)
    settings = parsed.workload.model_dump()
    recursion = LinearRegression(**{**settings, "dynamics": "recursion"})
    simulated = LinearRegression(**{**settings, "dynamics": "sgd"})
    schedules = {name: _tuned(recursion, name, params, parsed) for name, params in SCHEDULES.items()}
    lrs = np.stack([s.values() for s in schedules.values()])
    seeds = training_seeds(parsed.seed, np.arange(SEEDS[scale]))
    curves = loss_curves(simulated, lrs, seeds)
    predicted = loss_curves(recursion, lrs, seeds[:1])[0]
    mean, error = curves.mean(axis=0), curves.std(axis=0, ddof=1) / np.sqrt(len(seeds))
    rows = [
        pd.DataFrame(
            {
                "schedule": name,
                "base_lr": schedule.base_lr,
                "step": np.arange(mean.shape[1]),
                "mean": mean[i],
                "low": mean[i] - 1.96 * error[i],
                "high": mean[i] + 1.96 * error[i],
                "recursion": predicted[i],
                "seeds": len(seeds),
            }
        )
        for i, (name, schedule) in enumerate(schedules.items())
    ]
    table = pd.concat(rows, ignore_index=True)
    files = write_csv({"trajectories": table}, directory)
    return files + write_figure(_figure(table), "trajectories", directory)


def loss_curves(
    workload: LinearRegression, lrs: NDArray[np.float64], seeds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Losses before every step and after the last one.

    The engine scores trainings at their end; a curve needs every step. These are the workload's own ``init``,
    ``order``, ``step`` and ``metrics``, without divergence checks.

    Args:
        workload: with either dynamics; for the recursion all seeds give the same.
        lrs: shape (schedules, steps).
        seeds: shape (n,).

    Returns:
        Shape (n, schedules, steps + 1).
    """
    import jax
    import jax.numpy as jnp

    def curve(seed: Any, rates: Any) -> Any:
        key_init, key_order = jax.random.split(jax.random.key(seed))
        drawn = workload.order(key_order, {})

        def step(state: Any, now: Any) -> Any:
            lr, batch = now
            return workload.step(state, lr, batch, None)

        batches = jnp.zeros(workload.steps, jnp.int32) if drawn is None else drawn
        state, losses = jax.lax.scan(step, workload.init(key_init, {}), (rates, batches))
        return jnp.append(losses, workload.metrics(state, {})["train_loss"])

    both = jax.jit(jax.vmap(jax.vmap(curve, (None, 0)), (0, None)))
    rates = jnp.asarray(lrs, jnp.float32)
    # LAPACK draws the eigenbases; its threads would only wait for XLA's, and for each other.
    with threadpool_limits(limits=1):
        parts = [
            np.asarray(both(jnp.asarray(seeds[i : i + GROUP], jnp.uint32), rates), np.float64)
            for i in range(0, len(seeds), GROUP)
        ]
    return np.concatenate(parts)


def _tuned(recursion: LinearRegression, family: str, params: dict[str, Any], spec: StudySpec) -> Schedule:
    shape = Schedule(family, params, base_lr=1.0, steps=recursion.steps, sampling=spec.sampling)
    losses = evaluate(recursion, shape.multipliers() * BASE_LRS[:, None], np.zeros(len(BASE_LRS), np.int64))[
        "final/train_loss"
    ]
    best = float(BASE_LRS[int(np.argmin(losses))])
    return Schedule(family, shape.params, base_lr=best, steps=recursion.steps, sampling=spec.sampling)


def _figure(table: pd.DataFrame) -> Any:
    names = list(SCHEDULES)
    styles = family_styles(names)
    with styled():
        figure = new_figure(WIDE, 3.8)
        ax = figure.subplots()
        for name in names:
            rows = table.iloc[np.flatnonzero(table["schedule"] == name)]
            colour = styles[name].colour
            text = f"{name}, base LR {rate(float(rows['base_lr'].to_numpy()[0]))}"
            ax.fill_between(rows["step"], rows["low"], rows["high"], color=colour, alpha=0.22, lw=0)
            ax.plot(rows["step"], rows["mean"], color=colour, lw=1.6, label=text)
            ax.plot(rows["step"], rows["recursion"], color=colour, lw=1.0, ls=(0, (4, 2)), zorder=4)
        scale_axis(ax.yaxis, [float(v) for v in table["mean"]], ticks=5, log=True)
        ax.set_xlim(0, int(table["step"].to_numpy().max()))
        ax.grid(visible=True, axis="y", color=LINE.light, lw=0.6)
        ax.set_xlabel("step")
        seeds = int(table["seeds"].to_numpy()[0])
        ax.set_ylabel(f"training loss, mean of {seeds:,} seeds, log scale", fontsize=TEXT, color=MUTED.light)
        ax.plot([], [], color=INK.light, lw=0.8, ls=(0, (4, 2)), label="the recursion")
        figure.legend(loc="outside right upper", labelcolor=INK.light)
    return figure
