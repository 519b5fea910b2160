"""Figure: the winner by the metric beside the winners by the other stored metrics."""

from typing import TYPE_CHECKING

import numpy as np

from lrshape.report.figures.shapes import MOST, POINTS, curve
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import LINE
from lrshape.report.plotting import (
    common_labels,
    grid_lines,
    panel_title,
    panels,
    progress_axes,
    scale_axis,
    styled,
)
from lrshape.report.words import printable, rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def winners(findings: Findings) -> list[Row]:
    """Return one row for each distinct winner, the metric's first."""
    return list({(row["shape"], row["base_lr"]): row for row in reversed(findings.metrics)}.values())[::-1]


@styled()
def metrics(findings: Findings) -> "Figure | None":
    """Draw one panel for each distinct winner: its LR relative to the metric's winner's base LR.

    Returns:
        The figure; None if all stored metrics have the same winner, or none can be drawn.
    """
    drawn = [(row, curve(row["family"], row["params"])) for row in winners(findings)]
    drawn = [(row, values) for row, values in drawn if values is not None][:MOST]
    if len(drawn) < 2:
        return None
    first = drawn[0][0]["base_lr"]
    curves = [values * row["base_lr"] / first for row, values in drawn]
    t = np.linspace(0.0, 1.0, POINTS)
    figure, axes = panels(len(drawn), row_height=1.8)
    for ax, (row, _), values in zip(axes, drawn, curves, strict=True):
        colour = findings.styles[row["family"]].colour
        grid_lines(ax, "y")
        if values is not curves[0]:
            ax.plot(t, curves[0], color=LINE.light, lw=2.6, zorder=1.5, gid="ghost")
        ax.fill_between(t, values, color=colour, alpha=0.12, lw=0)
        ax.plot(t, values, color=colour, lw=2.2, zorder=3)
        more = f" +{len(row['chosen_by']) - 1}" if len(row["chosen_by"]) > 1 else ""
        note = f"{printable(row['family'], 20)} at LR {rate(row['base_lr'])}"
        panel_title(ax, f"by {printable(row['chosen_by'][0], 20)}{more}", note, bold=values is curves[0])
    top = max(float(values.max()) for values in curves)
    progress_axes(axes[0])
    scale_axis(axes[0].yaxis, [0.0, top], ticks=4, log=False)
    axes[0].set_ylim(0, 1.06 * top)
    common_labels(figure, "training progress", "LR / the winner’s base LR")
    return figure
