"""One schedule for all workloads: that whose worst regret over them is least, by models of their searches.

A schedule's regret on a workload is by how much it is worse than the workload's best shape, at the base LR
that is best for it, as a share of the best score. For linear regression it is computed, from the expected
loss. For the others it is predicted by the model that a search has of its own trials
(`lrshape.procedure.curve_model.CurveModel`). The trials of the common schedules are kept from the models:
so they are predicted as the candidates are, and beside their confirmed scores they show the error.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from effects import contest_effect
from numpy.typing import NDArray
from stored import STUDIES, UNWARMED, WorkloadStudies, contest_rows, workloads

from lrshape.analysis.scale import on_scale
from lrshape.analysis.scores import BASELINE
from lrshape.procedure.curve_model import CurveModel
from lrshape.procedure.curves import PROGRESS, root_mean_square
from lrshape.procedure.trial import multipliers
from lrshape.shapes import FAMILIES, Family
from lrshape.store import Store, params_of
from lrshape.study.study import Study
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression

Array = NDArray[np.float64]

Scores = Callable[[Sequence[Family], Array], Array]
"""Logarithms of the losses of shapes, each with a root mean square of its LRs, (shapes,)."""

WARMUPS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
FLOORS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
GRIDS: dict[str, dict[str, Sequence[float]]] = {
    "wsd": {
        "warmup": WARMUPS,
        "decay": (0.1, 0.2, 0.3, 0.5, 0.7),
        "exponent": (0.5, 1.0, 2.0),
        "floor": FLOORS,
    },
    "power": {"warmup": WARMUPS, "exponent": (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0), "floor": FLOORS},
    "generalized_cosine": {"warmup": WARMUPS, "exponent": (0.3, 0.5, 1.0, 2.0), "floor": FLOORS},
    "rex": {"warmup": WARMUPS, "beta": (0.1, 0.2, 0.5, 1.0, 2.0)},
}
"""Values of few digits, so that the chosen schedule needs no rounding."""

COMMON = {
    "linear": {"family": "linear", "params": {"warmup": 0.05}},
    "cosine": {"family": "cosine", "params": {"warmup": 0.05}},
    "wsd": {"family": "wsd", "params": {"warmup": 0.05, "decay": 0.2}},
}
"""The schedules beside it, each with 5% warmup."""

UNSEEN, CONTEST = "digits-mlp", "default-contest"
"""The workload of which no search knows, and its contest."""

CONTESTANTS = {
    "chosen": {"family": "wsd", "params": {"warmup": 0.05, "decay": 0.7, "exponent": 2.0, "floor": 0.15}},
    **COMMON,
}
"""What the searches of all other workloads chose when the contest was run, and the common schedules."""

OCTAVES = np.linspace(-4, 2, 10)
"""Where a shape's best root mean square of LRs is sought first, beside that of the workload's best shape."""

HALVINGS = 3
"""Then so often at half of the distance on either side: to a twelfth of an octave."""

MEMBERS = 1024
"""Schedules that are computed at once."""


class Row(NamedTuple):
    """A setting of a workload that was left out of the choice, with all other settings of the workload.

    Attributes:
        setting: its name.
        workload: of which it is a setting.
        chosen: what the other workloads choose.
        regrets: its regret in this setting, and those of the common schedules, by name.
    """

    setting: str
    workload: str
    chosen: str
    regrets: Mapping[str, float]


class Worst(NamedTuple):
    """The largest of a schedule's regrets.

    Attributes:
        name: of the schedule.
        regret: the largest.
        workload: where.
        wins: on how many workloads, in all their settings, it has a smaller regret than linear.
    """

    name: str
    regret: float
    workload: str
    wins: int


class Checked(NamedTuple):
    """A schedule that no model knew, predicted and confirmed.

    Attributes:
        workload: where.
        name: of the schedule.
        predicted: its regret.
        confirmed: the same, from paired fresh seeds.
    """

    workload: str
    name: str
    predicted: float
    confirmed: float


def shape(given: Mapping[str, Any]) -> Family:
    """The shape of a family's name and parameters."""
    return FAMILIES[given["family"]].from_params(given["params"])


@functools.cache
def candidates() -> list[Family]:
    """Every shape of the grids."""
    return [
        shape({"family": name, "params": dict(zip(grid, values, strict=True))})
        for name, grid in GRIDS.items()
        for values in product(*grid.values())
    ]


def described(one: Family) -> str:
    """Its family and parameters, e.g. ``wsd(warmup=0.1, decay=0.5)``; those at their defaults left out."""
    told = [f"{p.name}={one.params[p.name]:g}" for p in one.parameters() if one.params[p.name] != p.default]
    return f"{one.name}({', '.join(told)})"


class Regrets:
    """The regrets of any shapes in one setting.

    Args:
        one: its studies.
    """

    def __init__(self, one: WorkloadStudies):
        workload = one.main.spec.workload
        self.is_exact = isinstance(workload, LinearRegression)
        if isinstance(workload, LinearRegression):
            self._scores = expected_scores(workload)
        else:
            self._scores = predicted_scores(one)
        best = shape({"family": one.best.family, "params": one.best.params})
        rms = root_mean_square(multipliers([best], len(PROGRESS), "midpoint"))[0]
        self._size = one.best.base_lr * rms
        self._best = self._lowest([best])[0]

    def __call__(self, shapes: Sequence[Family]) -> Array:
        """One for each shape, at its best base LR; below 0 where it is better than the best of the search."""
        return np.expm1(self._lowest(shapes) - self._best)

    def _lowest(self, shapes: Sequence[Family]) -> Array:
        """Lowest scores over base LRs."""
        tried = np.stack([self._at(shapes, np.full(len(shapes), octave)) for octave in OCTAVES])
        lowest, best = tried.min(axis=0), OCTAVES[tried.argmin(axis=0)]
        step = OCTAVES[1] - OCTAVES[0]
        for _ in range(HALVINGS):
            step /= 2
            near = [best, best - step, best + step]
            tried = np.stack([lowest, *(self._at(shapes, octaves) for octaves in near[1:])])
            at = tried.argmin(axis=0)
            lowest, best = tried.min(axis=0), np.stack(near)[at, np.arange(len(shapes))]
        return lowest

    def _at(self, shapes: Sequence[Family], octaves: Array) -> Array:
        return self._scores(shapes, self._size * 2**octaves)


def expected_scores(workload: LinearRegression) -> Scores:
    """The logarithm of the expected loss, which is known; infinite where it diverges."""
    exact = workload.model_copy(update={"dynamics": "recursion", "evaluate_every": 0, "record_every": 0})

    def scores(shapes: Sequence[Family], sizes: Array) -> Array:
        values = multipliers(shapes, workload.steps, "midpoint")
        lrs = values * (sizes / root_mean_square(values))[:, None]
        losses = evaluate(exact, lrs, np.zeros(len(lrs), np.int64), members=MEMBERS)
        return on_scale(losses["final/train_loss"], "log")

    return scores


def predicted_scores(one: WorkloadStudies) -> Scores:
    """The logarithm of the loss that the model of a workload's searches predicts."""
    model = CurveModel(searched_trials(one), one.main.metric, "log")

    def scores(shapes: Sequence[Family], sizes: Array) -> Array:
        values = multipliers(shapes, len(PROGRESS), "midpoint")
        return model.scores(values, sizes / root_mean_square(values))

    return scores


def searched_trials(one: WorkloadStudies) -> pd.DataFrame:
    """The trials of a workload's searches, with and without warmup, but for the common schedules."""
    tables = [one.main.trials()]
    if Store.exists(one.path / UNWARMED) and (unwarmed := Study(one.path / UNWARMED)).is_complete():
        trials = unwarmed.trials()
        tables.append(trials.assign(shape=f"{UNWARMED}-" + trials["shape"].astype(str)))
    joined = pd.concat([table.astype({"shape": str, "params": str}) for table in tables], ignore_index=True)
    return joined[~joined["shape"].str.contains(BASELINE)].reset_index(drop=True)


def least_worst(regrets: Array) -> int:
    """The candidate whose worst regret is least; of regrets (workloads, candidates)."""
    return int(regrets.max(axis=0).argmin())


def checked(one: WorkloadStudies, regrets: Regrets) -> list[Checked]:
    """The schedules of a workload's contest, or its common ones, that its searches have not trained."""
    rows = {name: row for name, row in one.contest.items() if is_unseen(name)}
    predicted = regrets([shape({**row, "params": params_of(row["params"])}) for row in rows.values()])
    best = one.contest["best"]
    found = [
        Checked(one.name, name, float(value), contest_effect(row, best).value)
        for (name, row), value in zip(rows.items(), predicted, strict=True)
    ]
    return [row for row in found if math.isfinite(row.confirmed)]


def is_unseen(name: str) -> bool:
    """Whether a schedule of a contest is no shape that a search has found."""
    return name in (*COMMON, "constant", "without-decay") or name.endswith("-percent")


def errors(rows: Sequence[Checked]) -> list[float]:
    """By how much each predicted score misses the confirmed one, as a share."""
    return [abs((1 + row.predicted) / (1 + row.confirmed) - 1) for row in rows]


def left_out(studies: Sequence[WorkloadStudies], candidate: Array, common: Array) -> list[Row]:
    """Every setting with what the other workloads choose.

    Args:
        studies: of each setting.
        candidate: regrets of the candidates, (settings, candidates).
        common: regrets of the common schedules, (settings, schedules).
    """
    names = [str(one.main.spec.document()["workload"]["name"]) for one in studies]
    rows = []
    for one, name, own, beside in zip(studies, names, candidate, common.tolist(), strict=True):
        best = least_worst(candidate[[other != name for other in names]])
        regrets = {"chosen": float(own[best]), **dict(zip(COMMON, beside, strict=True))}
        rows.append(Row(one.name, name, described(candidates()[best]), regrets))
    return rows


def worst_of(rows: Sequence[Row], name: str) -> Worst:
    """Where a schedule's regret is largest, and how often it is below linear's."""
    worst = max(rows, key=lambda row: row.regrets[name])
    lost = {row.workload for row in rows if row.regrets[name] >= row.regrets["linear"]}
    return Worst(name, worst.regrets[name], worst.setting, len({row.workload for row in rows} - lost))


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    studies = workloads()
    regrets = [Regrets(one) for one in studies]
    candidate = np.stack([of(candidates()) for of in regrets])
    common = np.stack([of([shape(given) for given in COMMON.values()]) for of in regrets])
    rows = left_out(studies, candidate, common)
    best = least_worst(candidate)
    seen = [
        row for one, of in zip(studies, regrets, strict=True) if not of.is_exact for row in checked(one, of)
    ]
    contest = contest_rows(Study(STUDIES / UNSEEN / CONTEST), "chosen")
    worst = {name: worst_of(rows, name) for name in ("chosen", *COMMON)}
    workloads_left_out = len({row.workload for row in rows})
    return {
        "rows": rows,
        "workloads": workloads_left_out,
        "candidates": len(candidates()),
        "best": described(candidates()[best]),
        "steps": max(one.main.steps for one in studies),
        "better_of_two": max(min(row.regrets["linear"], row.regrets["wsd"]) for row in rows),
        "best_worst": float(candidate[:, best].max()),
        "worst": worst,
        "beats_linear": worst["chosen"].regret < worst["linear"].regret
        and worst["chosen"].wins > workloads_left_out / 2,
        "checked": len(seen),
        "error": float(np.median(errors(seen))),
        "largest_error": max(zip(errors(seen), seen, strict=True)),
        "contestant": described(shape(CONTESTANTS["chosen"])),
        "contest": {name: contest_effect(contest[name], contest["chosen"]) for name in COMMON},
        "unseen": UNSEEN,
        "is_best": described(candidates()[best]) == described(shape(CONTESTANTS["chosen"])),
    }
