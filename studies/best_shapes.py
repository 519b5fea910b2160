"""The figure of each workload's best shapes, in front of the range of its near-optimal ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from questions import multipliers_of, near_optimal_shapes
from stored import WorkloadStudies, workloads

from lrshape.report.figures.shapes import POINTS
from lrshape.report.palette import LINE, MUTED, family_styles
from lrshape.report.plotting import (
    TEXT,
    grid_lines,
    legend_below,
    panel_title,
    panels,
    progress_axes,
    styled,
)
from lrshape.report.words import counted

MOST = 5
"""Families whose best shapes are drawn."""


def best_shapes(one: WorkloadStudies) -> dict[str, np.ndarray]:
    """Multipliers of the best shapes by family, best first; those that the contest measured in its order."""
    best = one.best
    ranked = {one.family: one.params for one in (best, *best.families)}
    scores = {family: one.confirmed[name]["score"] for family, name in one.rivals.items()}
    scores[best.family] = -np.inf
    ranked = dict(sorted(ranked.items(), key=lambda item: scores.get(item[0], np.inf)))
    return {family: multipliers_of(family, params) for family, params in list(ranked.items())[:MOST]}


@styled()
def draw(studies: Sequence[WorkloadStudies]) -> Any:
    """Draw a panel for each workload: the near-optimal range, and the best shapes of the best families."""
    from matplotlib.lines import Line2D

    t = np.linspace(0.0, 1.0, POINTS)
    shapes = {one.name: best_shapes(one) for one in studies}
    families = sorted({family for curves in shapes.values() for family in curves})
    styles = family_styles(families)
    figure, axes = panels(len(studies), row_height=2.2)
    for ax, one in zip(axes, studies, strict=True):
        grid_lines(ax, "y")
        near = near_optimal_shapes(one, True)
        ax.fill_between(t, near.min(axis=0), near.max(axis=0), color=LINE.light, alpha=0.6, lw=0)
        for place, (family, values) in enumerate(shapes[one.name].items()):
            style, width = styles[family], 2.6 if place == 0 else 1.2
            ax.plot(t, values, color=style.colour, ls=style.dash, lw=width, zorder=3 - 0.1 * place)
        panel_title(ax, one.name, f"{counted(len(near), 'near-optimal shape')} behind")
    progress_axes(axes[0])
    for ax in axes[-2:]:
        ax.set_xlabel("training progress")
    figure.supylabel("LR / base LR", fontsize=TEXT, color=MUTED.light)
    legend_below(
        figure, [Line2D([], [], color=s.colour, ls=s.dash, label=family) for family, s in styles.items()]
    )
    return figure


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    return {"drawing": draw(workloads())}
