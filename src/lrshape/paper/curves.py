"""What the experiments need and no command of lrshape gives: learning rates and losses of every step."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.tables import write_csv
from lrshape.files import publish
from lrshape.procedure.trial import training_seeds
from lrshape.process_wide import one_blas_thread
from lrshape.report.drawing import save
from lrshape.report.palette import INK, family_styles
from lrshape.report.plotting import legend_below, one_panel, scale_axis, styled
from lrshape.report.words import rate
from lrshape.shapes.schedule import Schedule
from lrshape.study.spec import StudySpec
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression

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


def optimal_curve(spec: Mapping[str, Any], out: Path) -> list[Path]:
    """Write the learning rates of ``out/optimum`` as `lrshape shapes fit` and `lrshape compare` read them."""
    found = json.loads((out / "optimum" / "optimum.json").read_text("utf-8"))
    publish(out, "optimum-lrs.json", json.dumps(found["optimum"]["lrs"]).encode(), replace=True)
    return [out / "optimum-lrs.json"]


def trajectories(spec: Mapping[str, Any], out: Path, seeds: int = 1000) -> list[Path]:
    """Draw the mean loss of simulated SGD at every step, one line a schedule.

    Every schedule has the base LR that is best for it in the noise-averaged recursion, which is drawn dashed.
    The interval is 1.96 standard errors: with 1,000 seeds it is nearly exact.
    """
    parsed = StudySpec.parse(spec)
    plain = parsed.workload.model_dump()
    recursion = LinearRegression(**{**plain, "dynamics": "recursion"})
    simulated = LinearRegression(**{**plain, "dynamics": "sgd"})
    tuned = [_tuned(recursion, name, params, parsed) for name, params in SCHEDULES.items()]
    lrs = np.stack([schedule.values() for schedule in tuned])
    drawn = training_seeds(parsed.seed, np.arange(seeds))
    losses, predicted = loss_curves(simulated, lrs, drawn), loss_curves(recursion, lrs, drawn[:1])[0]
    means, halves = losses.mean(axis=0), 1.96 * losses.std(axis=0, ddof=1) / np.sqrt(seeds)
    table = pd.concat(
        pd.DataFrame({"mean": mean, "low": mean - half, "high": mean + half, "recursion": expected})
        .rename_axis("step")
        .reset_index()
        .assign(schedule=schedule.family, base_lr=schedule.base_lr, seeds=seeds)
        for schedule, mean, half, expected in zip(tuned, means, halves, predicted, strict=True)
    )
    save(_figure(table), out, "trajectories")
    files = write_csv({"trajectories": table}, out)
    return [*files, out / "trajectories.svg", out / "trajectories.png"]


def loss_curves(
    workload: LinearRegression, lrs: NDArray[np.float64], seeds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Losses before every step and after the last one: the engine keeps only those at the end.

    Returns:
        Shape ``(seeds, schedules, steps + 1)`` for ``lrs`` of shape ``(schedules, steps)``.
    """
    rates = jnp.asarray(lrs, jnp.float32)

    def curve(seed: jax.Array, rates: jax.Array) -> jax.Array:
        key_init, key_order = jax.random.split(jax.random.key(seed))
        drawn = workload.order(key_order, {})
        batches = jnp.zeros(workload.steps, jnp.int32) if drawn is None else drawn
        state, losses = jax.lax.scan(
            lambda state, now: workload.step(state, *now, None), workload.init(key_init, {}), (rates, batches)
        )
        return jnp.append(losses, workload.metrics(state, {})["train_loss"])

    def curves(seed: jax.Array) -> jax.Array:
        return jax.vmap(curve, (None, 0))(seed, rates)

    every = jax.jit(lambda seeds: jax.lax.map(curves, seeds, batch_size=min(GROUP, len(seeds))))
    # LAPACK draws the eigenbases; its threads would only wait for XLA's, and for each other.
    with one_blas_thread():
        return np.asarray(every(jnp.asarray(seeds, jnp.uint32)), np.float64)


def _tuned(recursion: LinearRegression, family: str, params: dict[str, Any], spec: StudySpec) -> Schedule:
    schedules = [Schedule(family, params, lr, recursion.steps, spec.step_rule) for lr in BASE_LRS.tolist()]
    lrs = np.stack([schedule.values() for schedule in schedules])
    losses = evaluate(recursion, lrs, np.zeros(len(lrs), np.int64))["final/train_loss"]
    return schedules[int(np.argmin(losses))]


@styled()
def _figure(table: pd.DataFrame) -> Any:
    styles = family_styles(SCHEDULES)
    dashed = (0, (4, 2))
    figure, ax = one_panel(3.8)
    for name, rows in table.groupby("schedule", observed=True, sort=False):
        colour = styles[str(name)].colour
        label = f"{name}, base LR {rate(float(rows['base_lr'].iloc[0]))}"
        ax.fill_between(rows["step"], rows["low"], rows["high"], color=colour, alpha=0.22, lw=0)
        ax.plot(rows["step"], rows["mean"], color=colour, lw=1.6, label=label)
        ax.plot(rows["step"], rows["recursion"], color=colour, lw=1.0, ls=dashed, zorder=4)
    ax.plot([], [], color=INK.light, lw=0.8, ls=dashed, label="the recursion")
    scale_axis(ax.yaxis, table["mean"].tolist(), ticks=5, log=True)
    ax.set(xlim=(0, table["step"].max()), xlabel="step", ylabel="mean training loss, log scale")
    legend_below(figure)
    return figure
