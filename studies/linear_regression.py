"""How far each family is from the best of all schedules for linear regression.

lrshape optimum examples/linear-regressionNAME.toml --out DIR

The stored ``studies/linear-regression/optimumNAME.json`` are its ``optimum.json``, with NAME empty, ``-flat``
and ``-large-batch``.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stored import STUDIES

SETTINGS = {"noisy": "optimum", "flat": "optimum-flat", "large_batch": "optimum-large-batch"}
FREE_KNOTS = ("two_point_spline", "two_point_spline_floor")
"""Families with two free knots."""


class Optimum(NamedTuple):
    """What was found for one setting.

    Attributes:
        gaps: how far each family's best loss is above the optimum's, as a share, the best first.
        exact_ratio: the optimum's exact loss in one eigenbasis beside that of the recursion.
        is_jagged: whether the optimum is.
    """

    gaps: Mapping[str, float]
    exact_ratio: float
    is_jagged: bool

    def largest(self, families: Sequence[str] = FREE_KNOTS) -> float:
        """The largest gap of some families."""
        return max(self.gaps[family] for family in families)

    @property
    def smallest(self) -> float:
        """The gap of the best family."""
        return min(self.gaps.values())


def optimum_of(workload: str) -> float | None:
    """The least loss of all schedules; None where it is not known."""
    setting = workload.removeprefix("linear-regression")
    file = STUDIES / "linear-regression" / f"optimum{setting}.json"
    if setting == workload or not file.exists():
        return None
    return json.loads(file.read_text(encoding="utf-8"))["optimum"]["loss"]


def findings() -> Mapping[str, Optimum]:
    """What the section shows, by setting."""
    found = {}
    for setting, name in SETTINGS.items():
        document = json.loads((STUDIES / "linear-regression" / f"{name}.json").read_text(encoding="utf-8"))
        optimum = document["optimum"]
        gaps = {row["family"]: row["gap"] for row in document["families"]}
        found[setting] = Optimum(gaps, optimum["exact_loss"] / optimum["loss"], optimum["jagged"])
    return found
