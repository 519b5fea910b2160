"""What one search of a synthetic world says, beside the truth."""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from _world_search import run_search
from _worlds import Floats, World, world
from numpy.typing import ArrayLike

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.tables import records
from lrshape.procedure.trial import ShapeRecord, multipliers

Result = dict[str, Any]

SEEDS = np.arange(2**33, 2**33 + 40_000)
"""Fresh seeds, which no search has, whose median is the truth that an interval has to hold."""


def searched(name: str, trials: int, k: int) -> Result:
    """Search the ``k``-th world of a name.

    Args:
        name: of the world.
        trials: that the search may train.
        k: which of the worlds; also the study's seed.

    Returns:
        Plain JSON: what was claimed of the winner and of every other row of the confirm phase, and the truth.
        Scores without noise: ``true`` at the base LR that the search chose, ``tuned`` at the schedule's best.
        ``margin`` and effects are on the scale of the search's metric.
    """
    chosen_world, began = world(name, k), time.process_time()
    table, spec, choice = run_search(chosen_world, {"seed": k, "trials": trials})
    seconds = time.process_time() - began
    analysis = Analysis(table, spec.metric, design=choice.design(spec))
    rows = [_Row(chosen_world, spec.step_rule, row) for row in records(analysis.compared("confirm"))]
    winner = next(row for row in rows if row.said["is_winner"])
    phases = table["phase"].value_counts()
    return {
        "k": k,
        "trained": {phase: int(count) for phase, count in phases.items()},
        "seconds": seconds,
        "best": chosen_world.best,
        "margin": analysis.margin,
        "regret": winner.regret(),
        "winner": winner.result() | {"median": float(np.median(winner.values))},
        "others": [row.result() | _effects(analysis.scale, winner, row) for row in rows if row is not winner],
    }


KEPT = ("is_baseline", "seeds", "low", "high", "verdict", "effect_low", "effect_high")
"""Columns of `Analysis.compared` that a result keeps."""


class _Row:
    """A schedule of the confirm phase: what is said of it, and what is true."""

    def __init__(self, world: World, step_rule: Any, said: Mapping[str, Any]):
        self.said = said
        self._world = world
        shape = ShapeRecord.read(said["shape"], said["family"], said["params"]).family
        self._multiplier = multipliers([shape], world.steps, step_rule)

    @cached_property
    def values(self) -> Floats:
        """Its scores on `SEEDS`."""
        return self._world.loss(self._multiplier * self.said["base_lr"], SEEDS)

    @cached_property
    def true(self) -> float:
        """Its score without noise."""
        return float(self._world.true(self._multiplier * self.said["base_lr"])[0])

    def regret(self) -> float:
        """How much worse it truly is than the best schedule of all."""
        return self._world.gap(self.true, self._world.best)

    @cached_property
    def tuned(self) -> float:
        """The score without noise at its best base LR."""
        return min(self.true, lowest_score(self._world, self._multiplier, self.said["base_lr"]))

    def result(self) -> Result:
        """What is said and what is true."""
        loss = self._world.gap(self.true, self.tuned)
        return {key: self.said[key] for key in KEPT} | {"true": self.true, "tuned": self.tuned, "loss": loss}


def lowest_score(world: World, multiplier: Floats, around: float) -> float:
    """The score of a shape without noise, at its truly best base LR.

    Args:
        world: the workload.
        multiplier: the shape's values, (1, steps).
        around: the base LR about which to look, 4 octaves and more on either side.
    """
    best = value = around
    for reach, points in ((4.0, 401), (0.03, 61)):
        grid = best * np.exp(np.linspace(-reach, reach, points))
        values = world.true(multiplier * grid[:, None])
        best, value = float(grid[np.argmin(values)]), float(values.min())
    return value


def _effects(scale: str, winner: "_Row", other: "_Row") -> Result:
    """True effects, positive where the winner is better: at the confirmed base LRs, and at the best ones."""

    def effect(own: ArrayLike, other: ArrayLike) -> float:
        with np.errstate(invalid="ignore", divide="ignore"):
            effects = np.log(np.divide(other, own)) if scale == "log" else np.subtract(other, own)
        return float(np.median(effects))

    return {
        "true_effect": effect(winner.values, other.values),
        "tuned_effect": effect(winner.tuned, other.tuned),
    }
