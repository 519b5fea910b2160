"""Figure: a shape's score as one of its parameters changes, a panel for each parameter."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.frames import where
from lrshape.report.palette import CATEGORIES, INK, MUTED, PAPER
from lrshape.report.plotting import (
    TEXT,
    grid_lines,
    metric_label,
    panel_title,
    panels,
    point_at_marks,
    scale_axis,
    styled,
    wide_range,
)
from lrshape.report.words import printable, rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAND = 0.18


@styled()
def local_figure(points: pd.DataFrame, metric: str) -> "Figure | None":
    """Draw medians with interval bands against parameter values, the shape's own value marked.

    Args:
        points: those of one shape, as `lrshape.checks.local_statistics.score_points` returns them, and the
            index of each one's ``card``.
        metric: the metric that is minimised.

    Returns:
        The figure; None if no score is finite.
    """
    finite = where(points, np.isfinite(points["score"].to_numpy(np.float64)))
    parameters = list(dict.fromkeys(points["parameter"]))
    if finite.empty:
        return None
    figure, axes = panels(len(parameters), row_height=2.0, sharex=False)
    ends = [v for key in ("score", "low", "high") for v in finite[key] if math.isfinite(v)]
    # One far value must not press all others into a line at the bottom.
    log = scale_axis(axes[0].yaxis, ends, ticks=5, log=wide_range(ends, 2.5))
    for ax, parameter in zip(axes, parameters, strict=True):
        _panel(ax, where(points, points["parameter"] == parameter), parameter)
    figure.supylabel(metric_label("median", metric, log=log, short=True), fontsize=TEXT, color=MUTED.light)
    return figure


def positions(values: list[Any]) -> list[float]:
    """Return where a parameter's values lie along its panel: numbers as they are, choices in a row."""
    if any(isinstance(value, str) for value in values):
        return [float(index) for index in range(len(values))]
    return [float(value) for value in values]


def _panel(ax: Any, rows: pd.DataFrame, parameter: str) -> None:
    values = rows["value"].tolist()
    x = np.asarray(positions(values))
    if any(isinstance(value, str) for value in values):
        ax.set_xticks(x, [printable(value, 12) for value in values])
    else:
        scale_axis(ax.xaxis, list(x), ticks=4)
    grid_lines(ax, "y")
    colour = CATEGORIES[0].light
    score, low, high = (rows[key].to_numpy(np.float64) for key in ("score", "low", "high"))
    alive = np.isfinite(score)
    top = ax.get_ylim()[1]
    ax.fill_between(x, low, np.where(np.isinf(high), top, high), where=alive & ~np.isnan(low),
                    color=colour, alpha=BAND, lw=0, zorder=2)  # fmt: skip
    ax.plot(x, np.where(alive, score, np.nan), "-o", color=colour, ms=3.8, mec=PAPER.light, mew=0.7, lw=1.4,
            zorder=3)  # fmt: skip
    point_at_marks(ax, x[alive], score[alive], rows["card"].to_numpy()[alive].tolist())
    if not alive.all():
        ax.plot(x[~alive], np.full(np.sum(~alive), 0.965), "x", color=MUTED.light, ms=4.5, mew=1.2,
                transform=ax.get_xaxis_transform(), clip_on=False, zorder=3)  # fmt: skip
    own = int(np.flatnonzero(rows["own"].to_numpy(bool))[0])
    ax.axvline(x[own], color=MUTED.light, ls=(0, (1, 1.5)), lw=1.0, zorder=1.8)
    if alive[own]:
        ax.axhline(score[own], color=MUTED.light, lw=0.8, ls=(0, (4, 2)), zorder=1.8)
        ax.plot(x[own], score[own], "D", color=INK.light, ms=5.5, mec=PAPER.light, mew=0.9, zorder=4)
    value = values[own]
    note = f"own value {rate(value) if isinstance(value, float) else printable(value, 20)}"
    panel_title(ax, parameter, note)
