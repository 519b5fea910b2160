"""Figure: the base LRs tried for each family's best shape and each baseline."""

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrshape.report.findings import Findings, Row
from lrshape.report.palette import LINE, MUTED, PAPER
from lrshape.report.plotting import (
    common_labels,
    grid_lines,
    metric_label,
    panel_title,
    panels,
    scale_axis,
    styled,
)
from lrshape.report.words import rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 16
Curve: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Base LRs and scores."""


def sweep(findings: Findings, shape: str) -> Curve:
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
    drawn = [(row, sweep(findings, row["shape"])) for row in findings.leaders[:MOST]]
    if not drawn or max(len(base_lrs) for _, (base_lrs, _) in drawn) < 2:
        return None
    finite = [v for _, (_, scores) in drawn for v in scores if math.isfinite(v)]
    if not finite:
        return None
    winner = findings.winner
    ghost = next((curve for row, curve in drawn if winner and row["shape"] == winner["shape"]), None)
    figure, axes = panels(len(drawn), row_height=1.6)
    scale_axis(axes[0].xaxis, [v for _, (base_lrs, _) in drawn for v in base_lrs], ticks=4, log=True)
    log = scale_axis(axes[0].yaxis, finite, ticks=4)
    for ax, (row, curve) in zip(axes, drawn, strict=True):
        is_winner = winner is not None and row["shape"] == winner["shape"]
        if ghost is not None and not is_winner:
            ax.plot(*_unbroken(ghost), color=LINE.light, lw=2.6, zorder=1.5)
        _panel(ax, findings, row, curve, is_winner)
    label = metric_label("", findings.metric, log=log, short=True)
    common_labels(figure, "base LR, log scale", label)
    return figure


def _unbroken(curve: Curve) -> Curve:
    """Return a curve with NaN at diverged base LRs: nothing is known to lie between their neighbours."""
    base_lrs, scores = curve
    return base_lrs, np.where(np.isfinite(scores), scores, np.nan)


def _panel(ax: Any, findings: Findings, row: Row, curve: Curve, is_winner: bool) -> None:
    style = findings.style(row)
    grid_lines(ax, "y")
    base_lrs, scores = curve
    alive = np.isfinite(scores)
    ax.plot(*_unbroken(curve), "-", marker=style.marker, color=style.colour, ms=3.2,
            mfc=PAPER.light, mew=1.1, lw=2.2 if is_winner else 1.3, zorder=3)  # fmt: skip
    if not alive.all():  # an empty line that is not clipped lies at the figure's corner, for the layout
        dead = base_lrs[~alive]
        ax.plot(dead, np.full(len(dead), 0.965), "x", color=MUTED.light, ms=4.5, mew=1.2,
                transform=ax.get_xaxis_transform(), clip_on=False, zorder=3)  # fmt: skip
    if alive.any():
        best = int(np.argmin(scores))
        ax.plot(base_lrs[best], scores[best], style.marker, color=style.colour, ms=6.5, mec=PAPER.light,
                mew=1.0, zorder=4)  # fmt: skip
    # Dotted: where the rescore, on more seeds and base LRs between these, put it.
    ax.axvline(row["base_lr"], color=MUTED.light, ls=(0, (1, 1.5)), lw=1.0, zorder=1.8)
    note = f"LR {rate(row['base_lr'])}" + (" (edge)" if row["edge"] else "")
    note = note if alive.any() else "diverged everywhere"
    panel_title(ax, row["label"], note, bold=is_winner)
