"""Figures of scores: what wins, by how much and how sure that is, and by which base LR."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrshape.report.claims import hyperparameters, lost
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import INK, LINE, MUTED, PAPER, SHADE
from lrshape.report.plotting import (
    SMALL,
    TEXT,
    common_labels,
    cross_out,
    grid_lines,
    metric_label,
    new_figure,
    panel_title,
    panels,
    scale_axis,
    styled,
)
from lrshape.report.words import printable, rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 24
MOST_SWEEPS = 16
ROW = 0.32
Sweep: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Base LRs and scores."""


@styled()
def scores(findings: Findings) -> "Figure | None":
    """Draw medians with intervals and, where confirmed, paired differences to the winner with intervals.

    Returns:
        The figure; None if no score is finite.
    """
    rows = findings.leaders[:MOST]
    if not any(math.isfinite(row["score"]) for row in rows):
        return None
    compared = has_differences(findings)
    height = ROW * len(rows) + 0.75
    figure = new_figure(2 * height if compared else height)
    axes = figure.subplots(2 if compared else 1, 1, sharey=True, squeeze=False)[:, 0]
    for ax in axes:
        _rows(ax, rows)
    _medians(axes[0], findings, rows)
    if compared:
        _differences(axes[1], findings, rows)
    return figure


def has_differences(findings: Findings) -> bool:
    """Whether the figure has a second plot, of differences."""
    return any(math.isfinite(row["difference_low"]) for row in findings.leaders[:MOST])


def _rows(ax: Any, rows: Sequence[Row]) -> None:
    """Give the rows their names, best on top."""
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [printable(row["label"], 24) for row in rows], fontsize=TEXT)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_color(MUTED.light if row["is_baseline"] else INK.light)
        tick.set_fontweight("bold" if row["is_winner"] else "normal")


def _medians(ax: Any, findings: Findings, rows: Sequence[Row]) -> None:
    values = [row[key] for row in rows for key in ("score", "low", "high")]
    log = scale_axis(ax.xaxis, values, ticks=5)
    low, high = ax.get_xlim()  # room for the numbers
    room = 0.22
    ax.set_xlim(low, high * (high / low) ** room if log else high + room * (high - low))
    grid_lines(ax, "x")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(metric_label("median", findings.metric, log=log))
    winner = findings.winner
    if winner is not None and math.isfinite(winner["low"]) and math.isfinite(winner["high"]):
        ax.axvspan(winner["low"], winner["high"], color=SHADE.light, lw=0, zorder=0)
    texts = [findings.claims.precision.text(row["score"]) for row in rows]
    for y, (row, text) in enumerate(zip(rows, texts, strict=True)):
        _mark(ax, y, findings, row, (row["score"], row["low"], row["high"]), text)


def _differences(ax: Any, findings: Findings, rows: Sequence[Row]) -> None:
    keys = ("difference", "difference_low", "difference_high")
    scale_axis(ax.xaxis, [0.0] + [row[key] for row in rows for key in keys], ticks=4, log=False)
    grid_lines(ax, "x")
    ax.spines["left"].set_visible(False)
    ax.axvline(0, color=INK.light, lw=1.0, zorder=2)
    ax.set_xlabel("median paired difference to the winner")
    for y, row in enumerate(rows):
        if row["is_winner"]:
            ax.annotate("winner", (0, y), (5, 0), textcoords="offset points", va="center", color=MUTED.light)
        else:
            _mark(ax, y, findings, row, tuple(row[key] for key in keys), "")


def _mark(ax: Any, y: int, findings: Findings, row: Row, triple: Any, text: str) -> None:
    """Draw one row: interval, dot, number; a cross at the right edge where the value is not finite."""
    middle, low, high = (float(v) for v in triple)
    style = findings.style(row)
    edge = ax.get_yaxis_transform()
    if not math.isfinite(middle):
        if math.isinf(row["score"]):
            ax.plot(0.985, y, "x", transform=edge, color=MUTED.light, ms=6, mew=1.6, clip_on=False)
            ax.annotate(lost(row), (0.985, y), (-8, 0), xycoords=edge, textcoords="offset points",
                        va="center", ha="right", fontsize=SMALL, color=MUTED.light)  # fmt: skip
        return
    right = middle
    if not math.isnan(low):
        left, right = (
            v if math.isfinite(v) else end for v, end in zip((low, high), ax.get_xlim(), strict=True)
        )
        ax.plot([left, right], [y, y], color=style.colour, lw=3.4 if row["is_winner"] else 2.0, zorder=3)
        if not math.isfinite(low):
            ax.plot(0, y, "<", transform=edge, color=style.colour, ms=6, clip_on=False, zorder=3)
        if not math.isfinite(high):  # too many diverged trials for an upper end
            ax.plot(1, y, ">", transform=edge, color=style.colour, ms=6, clip_on=False, zorder=3)
    face = PAPER.light if row["is_baseline"] else style.colour
    edge_colour = style.colour if row["is_baseline"] else PAPER.light
    ax.plot(middle, y, style.marker, ms=8.0 if row["is_winner"] else 5.6, mfc=face, mec=edge_colour,
            mew=1.4 if row["is_baseline"] else 0.9, zorder=4)  # fmt: skip
    if text and math.isfinite(high) | math.isnan(high):
        ax.annotate(text, (right, y), (7, 0), textcoords="offset points", va="center", fontsize=SMALL,
                    color=INK.light if row["is_winner"] else MUTED.light)  # fmt: skip


def sweep(findings: Findings, shape: str) -> Sweep:
    """Return one shape's base LRs (n,), ascending, and scores (n,) in the phase that tried the most."""
    phases: dict[str, dict[float, float]] = {}
    for row in findings.scores:
        if row["shape"] == shape:
            phases.setdefault(row["phase"], {})[row["base_lr"]] = row["score"]
    widest = sorted(max(phases.values(), key=len, default={}).items())
    table = np.array(widest, np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@styled()
def sweeps(findings: Findings) -> "Figure | None":
    """Draw score against base LR, one panel a shape, the winner's curve behind each.

    A minimum inside the tried range shows that the best base LR is bracketed. Crosses at the top are base
    LRs at which the median trial diverged.

    Returns:
        The figure; None if no shape was tried at more than one base LR, or all scores are infinite.
    """
    drawn = [(row, sweep(findings, row["shape"])) for row in findings.leaders[:MOST_SWEEPS]]
    if not drawn or max(len(base_lrs) for _, (base_lrs, _) in drawn) < 2:
        return None
    finite = [v for _, (_, scores) in drawn for v in scores if math.isfinite(v)]
    if not finite:
        return None
    ghost = next((curve for row, curve in drawn if row["is_winner"]), None)
    figure, axes = panels(len(drawn), row_height=1.6)
    scale_axis(axes[0].xaxis, [v for _, (base_lrs, _) in drawn for v in base_lrs], ticks=4, log=True)
    log = scale_axis(axes[0].yaxis, finite, ticks=4)
    for ax, (row, curve) in zip(axes, drawn, strict=True):
        if ghost is not None and not row["is_winner"]:
            ax.plot(*_unbroken(ghost), ls=_joined(row), color=LINE.light, lw=2.6, zorder=1.5)
        _sweep_panel(ax, findings, row, curve)
    label = metric_label("", findings.metric, log=log, short=True)
    common_labels(figure, "base LR, log scale", label)
    return figure


def _unbroken(curve: Sweep) -> Sweep:
    """Return a curve with NaN at diverged base LRs: nothing is known to lie between their neighbours."""
    base_lrs, scores = curve
    return base_lrs, np.where(np.isfinite(scores), scores, np.nan)


def _joined(row: Row) -> str:
    """Return the line between base LRs: none where each has hyperparameters of its own."""
    return "" if hyperparameters(row) else "-"


def _sweep_panel(ax: Any, findings: Findings, row: Row, curve: Sweep) -> None:
    style = findings.style(row)
    grid_lines(ax, "y")
    base_lrs, scores = curve
    alive = np.isfinite(scores)
    ax.plot(*_unbroken(curve), ls=_joined(row), marker=style.marker, color=style.colour, ms=3.2,
            mfc=PAPER.light, mew=1.1, lw=2.2 if row["is_winner"] else 1.3, zorder=3)  # fmt: skip
    cross_out(ax, base_lrs[~alive])
    if alive.any():
        best = int(np.argmin(findings.losses(scores)))
        ax.plot(base_lrs[best], scores[best], style.marker, color=style.colour, ms=6.5, mec=PAPER.light,
                mew=1.0, zorder=4)  # fmt: skip
    # Dotted: where a later phase, on more seeds and base LRs between these, put it.
    ax.axvline(row["base_lr"], color=MUTED.light, ls=(0, (1, 1.5)), lw=1.0, zorder=1.8)
    note = f"LR {rate(row['base_lr'])}" + (" (edge)" if row["edge"] else "")
    note = note if alive.any() else "diverged everywhere"
    panel_title(ax, row["label"], note, bold=row["is_winner"])
