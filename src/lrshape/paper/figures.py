"""Figures: the optimal schedule with the best families over it, and each family beside it."""

from typing import TYPE_CHECKING

import numpy as np

from lrshape.paper.run import OPTIMUM, Found
from lrshape.paper.words import digits
from lrshape.report.figures._common import (
    NARROW,
    TEXT,
    WIDE,
    grid_lines,
    new_figure,
    panel_title,
    panels,
    styled,
)
from lrshape.report.palette import BASELINE, CATEGORIES, INK, LINE, MUTED
from lrshape.report.words import rate
from lrshape.shapes.schedule import progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OVERLAID = 3
_DASHES = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)))


def overlaid(found: Found) -> list[str]:
    """Names of the families nearest to the optimum, nearest first."""
    return [f.family for f in found.families[:OVERLAID]]


def overlay(found: Found, *, narrow: bool = False) -> "Figure":
    """Draw the optimal schedule, the three best families over it, and the usual cosine if it is there."""
    t = progress(found.spec.workload.steps, found.spec.step_rule)
    jagged = found.jaggedness.jagged
    shown = overlaid(found)
    with styled():
        figure = new_figure(NARROW if narrow else WIDE, 3.1 if narrow else 3.4)
        ax = figure.subplots()
        grid_lines(ax, "y")
        ax.plot(
            t,
            found.best.lrs,
            color=BASELINE.light if jagged else LINE.light,
            lw=0.8 if jagged else 7.0,
            label="the optimum",
            solid_capstyle="butt",
        )
        for index, family in enumerate(shown):
            gap = digits(found.gap(found.families[index]))
            ax.plot(
                t,
                found.checked[family].lrs,
                color=CATEGORIES[index].light,
                lw=2.0,
                ls=_DASHES[index],
                label=f"{family}, +{gap}",
            )
        if "cosine" in found.checked and "cosine" not in shown:
            cosine = next(f for f in found.families if f.family == "cosine")
            ax.plot(
                t,
                found.checked["cosine"].lrs,
                color=INK.light,
                lw=1.0,
                ls=(0, (6, 1.5, 1.2, 1.5)),
                label=f"cosine, +{digits(found.gap(cosine))}",
            )
        ax.set(
            xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="training progress", ylabel="learning rate"
        )
        ax.set_ylim(0, None)
        ax.set_xticklabels(["0", "0.25", "0.5", "0.75", "1"])
        figure.legend(loc="outside upper left", ncols=1 if narrow else 3, labelcolor=INK.light)
    return figure


def beside(found: Found, *, narrow: bool = False) -> "Figure":
    """Draw one panel a family, best first, over the optimal schedule."""
    t = progress(found.spec.workload.steps, found.spec.step_rule)
    jagged = found.jaggedness.jagged
    highest = max(float(np.max(c.lrs)) for c in found.checked.values())
    with styled():
        columns = 2 if narrow else 4
        count = len(found.families)
        figure, axes = panels(count, columns=columns, row_height=1.4, width=NARROW if narrow else WIDE)
        for ax, family in zip(axes, found.families, strict=True):
            grid_lines(ax, "y")
            colour = BASELINE.light if jagged else LINE.light
            ax.plot(
                t, found.best.lrs, color=colour, lw=0.4 if jagged else 4.0, zorder=1.5, solid_capstyle="butt"
            )
            ax.plot(t, found.checked[family.family].lrs, color=CATEGORIES[0].light, lw=1.7, zorder=3)
            note = f"+{digits(found.gap(family))} at LR {rate(family.schedule.base_lr)}"
            panel_title(ax, family.family, note, bold=False)
        axes[0].set(xlim=(0, 1), ylim=(0, 1.04 * highest), xticks=[0, 0.5, 1])
        axes[0].set_xticklabels(["0", "0.5", "1"])
        figure.supxlabel("training progress", fontsize=TEXT, color=MUTED.light)
        figure.supylabel("learning rate", fontsize=TEXT, color=MUTED.light)
    return figure


FIGURES = (
    (
        OPTIMUM,
        "The optimal schedule and the families nearest to it",
        "Grey is the best of all schedules, every learning rate chosen freely; over it each family's best, "
        "parameters and base LR chosen for the lowest final loss.",
        overlay,
    ),
    (
        "families",
        "Each family beside the optimum",
        "Best family first; grey is the optimal schedule, above each panel how much higher the family's "
        "final loss is.",
        beside,
    ),
)
"""(file name, title, caption, how to draw it)."""
