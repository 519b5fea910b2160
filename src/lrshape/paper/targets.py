"""What a reader can point at on the figures of the optimum: the optimal schedule and each family's best."""

import json

import numpy as np

from lrshape.paper.figures import overlaid
from lrshape.paper.run import OPTIMUM, Found
from lrshape.paper.words import digits
from lrshape.report.interaction import Cards, Targets, lines
from lrshape.report.palette import CATEGORIES, MUTED
from lrshape.report.words import number
from lrshape.shapes.schedule import progress

MOST = 61
"""Points of a curve that can be pointed at."""


def optimum_targets(found: Found) -> tuple[Cards, dict[str, Targets | None]]:
    """Return a card for the optimum and for each family's best, and the targets by the figure's name."""
    cards = Cards("final loss")
    best = found.best.lrs
    index = {
        OPTIMUM: cards.add(
            "the optimum", MUTED.light, "", "{}", base_lr=None, score=number(found.best.loss, 4),
            more={"largest LR": number(float(best.max()))}, drawing=best / best.max(),
        )
    }  # fmt: skip
    for family in found.families:
        schedule = family.schedule
        index[family.family] = cards.add(
            family.family, CATEGORIES[0].light, family.family, json.dumps(dict(schedule.params)),
            base_lr=schedule.base_lr, score=number(family.loss, 4),
            more={"above the optimum": digits(found.gap(family))},
        )  # fmt: skip
    steps = found.spec.workload.steps
    chosen = np.unique(np.linspace(0, steps - 1, min(steps, MOST)).round().astype(int))
    t = progress(steps, found.spec.step_rule)[chosen]

    def part(axes: int, name: str) -> tuple[int, list[int], np.ndarray]:
        return axes, [index[name]] * len(chosen), np.column_stack([t, found.checked[name].lrs[chosen]])

    names = [OPTIMUM, *overlaid(found)]
    if "cosine" in index and "cosine" not in names:
        names.append("cosine")
    return cards, {
        OPTIMUM: lines("line", [part(0, name) for name in names]),
        "families": lines("line", [part(i, f.family) for i, f in enumerate(found.families)]),
    }
