"""Figure: the near-optimal shapes as a band, with the winner on it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.figures.shapes import POINTS, curve
from lrshape.report.findings import Findings
from lrshape.report.palette import INK, LINE, MUTED
from lrshape.report.plotting import TEXT, grid_lines, panels, scale_axis, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IN_THE_SET = ("best", "inside", "open", "unknown")


def band(findings: Findings) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Return the shapes of the near-optimal set that can be drawn, best first.

    Returns:
        Multipliers (shapes, 241) at evenly spaced progress; base LRs (shapes,), relative to that of the best;
        and the families.
    """
    rows = [row for row in findings.near if row["verdict"] in IN_THE_SET]
    drawn = [(row, values) for row in rows if (values := curve(row["family"], row["params"])) is not None]
    if not drawn:
        return np.zeros((0, POINTS)), np.zeros(0), []
    base_lrs = np.array([row["base_lr"] for row, _ in drawn])
    return np.stack([v for _, v in drawn]), base_lrs / rows[0]["base_lr"], [row["family"] for row, _ in drawn]


@styled()
def near_optimal(findings: Findings) -> "Figure | None":
    """Draw the pointwise envelope of the near-optimal shapes, alone and with their base LRs.

    Both panels run over training progress. The first has each shape relative to its own base LR, the second
    relative to the winner's base LR, so that it compares the learning rates that were trained with.

    Returns:
        The figure; None if fewer than two shapes of the set can be drawn.
    """
    shapes, base_lrs, families = band(findings)
    if len(shapes) < 2:
        return None
    figure, axes = panels(2, row_height=2.5, sharey=False)
    _panel(axes[0], findings, shapes, families, "LR / own base LR")
    _panel(axes[1], findings, shapes * base_lrs[:, None], families, "LR / the winner’s base LR")
    figure.supxlabel("training progress", fontsize=TEXT, color=MUTED.light)
    return figure


def _panel(ax: Any, findings: Findings, curves: NDArray[np.float64], families: list[str], title: str) -> None:
    t = np.linspace(0.0, 1.0, POINTS)
    grid_lines(ax, "y")
    ax.fill_between(t, curves.min(axis=0), curves.max(axis=0), color=LINE.light, alpha=0.6, lw=0, gid="band")
    for values, family in zip(curves[1:], families[1:], strict=True):
        style = findings.styles[family]
        ax.plot(t, values, color=style.colour, lw=0.8, alpha=0.75, zorder=2)
    ax.plot(t, curves[0], color=findings.styles[families[0]].colour, lw=2.8, zorder=3, gid="winner")
    scale_axis(ax.yaxis, [0.0, float(curves.max())], ticks=4, log=False)
    ax.set(xlim=(0, 1), ylim=(0, 1.05 * curves.max()), xticks=[0, 0.5, 1])
    ax.set_xticklabels(["0", "0.5", "1"])
    ax.set_title(title, loc="left", fontsize=TEXT, color=INK.light)
