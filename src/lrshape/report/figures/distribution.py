"""Figure: how the screened shapes of each family are distributed."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.findings import Findings, Row, is_baseline, label
from lrshape.report.palette import BASELINE, LINE, MUTED
from lrshape.report.plotting import (
    SMALL,
    legend_below,
    metric_label,
    new_figure,
    point_at_marks,
    scale_axis,
    styled,
)
from lrshape.report.words import counted, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ecdf(findings: Findings) -> dict[str, tuple[list[Row], NDArray[np.float64]]]:
    """Return each family's screened shapes, best first, and the fraction that is at least as good as each.

    Families come in the order of their medians; shapes that diverged at every base LR come last.
    """
    families: dict[str, list[Row]] = {}
    for row in findings.screen:  # sorted by score
        if not is_baseline(row["shape"]):
            families.setdefault(row["family"], []).append(row)
    order = sorted(families, key=lambda name: (families[name][(len(families[name]) - 1) // 2]["score"], name))
    return {name: (rows := families[name], np.arange(1, len(rows) + 1) / len(rows)) for name in order}


@styled()
def distribution(findings: Findings) -> "Figure | None":
    """Draw, for each family, the fraction of screened shapes with at most a given score (an ECDF).

    A shape counts with its score at its best base LR. Shapes that diverged at every base LR are in the
    denominator: their family's line stays below 1. A reader can point at the steps; their cards are in the
    order of ``findings.screen``.

    Returns:
        The figure; None if no searched shape has a finite screen score, or scores guided the screen.
    """
    families = ecdf(findings)
    finite = [row["score"] for rows, _ in families.values() for row in rows if math.isfinite(row["score"])]
    if not finite or findings.is_guided:
        return None
    cards = {row["shape"]: index for index, row in enumerate(findings.screen)}
    figure = new_figure(3.3)
    ax = figure.subplots()
    log = scale_axis(ax.xaxis, finite, ticks=5)
    left, right = ax.get_xlim()
    for family, (rows, fractions) in families.items():
        values = np.array([row["score"] for row in rows])
        kept = values[np.isfinite(values)]
        style = findings.styles[family]
        text = f"{printable(family, 28)}\n{counted(len(values), 'shape')}"
        text += f", {len(values) - len(kept)} diverged" if len(kept) < len(values) else ""
        fraction = fractions[: len(kept)]
        x = np.concatenate([kept[:1], kept, [right]]) if len(kept) else np.array([left, right])
        y = np.concatenate([[0.0], fraction, fraction[-1:]]) if len(kept) else np.zeros(2)
        ax.step(x, y, where="post", color=style.colour, ls=style.dash, lw=1.8, label=text,
                solid_capstyle="butt", solid_joinstyle="miter", zorder=3)  # fmt: skip
        point_at_marks(ax, kept, fraction, [cards[row["shape"]] for row in rows[: len(kept)]])
    _best_baseline(ax, findings)
    ax.set_ylim(-0.005, 1.015)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    ax.grid(visible=True, axis="both", color=LINE.light, lw=0.6)
    ax.set_xlabel(metric_label("screen", findings.metric, log=log))
    ax.set_ylabel("fraction of shapes")
    legend_below(figure)
    return figure


def _best_baseline(ax: Any, findings: Findings) -> None:
    """Mark the best baseline's screen score, if the screen trained the baselines too."""
    best = next((row for row in findings.screen if is_baseline(row["shape"])), None)
    if best is None or not math.isfinite(best["score"]):
        return
    low, high = ax.get_xlim()
    if not low < best["score"] < high:
        return
    ax.axvline(best["score"], color=BASELINE.light, ls=(0, (4, 1.6)), lw=1.2, zorder=1.8)
    ax.annotate(f"{label(best['shape'], '')} (the best)", (best["score"], 1), (0, 3), ha="left",
                xycoords=ax.get_xaxis_transform(), textcoords="offset points", fontsize=SMALL,
                color=MUTED.light, annotation_clip=False)  # fmt: skip
