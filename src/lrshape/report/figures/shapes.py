"""Figure: the best shape of each family and the baselines, over training progress."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrshape.report.findings import Findings
from lrshape.report.palette import CATEGORIES, INK, LINE
from lrshape.report.plotting import (
    TEXT,
    common_labels,
    grid_lines,
    new_figure,
    panel_title,
    panels,
    progress_axes,
    styled,
)
from lrshape.report.words import number, printable, rate
from lrshape.store import params_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lrshape.shapes.schedule import Schedule

POINTS = 241
MOST = 16


def curve(family: str, params: str) -> NDArray[np.float64] | None:
    """Return the multipliers (241,) of a shape at evenly spaced progress from 0 to 1.

    Args:
        family: the family's name.
        params: its parameters as JSON.

    Returns:
        None where this installation cannot draw the shape: its family is a plug-in that is not here, or
        no longer takes these parameters.
    """
    from lrshape.shapes.family import FAMILIES

    try:
        values = FAMILIES[family].from_params(params_of(params))(np.linspace(0.0, 1.0, POINTS))
    except (ValueError, TypeError):
        return None
    return np.broadcast_to(np.asarray(values, np.float64), (POINTS,))


@styled()
def shapes(findings: Findings) -> "Figure | None":
    """Draw one panel for each family's best shape and each baseline, best first, the winner behind each.

    Returns:
        The figure; None if there is no shape to draw, or all of them diverged.
    """
    drawn = [(row, curve(row["family"], row["params"])) for row in findings.leaders]
    drawn = [(row, values) for row, values in drawn if values is not None][:MOST]
    if not any(math.isfinite(row["score"]) for row, _ in drawn):
        return None
    winner = findings.winner
    ghost = next((v for row, v in drawn if winner and row["shape"] == winner["shape"]), None)
    t = np.linspace(0.0, 1.0, POINTS)
    figure, axes = panels(len(drawn), row_height=1.5)
    for ax, (row, values) in zip(axes, drawn, strict=True):
        style = findings.style(row)
        is_winner = winner is not None and row["shape"] == winner["shape"]
        grid_lines(ax, "y")
        if ghost is not None and not is_winner:
            ax.plot(t, ghost, color=LINE.light, lw=2.6, zorder=1.5, gid="ghost")
        ax.fill_between(t, values, color=style.colour, alpha=0.16 if is_winner else 0.07, lw=0)
        ax.plot(t, values, color=style.colour, lw=2.6 if is_winner else 1.5, zorder=3)
        score = "diverged" if math.isinf(row["score"]) else number(row["score"])
        panel_title(ax, row["label"], f"{score} at LR {rate(row['base_lr'])}", bold=is_winner)
    progress_axes(axes[0])
    common_labels(figure, "training progress", "LR / base LR")
    return figure


@styled()
def shape_figure(schedule: "Schedule") -> "Figure":
    """Draw one schedule's multipliers over training progress.

    Args:
        schedule: what to draw; its step_rule and number of steps show as the curve's ends and corners.
    """
    from lrshape.shapes.schedule import progress

    figure = new_figure(3.3)
    ax = figure.subplots()
    grid_lines(ax, "y")
    t, values = progress(schedule.steps, schedule.step_rule), schedule.multipliers()
    colour = CATEGORIES[0].light
    ax.fill_between(t, values, color=colour, alpha=0.14, lw=0)
    ax.plot(t, values, color=colour, lw=2.2, marker="o" if schedule.steps <= 30 else "", ms=3)
    progress_axes(ax)
    ax.set(xlabel="training progress", ylabel="LR / base LR")
    ax.set_title(printable(schedule.family, 60), loc="left", fontsize=TEXT, color=INK.light)
    return figure
