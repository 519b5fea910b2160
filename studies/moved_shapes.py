"""The figure of the sweeps whose setting moves the best shape: the best shape of every value."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from questions import DECAY, SWEEPS, largest_regret, sweep_over
from stored import WorkloadStudies, varied, workloads

from lrshape.checks.settings import Sweep
from lrshape.checks.settings_figures import winner_curves
from lrshape.report.claims import plain_value
from lrshape.report.figures.shapes import POINTS
from lrshape.report.plotting import (
    SMALL,
    common_labels,
    grid_lines,
    panel_title,
    panels,
    progress_axes,
    styled,
)


def moved(studies: Sequence[WorkloadStudies]) -> dict[tuple[str, str], Sweep]:
    """The sweeps that show that the best shape moves, by question and workload, in the table's order."""
    return {
        (question, one.name): sweep
        for question, (axis, coupling) in SWEEPS.items()
        for one in studies
        if (sweep := sweep_over(one, axis, coupling)) and largest_regret(one, sweep).verdict == "worse"
    }


@styled()
def draw(sweeps: Mapping[tuple[str, str], Sweep]) -> Any:
    """Draw a panel for each sweep, with the best shape of each value."""
    t = np.linspace(0.0, 1.0, POINTS)
    figure, axes = panels(len(sweeps), row_height=2.1)
    for ax, ((question, workload), sweep) in zip(axes, sweeps.items(), strict=True):
        grid_lines(ax, "y")
        found, (axis,) = sweep.findings(), varied(sweep)
        for setting, values in winner_curves(found):
            style = found.styles[setting.slug]
            value = plain_value(setting.values[axis])
            ax.plot(t, values, color=style.colour, ls=style.dash, lw=1.6, label=value)
        panel_title(ax, question, workload)
        row = {"loc": "upper left", "ncols": len(sweep.settings), "borderaxespad": 0.0, "borderpad": 0.2}
        text = {"fontsize": SMALL, "labelcolor": "linecolor", "handlelength": 0, "handletextpad": 0}
        legend = ax.legend(columnspacing=0.9, **text, **row)
        legend.set_in_layout(False)
        for line in legend.get_lines():
            line.set_visible(False)  # one without a length is a dot
    progress_axes(axes[0])
    axes[0].set_ylim(0, 1.3)  # values are named above the shapes, in their colours
    common_labels(figure, "training progress", "LR / base LR")
    return figure


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    sweeps = moved(workloads())
    others: dict[str, list[str]] = {}  # weight decay is one of the paper's claims
    for question, workload in sweeps:
        if SWEEPS[question][0] != DECAY:
            others.setdefault(question.lower(), []).append(workload)
    return {"drawing": draw(sweeps), "others": others}
