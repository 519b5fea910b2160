"""Figures: how well few seeds tell what many tell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.frames import where
from lrshape.checks.seeds_statistics import Agreement, SeedAnswer
from lrshape.report.figures._common import (
    NARROW,
    SMALL,
    TEXT,
    WIDE,
    grid_lines,
    metric_label,
    new_figure,
    panel_title,
    scale_axis,
    styled,
)
from lrshape.report.palette import CATEGORIES, INK, LINE, MUTED, PAPER
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


def agreement_figure(answer: SeedAnswer, *, narrow: bool = False) -> "Figure":
    """Draw correlation, recall and regret against the number of seeds, for both groups of shapes.

    Args:
        answer: what to show.
        narrow: for a phone instead of a page.
    """
    groups = (answer.screened, answer.top)
    tops = " and ".join(dict.fromkeys(f"top {agreement.top}" for agreement in groups))
    with styled():
        figure = new_figure(NARROW if narrow else WIDE, 6.9 if narrow else 2.75)
        axes = figure.subplots(3, 1) if narrow else figure.subplots(1, 3)
        for ax, (title, note, column) in zip(axes, _PANELS, strict=True):
            panel_title(ax, title, note.format(top=tops, sure=share(answer.certainty)), bold=False)
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
        counts = (f"{name} ({a.shapes})" for name, a in zip(labels, groups, strict=True))
        figure.legend(handles, list(counts), loc="outside lower center", ncols=1 if narrow else 2,
                      labelcolor=INK.light, fontsize=SMALL)  # fmt: skip
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


def scatter_figure(answer: SeedAnswer, metric: str, *, narrow: bool = False) -> "Figure | None":
    """Draw every shape's score on one seed and on a few against that on many others.

    Args:
        answer: what to show.
        metric: the metric that is minimised.
        narrow: for a phone instead of a page.

    Returns:
        The figure; None if no shape has finite scores.
    """
    finite = finite_scores(answer)
    if finite.empty:
        return None
    values = finite[_SCORES].to_numpy(np.float64).ravel().tolist()
    with styled():
        figure = new_figure(NARROW if narrow else WIDE, 6.6 if narrow else 3.7)
        axes = figure.subplots(*((2, 1) if narrow else (1, 2)), sharex=True, sharey=True)
        log = scale_axis(axes[0].xaxis, values, ticks=4)
        scale_axis(axes[0].yaxis, values, ticks=4, log=log)
        lost = len(answer.scores) - len(finite)
        for ax, column, count in zip(axes, ("one", "few"), (1, answer.few), strict=True):
            panel_title(ax, counted(count, "seed"), f"{lost} diverged, not drawn" if lost else "", bold=False)
            low, high = ax.get_xlim()
            ax.plot([low, high], [low, high], color=LINE.light, lw=1.2, zorder=1.5)
            grid_lines(ax, "y")
            for in_top, (label, colour, marker) in zip((False, True), GROUPS, strict=True):
                rows = where(finite, finite["in_top"] == in_top)
                ax.plot(rows["reference"], rows[column], marker, color=colour, ms=5, mec=PAPER.light,
                        mew=0.7, label=label, zorder=3 + in_top)  # fmt: skip
        axes[-1].set_xlabel(metric_label(f"{answer.top.reference} others:", metric, log=log, narrow=narrow))
        if not narrow:
            axes[0].set_xlabel(axes[-1].get_xlabel())
        figure.supylabel("the same, on few seeds", fontsize=TEXT, color=MUTED.light)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=1 if narrow else 2,
                      labelcolor=INK.light, fontsize=SMALL)  # fmt: skip
    return figure
