"""One search of a synthetic world by a peer or by lrshape, at equal trials, beside the truth."""

import math
import time
import warnings
from typing import Any

import numpy as np
from _efficiency_contenders import CONTENDERS, FAMILY
from _efficiency_run import found
from _peer_race import SEARCHING, TOP, race
from _peer_samplers import PEERS, Losses
from _world_search import specified, trained
from _worlds import World, world
from threadpoolctl import threadpool_limits

from lrshape.procedure.sampler import Points
from lrshape.procedure.trial import multipliers, training_seeds
from lrshape.shapes import FAMILIES, Family

OURS = ("default", "default-families")

Result = dict[str, Any]


def searched(name: str, trials: int, contender: str, k: int) -> Result:
    """Search the ``k``-th world of a name.

    Returns:
        Plain JSON: what is recommended, its regret without noise, the trials, and the CPU seconds.
    """
    one, began = world(name, k), time.process_time()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, base_lr, spent = (_ours if contender in OURS else _peer)(one, trials, contender, k)
    seconds = time.process_time() - began
    lrs = multipliers([shape], one.steps, "midpoint") * base_lr
    regret = one.gap(float(one.true(lrs)[0]), one.best)
    return {
        "k": k,
        "trials": spent,
        "family": shape.name,
        "params": shape.params,
        "base_lr": base_lr,
        "regret": regret,
        "seconds": seconds,
    }


def _ours(one: World, trials: int, contender: str, k: int) -> tuple[Family, float, int]:
    document = CONTENDERS[contender].spec
    assert document is not None
    spec = specified(one, document(dict(one.spec), trials) | {"seed": k})
    (shape, base_lr, _), spent = found(spec, lambda chunks: [trained(one, spec, chunk) for chunk in chunks])
    return shape.family, base_lr, spent


def _peer(one: World, trials: int, contender: str, k: int) -> tuple[Family, float, int]:
    cube = Cube(one, k)
    searching = round(SEARCHING * trials)
    points = PEERS[contender].search(cube.losses, cube.dimensions, searching, k)
    _, first = np.unique(points, axis=0, return_index=True)
    best = cube.race(points[np.sort(first)][:TOP], trials - cube.trained)
    shapes, base_lrs = cube.schedules(best[None])
    return shapes[0], float(base_lrs[0]), cube.trained


class Cube:
    """A world as a function on the unit cube: the parameters of `FAMILY` and the log of the base LR."""

    def __init__(self, one: World, k: int):
        self.world = one
        self._spec = specified(one, {"families": [FAMILY], "seed": k})
        self._space = self._spec.families[0].space()
        self.dimensions = len(self._space) + 1
        self.trained = 0

    def schedules(self, points: Points) -> tuple[list[Family], Losses]:
        """The shapes and the base LRs of points."""
        columns = self._space.from_unit(points[:, :-1])
        params = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        low, high = math.log(self._spec.base_lr.low), math.log(self._spec.base_lr.high)
        return [FAMILIES[FAMILY].from_params(own) for own in params], np.exp(
            low + points[:, -1] * (high - low)
        )

    def losses(self, points: Points, seed: int) -> Losses:
        """Train points with one seed index; their scores on the metric's scale."""
        self.trained += len(points)
        shapes, base_lrs = self.schedules(points)
        lrs = multipliers(shapes, self.world.steps, self._spec.step_rule) * base_lrs[:, None]
        with np.errstate(over="ignore", invalid="ignore"):  # of schedules that diverge
            values = self.world.loss(lrs, training_seeds(self._spec.seed, [seed]))
        values = np.where(np.isfinite(values.astype(np.float32)), values, np.inf)
        return np.log(values) if self.world.scale == "log" else values

    def race(self, points: Points, trials: int) -> Points:
        """The best point, after so many trials."""
        return points[race(len(points), trials, lambda chosen, seed: self.losses(points[chosen], seed))]
