"""Figure: schedules side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrshape.report.palette import LINE, family_styles
from lrshape.report.plotting import common_labels, grid_lines, panel_title, panels, progress_axes, styled
from lrshape.report.words import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawn:
    """One schedule to draw.

    Attributes:
        name: its title.
        note: a few words below the title.
        family: what its colour stands for.
        t: training progress, shape (points,), rising, in [0, 1].
        values: the LR relative to the base LR there, shape (points,).
    """

    name: str
    note: str
    family: str
    t: NDArray[np.float64]
    values: NDArray[np.float64]


@styled()
def compare_figure(drawn: Sequence[Drawn]) -> "Figure":
    """Draw a panel for each schedule on common axes; the pale curve repeats the first one.

    Args:
        drawn: what to draw, at least one.
    """
    styles = family_styles(one.family for one in drawn)
    figure, axes = panels(len(drawn), row_height=1.5)
    for ax, one in zip(axes, drawn, strict=True):
        colour = styles[one.family].colour
        grid_lines(ax, "y")
        if one is not drawn[0]:
            ax.plot(drawn[0].t, drawn[0].values, color=LINE.light, lw=2.6, zorder=1.5)
        ax.fill_between(one.t, one.values, color=colour, alpha=0.1, lw=0)
        ax.plot(one.t, one.values, color=colour, lw=1.8, zorder=3)
        panel_title(ax, one.name, printable(one.note, 40))
    progress_axes(axes[0])
    common_labels(figure, "training progress", "LR / base LR")
    return figure
