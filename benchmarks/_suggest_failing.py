"""Part (e) of `suggest.py`: where the laws fail, lrshape should claim no gain, or be right.

Least squares without label noise, and networks that interpolate the digits: losses fall to 0.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from _measure import table
from _suggest_trainings import shapes
from numpy.typing import NDArray

from lrshape.predict.runs import Run
from lrshape.predict.suggest import suggest
from lrshape.predict.suggestion import Suggestion
from lrshape.training.evaluation import evaluate
from lrshape.training.optimizers import Momentum
from lrshape.training.workload import PopulationWorkload
from lrshape.training.workloads.digits import DigitsMLP
from lrshape.training.workloads.linear_regression import LinearRegression

DRAWS = 100
SEED = 1
"""Of the draws that are reported; those of seed 0 chose the rules."""
MOST_RUNS = 10
SEEDS = 4
"""Seeds of the trainings that say what is truly better; given runs have the first one."""
POINTS = 50


class Setting(NamedTuple):
    """A workload, and base LRs from far too low to nearly unstable."""

    workload: PopulationWorkload
    base_lrs: Sequence[float]


def doubled(highest: float) -> list[float]:
    """Return seven base LRs, each twice the one before."""
    return [highest / 2**i for i in reversed(range(7))]


def regression(steps: int, exponent: float, batch_size: int, highest: float) -> Setting:
    """Return least squares with 100 data points in 100 dimensions."""
    workload = LinearRegression(
        steps=steps, exponent=exponent, batch_size=batch_size, record_every=steps // POINTS
    )
    return Setting(workload, doubled(highest))


SETTINGS = {
    "regression, 1,000 steps of 4 points": regression(1000, 1.0, 4, 8.0),
    "regression, 200 steps of 4 points": regression(200, 1.0, 4, 8.0),
    "regression, flat spectrum": regression(1000, 0.3, 4, 8.0),
    "regression, steep spectrum": regression(1000, 2.0, 16, 4.0),
    "regression, all points a step": regression(1000, 1.0, 100, 12.0),
    "digits-mlp, 1,500 steps, train loss": Setting(DigitsMLP(steps=1500, record_every=30), doubled(6.4e-3)),
    "digits-mlp, 1,500 steps of SGD with momentum, train loss": Setting(
        DigitsMLP(steps=1500, record_every=30, optimizer=Momentum()), doubled(0.8)
    ),
}


class Claim(NamedTuple):
    """A schedule that should be better than today's: the LRs of both, and the forecast."""

    suggested: NDArray[np.float64]
    today: NDArray[np.float64]
    interval: tuple[float, float]


def all_runs(setting: Setting) -> dict[tuple[str, float], Run]:
    """Train all shapes at all base LRs; those that diverge are left out."""
    workload = setting.workload
    rows = {
        (name, base_lr): base_lr * row
        for name, row in shapes(workload.steps).items()
        for base_lr in setting.base_lrs
    }
    outcome = evaluate(workload, list(rows.values()), np.zeros(len(rows), int))
    finals = outcome["final/train_loss"]
    runs = {}
    for (name, base_lr), curve, final in zip(rows, outcome.curves, finals, strict=True):
        if np.isfinite(final) and curve is not None:
            # The last loss is that of the whole training set, as somebody scores it at the end.
            losses = np.append(curve.train_loss[:-1], final)
            lrs = rows[name, base_lr]
            runs[name, base_lr] = Run(f"{name} at {base_lr:.2g}", lrs, curve.step, losses)
    return runs


def draw(runs: dict[tuple[str, float], Run], rng: random.Random) -> list[Run]:
    """Draw one to ten runs: a sweep of one shape, shapes at one base LR, or any; half without curves."""
    name, base_lr = rng.choice(list(runs))
    kind = rng.choice(["sweep", "shapes", "any"])
    pool = [
        run
        for (other, lr), run in runs.items()
        if kind == "any" or (kind == "sweep" and other == name) or (kind == "shapes" and lr == base_lr)
    ]
    given = rng.sample(pool, min(rng.randint(1, MOST_RUNS), len(pool)))
    if rng.random() < 0.5:
        return given
    return [Run(run.name, run.lrs, run.points[-1:], run.losses[-1:]) for run in given]


def claim(found: Suggestion) -> Claim | None:
    """Return what the verdict promises, or None if it promises nothing."""
    if found.today is None or not found.verdict.startswith("Run "):
        return None
    first = found.rows[0]
    return Claim(first.schedule.values(), found.today.schedule.values(), first.interval)


def gains(workload: PopulationWorkload, claims: Sequence[Claim]) -> NDArray[np.float64]:
    """Return by how much each claim's schedule ends below today's, a mean over seeds, ``(claims,)``."""
    seeds = 1 if isinstance(workload, LinearRegression) else SEEDS
    lrs = [row for each in claims for row in (each.suggested, each.today)]
    finals = evaluate(workload, np.repeat(lrs, seeds, axis=0), np.tile(np.arange(seeds), len(lrs)))
    suggested, today = finals["final/train_loss"].reshape(len(claims), 2, seeds).mean(axis=2).T
    return today - suggested


def failing_table() -> str:
    """Return the share of draws where lrshape claims no gain or is right, by workload."""
    rows = []
    for name, setting in SETTINGS.items():
        runs, rng = all_runs(setting), random.Random(SEED)
        found = [suggest(draw(runs, rng)) for _ in range(DRAWS)]
        claims = [each for each in map(claim, found) if each is not None]
        gained = gains(setting.workload, claims) if claims else np.zeros(0)
        held = [low <= -gain <= high for gain, (*_, (low, high)) in zip(gained, claims, strict=True)]
        wrong = int(np.sum(~(gained > 0)))
        rows.append(
            (
                name,
                f"{np.mean([bool(each.contradiction) for each in found]):.0%}",
                f"{len(claims) / DRAWS:.0%}",
                str(wrong),
                f"{1 - wrong / DRAWS:.0%}",
                f"{np.mean(held):.0%}" if held else "",
            )
        )
    columns = ("workload", "contradictions", "claims of a gain", "wrong", "draws without a wrong claim")
    return table((*columns, "95% intervals of claims hold"), rows)
