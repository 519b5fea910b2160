"""Figures of a suggestion: the schedules to run next beside today's, and the loss curves of the runs."""

from typing import TYPE_CHECKING

import numpy as np

from lrshape.report.drawing import Drawing
from lrshape.report.palette import BASELINE, CATEGORIES, DASHES
from lrshape.report.plotting import legend_below, one_panel, scale_axis, styled
from lrshape.report.words import printable, rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lrshape.predict.suggestion import Suggestion

POINTS = 600
"""Points at which a schedule, or a loss curve, is drawn."""
SHOWN = 6
"""Runs whose loss curves are drawn: those with the lowest final losses."""
UNDRAWN = 0.1
"""Share of a run's steps, at its start, whose losses are not drawn: they would hide the differences."""


@styled()
def schedules(found: "Suggestion") -> "Figure | None":
    """Draw the learning rates of the next runs over the steps, and today's."""
    if not found.next_runs:
        return None
    figure, ax = one_panel(3.6)
    steps = np.unique(np.linspace(0, found.steps - 1, POINTS).round().astype(int))
    lrs = []
    if found.today is not None:
        lrs.append(found.today.schedule(steps))
        label = printable(f"{'plan' if found.live else 'today'}: {found.today.name}", 60)
        ax.plot(steps, lrs[-1], color=BASELINE.light, lw=3.0, label=label)
    for index, run in enumerate(found.next_runs):
        own = steps[steps < run.schedule.steps]
        lrs.append(run.schedule(own))
        at = "" if found.live else f" at {rate(run.schedule.base_lr)}"
        label = printable(f"next {index + 1}: {run.name}{at}", 60)
        ax.plot(own, lrs[-1], color=CATEGORIES[index].light, lw=1.8, ls=DASHES[index], label=label)
    ax.set(xlim=(0, found.steps), xlabel="step", ylabel="learning rate")
    highest = max(float(each.max()) for each in lrs)
    scale_axis(ax.yaxis, [0.0, highest], log=False)
    ax.set_ylim(0, 1.06 * highest)
    return _finished(figure, ax)


@styled()
def curves(found: "Suggestion") -> "Figure | None":
    """Draw the losses of the runs over the steps; None if none has more than its last loss."""
    drawn = [run for run in found.runs if len(run.points) > 2 and run.points[-1] >= UNDRAWN * run.steps]
    runs = sorted(drawn, key=lambda run: run.final_loss)[:SHOWN]
    if not runs:
        return None
    figure, ax = one_panel(3.6)
    shown = []
    for index, run in enumerate(runs):
        kept = np.flatnonzero(run.points >= UNDRAWN * run.steps)
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, POINTS).round().astype(int))]
        shown += run.losses[kept].tolist()
        label = printable(f"{run.name}, base LR {rate(float(run.lrs.max()))}", 60)
        dash = DASHES[index % len(DASHES)]
        style = {"color": CATEGORIES[index].light, "lw": 1.4, "ls": dash, "label": label}
        ax.plot(run.points[kept], run.losses[kept], **style)
    ax.set(xlim=(0, max(run.steps for run in runs)), xlabel="step", ylabel="loss")
    low, high = min(shown), float(np.quantile(shown, 0.99))
    scale_axis(ax.yaxis, [low, max(high, low + 1e-9)], log=False)
    return _finished(figure, ax)


def _finished(figure: "Figure", ax: "Axes") -> "Figure":
    ax.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    ax.locator_params(axis="x", nbins=5)
    legend_below(figure, handlelength=2.4)
    return figure


SCHEDULES = Drawing(
    "schedules",
    "The schedules to run next, beside today’s",
    "Learning rates over the steps of the training to come.",
    schedules,
)
CURVES = Drawing(
    "curves",
    "The losses of your runs",
    f"The figure leaves out the first {UNDRAWN:.0%} of each run, and all but the best {SHOWN} runs. What "
    "counts is the final loss.",
    curves,
)
