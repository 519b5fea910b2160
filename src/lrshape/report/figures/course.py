"""Figure: how a guided screen went on, shape by shape."""

import math
from typing import TYPE_CHECKING

import numpy as np

from lrshape.report.findings import Findings
from lrshape.report.palette import INK
from lrshape.report.plotting import grid_lines, legend_below, metric_label, new_figure, scale_axis, styled
from lrshape.report.words import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled()
def course(findings: Findings) -> "Figure | None":
    """Draw the score of every shape of a guided screen in the order of trying, and the running best.

    Returns:
        The figure; None if no scores guided the screen, or none is finite.
    """
    scores = np.array([row["score"] for row in findings.course], np.float64)
    finite = scores[np.isfinite(scores)]
    if not findings.is_guided or len(finite) == 0:
        return None
    number = np.arange(1, len(scores) + 1)
    families = np.array([row["family"] for row in findings.course], object)
    figure = new_figure(3.3)
    ax = figure.subplots()
    # Shapes that are far off would press the others together.
    highest = np.quantile(finite, 0.95)
    log = scale_axis(ax.yaxis, finite[finite <= highest].tolist(), ticks=5)
    grid_lines(ax, "y")
    top = ax.get_ylim()[1]
    shown = np.where(np.isfinite(scores), np.minimum(scores, top), top)
    for name, style in findings.styles.items():
        own = families == name
        if own.any():
            ax.plot(number[own], shown[own], ls="", marker=style.marker, ms=3.6, mew=0, alpha=0.75,
                    color=style.colour, label=printable(name, 28), zorder=3)  # fmt: skip
    best = np.minimum.accumulate(np.where(np.isfinite(scores), scores, math.inf))
    ax.plot(number, np.where(np.isfinite(best), np.minimum(best, top), np.nan), color=INK.light,
            lw=1.2, drawstyle="steps-post", label="lowest so far", zorder=2)  # fmt: skip
    ax.set_xlabel("shapes tried")
    ax.set_ylabel(metric_label("screen", findings.metric, log=log, short=True))
    legend_below(figure)
    return figure
