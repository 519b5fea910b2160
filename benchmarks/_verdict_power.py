"""How many seeds a verdict takes: the confirm phase on two schedules of known truth, beside a t test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from _verdict_measures import best_base_lr
from _world_search import driven, specified
from _worlds import LINEAR, REX, STEPS, Noise, World, log_scale
from scipy import stats

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.design import Tuning
from lrshape.analysis.tables import records, where
from lrshape.procedure.choice import Choice, Tuned
from lrshape.procedure.phases import confirm
from lrshape.procedure.trial import Candidate, ShapeRecord, multipliers

LEVEL = 0.05
STUDIES = 4000
"""Studies of which the oracle's power is the share."""


@dataclass(frozen=True)
class Contest:
    """Rex against linear, each at its truly best base LR.

    Attributes:
        label: the noise in words.
        noise: of the seeds.
        effect: by how much linear is truly worse, as a fraction of rex's score.
        margin: the smallest difference that matters, as the same fraction; None: lrshape's default.
    """

    label: str
    noise: Noise
    effect: float
    margin: float | None = None

    def world(self) -> World:
        """A workload where rex is best of all and linear truly worse by the effect."""
        flat = log_scale(REX, self.noise, depth=1.0)("power", 1.0)
        _, linear = best_base_lr(flat, _multiplier(LINEAR), 1.0)
        return log_scale(REX, self.noise, depth=np.log1p(self.effect) / flat.gap(linear, flat.best))(
            "power", 1.0
        )


NOISES = {
    "seed 0.15, own 0.10": Noise(0.15, 0.10),
    "seed 0.10, own 0.20, as on digits": Noise(0.10, 0.20),
    "seed 0.15, own 0.10, skewed": Noise(0.15, 0.10, "skewed"),
}
CONTESTS: Mapping[str, Contest] = {
    f"power-{number}-{effect:g}-{margin}": Contest(label, noise, effect, margin)
    for number, (label, noise) in enumerate(NOISES.items())
    for effect in (0.0, 0.05, 0.1)
    for margin in (None, 0.01)
}
"""By the name of their file."""


def fought(name: str, settings: Mapping[str, Any], k: int) -> dict[str, Any]:
    """Decide a contest by the confirm phase on the ``k``-th study's seeds: the verdict and the seeds used."""
    contest = CONTESTS[name]
    world = contest.world()
    plan = {"seed": k, "trials": 10_000, "baselines": ["linear"], "confirm": {"least": 10, "most": 160}}
    if contest.margin is not None:
        plan["confirm"]["margin"] = contest.margin * world.best
    spec = specified(world, {**plan, **settings})
    linear_lr, _ = best_base_lr(world, _multiplier(LINEAR), 1.0)
    choice = Choice(
        [
            Tuned(Candidate(ShapeRecord.of("rex-0000", *REX), 1.0), Tuning(0.0, 0.0)),
            Tuned(Candidate(ShapeRecord.of("baseline-linear", *LINEAR), linear_lr), Tuning(0.0, 0.0)),
        ]
    )
    table = driven(world, spec, "confirm", confirm(spec, choice, 0)).table
    compared = Analysis(table, spec.metric, design=choice.design(spec)).compared("confirm")
    (row,) = records(where(compared, compared["is_baseline"]))
    return {"k": k, "verdict": row["verdict"], "seeds": row["seeds"]}


def oracle_power(contest: Contest, seeds: int) -> float:
    """Share of studies in which a paired t test of log ratios on so many seeds rejects equality."""
    world = contest.world()
    linear_lr, _ = best_base_lr(world, _multiplier(LINEAR), 1.0)
    drawn = np.arange(2**33, 2**33 + STUDIES * seeds)
    rex, linear = world.loss(_multiplier(REX), drawn), world.loss(linear_lr * _multiplier(LINEAR), drawn)
    ratios = np.log(linear / rex).reshape(STUDIES, seeds)
    _, p_values = stats.ttest_1samp(ratios, 0.0, axis=1)
    return float(np.mean(p_values < LEVEL))


def _multiplier(shape: tuple[str, Mapping[str, float]]) -> np.ndarray:
    return multipliers([ShapeRecord.of("shape", *shape).family], STEPS, "midpoint")
