"""What a reader can point at on the figures of a sweep: the best shape of every setting."""

import json
import math

import numpy as np

from lrshape.analysis.transfer import CHOICES
from lrshape.report.figures.transfer import MATRIX, MOST, drawn_shapes
from lrshape.report.findings import Row
from lrshape.report.interaction import POINTS, Cards, Targets, grid, lines
from lrshape.report.sweep_findings import Swept
from lrshape.report.words import number, percent


def sweep_targets(swept: Swept) -> tuple[Cards, dict[str, Targets]]:
    """Return a card for each setting's best shape, and the targets by the figure's name."""
    cards = Cards(f"median {swept.metric}")
    shown = swept.winners[:MOST]
    index = {
        s.slug: cards.add(
            s.label,
            swept.styles[s.slug].colour,
            s.best["family"],
            json.dumps(s.best["params"], sort_keys=True),
            base_lr=s.best["base_lr"],
            score=number(s.best["score_median"]),
            more={"family": s.best["family"]},
        )
        for s in shown
    }
    parts = []
    for setting, values in drawn_shapes(swept):
        chosen = np.linspace(0, len(values) - 1, POINTS).round().astype(int)
        points = np.column_stack([chosen / (len(values) - 1), values[chosen]])
        parts.append((0, [index[setting.slug]] * POINTS, points))
    found = {"overlay": lines("line", parts)}
    if len(shown) > 1:
        for choice in CHOICES:
            rows = [[swept.regret(choice, a.slug, b.slug) for b in shown] for a in shown]
            found[MATRIX[choice]] = grid(
                lambda figure: figure.axes[0],
                [index[s.slug] for s in shown],
                [f"regret in {s.short}" for s in shown],
                [[_cell(row) for row in line] for line in rows],
            )
    return cards, {name: targets for name, targets in found.items() if targets}


def _cell(row: Row) -> str:
    if row["verdict"] == "own":
        return "0, its own"
    if math.isnan(row["relative"]):
        return "diverged" if math.isinf(row["regret"]) else "unknown"
    low, high = row["relative_low"], row["relative_high"]
    spread = f" ({percent(low)} to {percent(high)})" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{percent(row['relative'])}{spread}"
