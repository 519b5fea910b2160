"""One schedule for all workloads: that whose worst regret over them is least, by models of their searches.

A schedule's regret on a workload is by how much it is worse than the workload's best shape, at the base LR
that is best for it, as a share of the best score: see `regrets`.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from effects import contest_effect
from exact import shape
from numpy.typing import NDArray
from regrets import Regrets
from stored import STUDIES, WorkloadStudies, contest_rows, workloads

from lrshape.shapes import Family
from lrshape.store import params_of
from lrshape.study.study import Study

Array = NDArray[np.float64]

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
"""The workload that has no part in the choice, and its contest."""

CONTESTANTS = {
    "chosen": {"family": "wsd", "params": {"warmup": 0.05, "decay": 0.7, "exponent": 2.0, "floor": 0.15}},
    **COMMON,
}
"""What the searches of all other workloads chose when the contest was run, and the common schedules."""


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


def least_worst(regrets: Array) -> int:
    """The candidate whose worst regret is least; of regrets (workloads, candidates)."""
    return int(regrets.max(axis=0).argmin())


def checked(one: WorkloadStudies, regrets: Regrets) -> list[Checked]:
    """The confirmed schedules of a workload that the model of its searches does not know."""
    rows = {name: row for name, row in one.confirmed.items() if is_unseen(name)}
    predicted = regrets([shape({**row, "params": params_of(row["params"])}) for row in rows.values()])
    found = [
        Checked(one.name, name, float(value), one.effects[name].value)
        for name, value in zip(rows, predicted, strict=True)
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
        "better_of_two": max(min(one.effects[name] for name in ("linear", "wsd")) for one in studies),
        "predicted_better_of_two": max(min(row.regrets[name] for name in ("linear", "wsd")) for row in rows),
        "best_worst": float(candidate[:, best].max()),
        "worst": worst,
        "beats_linear": worst["chosen"].regret < worst["linear"].regret
        and worst["chosen"].wins > workloads_left_out / 2,
        "checked": len(seen),
        "error": float(np.median(errors(seen))),
        "errors": [
            float(np.median(errors([row for row in seen if row.workload == name])))
            for name in {row.workload: None for row in seen}
        ],
        "largest_error": max(zip(errors(seen), seen, strict=True)),
        "contestant": described(shape(CONTESTANTS["chosen"])),
        "contest": {name: contest_effect(contest[name], contest["chosen"]) for name in COMMON},
        "unseen": UNSEEN,
        "is_best": described(candidates()[best]) == described(shape(CONTESTANTS["chosen"])),
    }
