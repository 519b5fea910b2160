"""Figures: the optimal schedule with the best families over it, and each family beside it.

A reader can point at the curves; their cards are in the order of ``found.checks``, the optimum's first.
"""

from typing import TYPE_CHECKING

import numpy as np

from lrshape.paper.run import OPTIMUM, OptimumResult, gap_text
from lrshape.report.drawing import Drawing
from lrshape.report.palette import BASELINE, CATEGORIES, DASHES, INK, LINE
from lrshape.report.plotting import (
    common_labels,
    grid_lines,
    legend_below,
    one_panel,
    panel_title,
    panels,
    point_at_line,
    progress_axes,
    styled,
)
from lrshape.report.words import rate
from lrshape.shapes.steps import progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OVERLAID = 3
_COSINE = {"color": INK.light, "lw": 1.0, "ls": (0, (6, 1.5, 1.2, 1.5))}


@styled()
def overlay(found: OptimumResult) -> "Figure":
    """Draw the optimal schedule, the three best families over it, and the usual cosine if it is there."""
    t = progress(found.spec.workload.steps, found.spec.step_rule)
    cards = list(found.checks)
    drawn = [
        (family, {"color": CATEGORIES[index].light, "lw": 2.0, "ls": DASHES[index]})
        for index, family in enumerate(found.families[:OVERLAID])
    ]
    drawn += [(f, _COSINE) for f in found.families[OVERLAID:] if f.family == "cosine"]
    figure, ax = one_panel(3.6)
    colour, width = (BASELINE.light, 0.8) if found.jaggedness.jagged else (LINE.light, 7.0)
    ax.plot(t, found.best.lrs, color=colour, lw=width, label="the optimum", solid_capstyle="butt")
    point_at_line(ax, t, found.best.lrs, cards.index(OPTIMUM))
    for family, style in drawn:
        lrs = found.checks[family.family].lrs
        ax.plot(t, lrs, label=f"{family.family}, +{gap_text(found.gap(family))}", **style)
        point_at_line(ax, t, lrs, cards.index(family.family))
    ax.set(xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="training progress", ylabel="learning rate")
    ax.set_ylim(0, None)
    ax.set_xticklabels(["0", "0.25", "0.5", "0.75", "1"])
    legend_below(figure, handlelength=2.4)
    return figure


@styled()
def beside(found: OptimumResult) -> "Figure":
    """Draw one panel a family, best first, over the optimal schedule."""
    t = progress(found.spec.workload.steps, found.spec.step_rule)
    colour, width = (BASELINE.light, 0.4) if found.jaggedness.jagged else (LINE.light, 4.0)
    cards = list(found.checks)
    figure, axes = panels(len(found.families), row_height=1.4)
    for ax, family in zip(axes, found.families, strict=True):
        grid_lines(ax, "y")
        lrs = found.checks[family.family].lrs
        ax.plot(t, found.best.lrs, color=colour, lw=width, zorder=1.5, solid_capstyle="butt")
        ax.plot(t, lrs, color=CATEGORIES[0].light, lw=1.7, zorder=3)
        point_at_line(ax, t, lrs, cards.index(family.family))
        note = f"+{gap_text(found.gap(family))} at LR {rate(family.schedule.base_lr)}"
        panel_title(ax, family.family, note)
    progress_axes(axes[0])
    axes[0].set_ylim(0, 1.04 * max(float(np.max(c.lrs)) for c in found.checks.values()))
    common_labels(figure, "training progress", "learning rate")
    return figure


FIGURES = (
    Drawing(
        OPTIMUM,
        "The optimal schedule and the families nearest to it",
        "Grey is the best of all schedules, every learning rate chosen freely; over it each family's best, "
        "parameters and base LR chosen for the lowest final loss.",
        overlay,
    ),
    Drawing(
        "families",
        "Each family beside the optimum",
        "Best family first; grey is the optimal schedule, above each panel how much higher the family's "
        "final loss is.",
        beside,
    ),
)
