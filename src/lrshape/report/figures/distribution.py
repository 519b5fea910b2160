"""Figure: how the screened shapes of each family are distributed."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.figures._common import NARROW, SMALL, WIDE, metric_label, new_figure, scale_axis, styled
from lrshape.report.findings import Findings, Row, is_baseline, label
from lrshape.report.palette import BASELINE, INK, LINE, MUTED
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


def distribution(findings: Findings, *, narrow: bool = False) -> "Figure | None":
    """Draw, for each family, the fraction of screened shapes with at most a given score (an ECDF).

    A shape counts with its score at its best base LR. Shapes that diverged at every base LR are in the
    denominator: their family's line stays below 1.

    Args:
        findings: what to show.
        narrow: for a phone instead of a page.

    Returns:
        The figure; None if no searched shape has a finite screen score, or scores guided the screen.
    """
    families = ecdf(findings)
    finite = [row["score"] for rows, _ in families.values() for row in rows if math.isfinite(row["score"])]
    if not finite or findings.is_guided:
        return None
    with styled():
        below = narrow or len(families) > 14
        beside = max(3.0, 0.42 * len(families) + 0.2)
        height = (
            2.6 + 0.42 * len(families)
            if narrow
            else 3.0 + 0.42 * math.ceil(len(families) / 3)
            if below
            else beside
        )
        figure = new_figure(NARROW if narrow else WIDE, height)
        ax = figure.subplots()
        log = scale_axis(ax.xaxis, finite, ticks=4 if narrow else 6)
        right = ax.get_xlim()[1]
        for family, (rows, fractions) in families.items():
            values = np.array([row["score"] for row in rows])
            kept = values[np.isfinite(values)]
            style = findings.styles[family]
            text = f"{printable(family, 28)}\n{counted(len(values), 'shape')}"
            text += f", {len(values) - len(kept)} diverged" if len(kept) < len(values) else ""
            fraction = fractions[: len(kept)]
            x = np.concatenate([kept[:1], kept, [right]])
            y = np.concatenate([[0.0], fraction, fraction[-1:] if len(kept) else [0.0]])
            x = x if len(kept) else np.array([ax.get_xlim()[0], right])
            y = y if len(kept) else np.zeros(2)
            ax.step(x, y, where="post", color=style.colour, ls=style.dash, lw=1.8, label=text,
                    solid_capstyle="butt", solid_joinstyle="miter", zorder=3)  # fmt: skip
        _best_baseline(ax, findings)
        ax.set_ylim(-0.005, 1.015)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        ax.grid(visible=True, axis="both", color=LINE.light, lw=0.6)
        ax.set_xlabel(metric_label("screen", findings.metric, log=log, narrow=narrow))
        ax.set_ylabel("fraction of shapes")
        place: dict[str, Any] = {"loc": "outside right center"}
        if below:
            place = {"loc": "outside lower left", "ncols": 1 if narrow else 3}
        figure.legend(labelcolor=INK.light, handlelength=1.8, labelspacing=0.8, fontsize=SMALL, **place)
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
