"""What a reader can point at on the figures of a study's report: every screened shape."""

import math

import numpy as np

from lrshape.report.figures.distribution import ecdf
from lrshape.report.figures.heatmap import cells
from lrshape.report.findings import Findings
from lrshape.report.interaction import Cards, Targets, grid, lines
from lrshape.report.words import number, rate


def study_targets(findings: Findings) -> tuple[Cards, dict[str, Targets]]:
    """Return a card for each screened shape, and the targets by the figure's name."""
    cards = Cards(findings.metric)
    index = {
        row["shape"]: cards.add(
            row["shape"],
            findings.style(row).colour,
            row["family"],
            row["params"],
            base_lr=row["base_lr"],
            score=_score(row["score"]),
        )
        for row in findings.screen
    }
    found = {"distribution": _distribution(findings, index), "heatmap": _heatmap(findings, index)}
    return cards, {name: targets for name, targets in found.items() if targets}


def _distribution(findings: Findings, index: dict[str, int]) -> Targets | None:
    """Each family's steps of the ECDF, but for shapes that diverged."""
    parts = []
    for rows, fractions in ecdf(findings).values():
        alive = [row for row in rows if math.isfinite(row["score"])]  # the first ones
        points = np.column_stack([[row["score"] for row in alive], fractions[: len(alive)]])
        parts.append((0, [index[row["shape"]] for row in alive], points))
    return lines("line", parts)


def _heatmap(findings: Findings, index: dict[str, int]) -> Targets | None:
    rows, base_lrs, values = cells(findings)
    if not rows:
        return None
    return grid(
        lambda figure: next(ax for ax in figure.axes if ax.images),
        [index[row["shape"]] for row in rows],
        [f"at LR {rate(lr)}" for lr in base_lrs],
        [["" if math.isnan(v) else _score(v) for v in line] for line in values],
    )


def _score(value: float) -> str:
    return "diverged" if math.isinf(value) else number(value)
