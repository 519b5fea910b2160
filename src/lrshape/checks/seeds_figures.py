"""Figures: how well few seeds tell what many tell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.frames import where
from lrshape.checks.seeds_statistics import Agreement, SeedAnswer
from lrshape.report.palette import CATEGORIES, LINE, MUTED, PAPER
from lrshape.report.plotting import (
    TEXT,
    grid_lines,
    legend_below,
    metric_label,
    panel_title,
    panels,
    point_at_marks,
    scale_axis,
    styled,
)
from lrshape.report.words import counted, share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUPS = (("screened shapes", CATEGORIES[0].light, "o"), ("the best shapes", CATEGORIES[1].light, "D"))
_SCORES = ["one", "few", "reference"]
_PANELS = (
    ("rank correlation", "Spearman", "spearman"),
    ("recall of the best", "{top}", "recall"),
    ("regret of the choice", "mean, and {sure} sure", "regret"),
)


@styled()
def agreement_figure(answer: SeedAnswer) -> "Figure":
    """Draw correlation, recall and regret against the number of seeds, for both groups of shapes.

    Args:
        answer: what to show.
    """
    groups = (answer.screened, answer.top)
    tops = " and ".join(dict.fromkeys(f"top {agreement.top}" for agreement in groups))
    figure, axes = panels(3, row_height=2.6, sharex=False, sharey=False)
    for ax, (title, note, column) in zip(axes, _PANELS, strict=True):
        panel_title(ax, title, note.format(top=tops, sure=share(answer.certainty)))
        _seeds_axis(ax, answer.screened.table["seeds"].tolist())
        grid_lines(ax, "y")
        if column == "regret":
            _regrets(ax, groups, answer.margin)
        else:
            for agreement, (label, colour, marker) in zip(groups, GROUPS, strict=True):
                table = agreement.table
                ax.plot(table["seeds"], table[column], "-", marker=marker, color=colour, ms=4,
                        mec=PAPER.light, mew=0.7, lw=1.5, label=label, zorder=3)  # fmt: skip
            ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.02)
    handles, labels = axes[0].get_legend_handles_labels()
    for handle, label, agreement in zip(handles, labels, groups, strict=True):
        handle.set_label(f"{label} ({agreement.shapes})")
    legend_below(figure)
    return figure


def _seeds_axis(ax: Any, counts: Sequence[int]) -> None:
    scale_axis(ax.xaxis, counts, ticks=4, log=True)
    ax.set_xlabel("seeds, log scale")


def _regrets(ax: Any, groups: Sequence[Agreement], margin: float) -> None:
    from matplotlib.ticker import FuncFormatter

    for agreement, (_, colour, marker) in zip(groups, GROUPS, strict=True):
        table = agreement.table
        for key, dash in (("regret", "-"), ("regret_certain", (0, (4, 2)))):
            values = table[key].to_numpy(np.float64)
            ax.plot(table["seeds"], np.where(np.isfinite(values), values, np.nan), ls=dash,
                    marker=marker if key == "regret" else "", color=colour, ms=4, mec=PAPER.light, mew=0.7,
                    lw=1.5, zorder=3)  # fmt: skip
    ax.axhline(margin, color=MUTED.light, lw=1.0, ls=(0, (1, 1.5)), zorder=1.8)
    ax.set_ylim(bottom=0.0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g}%"))


def finite_scores(answer: SeedAnswer) -> pd.DataFrame:
    """Return the rows of ``answer.scores`` that can be drawn."""
    return where(answer.scores, np.isfinite(answer.scores[_SCORES].to_numpy(np.float64)).all(axis=1))


@styled()
def scatter_figure(answer: SeedAnswer, metric: str) -> "Figure | None":
    """Draw every shape's score on one seed and on a few against that on many others.

    A reader can point at the marks; their cards are in the order of `finite_scores`.

    Args:
        answer: what to show.
        metric: the metric that is minimised.

    Returns:
        The figure; None if no shape has finite scores.
    """
    finite = finite_scores(answer)
    if finite.empty:
        return None
    values = finite[_SCORES].to_numpy(np.float64).ravel().tolist()
    figure, axes = panels(2, row_height=3.2)
    log = scale_axis(axes[0].xaxis, values, ticks=4)
    scale_axis(axes[0].yaxis, values, ticks=4, log=log)
    lost = len(answer.scores) - len(finite)
    for ax, column, count in zip(axes, ("one", "few"), (1, answer.few), strict=True):
        panel_title(ax, counted(count, "seed"), f"{lost} diverged, not drawn" if lost else "")
        low, high = ax.get_xlim()
        ax.plot([low, high], [low, high], color=LINE.light, lw=1.2, zorder=1.5)
        grid_lines(ax, "y")
        for in_top, (label, colour, marker) in zip((False, True), GROUPS, strict=True):
            rows = where(finite, finite["in_top"] == in_top)
            ax.plot(rows["reference"], rows[column], marker, color=colour, ms=5, mec=PAPER.light,
                    mew=0.7, label=label, zorder=3 + in_top)  # fmt: skip
        point_at_marks(ax, finite["reference"], finite[column], range(len(finite)))
        ax.set_xlabel(metric_label(f"{answer.top.reference} others:", metric, log=log, short=True))
    figure.supylabel("the same, on few seeds", fontsize=TEXT, color=MUTED.light)
    legend_below(figure)
    return figure
