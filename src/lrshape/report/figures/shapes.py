"""Figures of shapes over training progress: the best ones, those of other metrics, the near-optimal set."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.analysis.comparisons import key_of
from lrshape.report.claims import plain_value
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import CATEGORIES, INK, LINE, MUTED
from lrshape.report.plotting import (
    TEXT,
    Curve,
    curve_panels,
    grid_lines,
    one_panel,
    panels,
    progress_axes,
    scale_axis,
    styled,
)
from lrshape.report.words import printable, rate, score_text
from lrshape.store import hyperparameters_of, params_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lrshape.shapes.schedule import Schedule

POINTS = 241
MOST = 16
IN_THE_SET = ("best", "inside", "open", "unknown")
"""Verdicts on the shapes of the near-optimal set."""
_PROGRESS = np.linspace(0.0, 1.0, POINTS)


def curve(family: str, params: Mapping[str, Any], lowest: float = 0.0) -> NDArray[np.float64] | None:
    """Return the multipliers (241,) of a shape at evenly spaced progress from 0 to 1.

    Args:
        family: the family's name.
        params: its parameters.
        lowest: no multiplier is below it.

    Returns:
        None where this installation cannot draw the shape: its family is a plug-in that is not here, or
        no longer takes these parameters.
    """
    from lrshape.shapes.family import FAMILIES

    try:
        values = FAMILIES[family].from_params(params)(_PROGRESS)
    except (ValueError, TypeError):
        return None
    return np.broadcast_to(np.maximum(values, lowest), (POINTS,))


def _with_curves(findings: Findings, rows: Iterable[Row]) -> list[tuple[Row, NDArray[np.float64]]]:
    """Return the rows whose shapes can be drawn, and their multipliers, as they were trained."""
    found = (
        (row, curve(row["family"], params_of(row["params"]), findings.min_lr / row["base_lr"]))
        for row in rows
    )
    return [(row, values) for row, values in found if values is not None]


@styled()
def shapes(findings: Findings) -> "Figure | None":
    """Draw one panel for each family's best shape and each baseline, best first, the winner behind each.

    The winner's schedules of hyperparameters follow it, each relative to its base value.

    Returns:
        The figure; None if there is no shape to draw, or all of them diverged.
    """
    rows = _with_curves(findings, findings.leaders)[:MOST]
    if not any(math.isfinite(row["score"]) for row, _ in rows):
        return None
    curves = [
        Curve(
            row["label"],
            f"{score_text(row['score'])} at LR {rate(row['base_lr'])}",
            findings.style(row).colour,
            _PROGRESS,
            values,
            bold=row["is_winner"],
        )
        for row, values in rows
    ]
    winner = next((one for one in curves if one.bold), None)
    if winner is not None:
        place = curves.index(winner) + 1
        curves[place:place] = _of_hyperparameters(rows[place - 1][0], winner)
    return curve_panels(curves, winner)[0]


def _of_hyperparameters(row: Row, like: Curve) -> list[Curve]:
    """Return the schedules of a row's hyperparameters."""
    found = []
    for name, value in hyperparameters_of(row["hyperparameters"]).items():
        values = None if not isinstance(value, dict) else curve(value["family"], value["params"])
        if values is not None:
            title = f"its {printable(name, 20)}"
            found.append(Curve(title, plain_value(value), like.colour, _PROGRESS, values))
    return found


def winners(findings: Findings) -> list[Row]:
    """Return one row for each distinct winner by a stored metric, the study's own metric's first."""
    return list({key_of(row): row for row in reversed(findings.metrics)}.values())[::-1]


@styled()
def metrics(findings: Findings) -> "Figure | None":
    """Draw one panel for each distinct winner: its LR relative to the metric's winner's base LR.

    Returns:
        The figure; None if all stored metrics have the same winner, or none can be drawn.
    """
    rows = _with_curves(findings, winners(findings))[:MOST]
    if len(rows) < 2:
        return None
    first = rows[0][0]["base_lr"]
    curves = []
    for row, values in rows:
        by, *others = row["chosen_by"]
        name = f"by {printable(by, 40)}{f' +{len(others)}' if others else ''}"
        note = f"{printable(row['family'], 40)} at LR {rate(row['base_lr'])}"
        colour = findings.style(row).colour
        curves.append(Curve(name, note, colour, _PROGRESS, values * row["base_lr"] / first, bold=not curves))
    figure, axes = curve_panels(curves, curves[0], row_height=1.8, y="LR / the winner’s base LR")
    top = max(float(one.values.max()) for one in curves)
    scale_axis(axes[0].yaxis, [0.0, top], ticks=4, log=False)
    axes[0].set_ylim(0, 1.06 * top)
    return figure


@styled()
def compare_figure(curves: Sequence[Curve]) -> "Figure":
    """Draw a panel for each curve on common axes; the pale curve repeats the first one."""
    return curve_panels(curves, curves[0])[0]


@styled()
def shape_figure(schedule: "Schedule") -> "Figure":
    """Draw one schedule's multipliers over training progress.

    Args:
        schedule: what to draw; its step_rule and number of steps show as the curve's ends and corners.
    """
    from lrshape.shapes.steps import progress

    figure, ax = one_panel()
    t, values = progress(schedule.steps, schedule.step_rule), schedule.multipliers()
    colour = CATEGORIES[0].light
    ax.fill_between(t, values, color=colour, alpha=0.14, lw=0)
    ax.plot(t, values, color=colour, lw=2.2, marker="o" if schedule.steps <= 30 else "", ms=3)
    progress_axes(ax)
    ax.set(xlabel="training progress", ylabel="LR / base LR")
    ax.set_title(printable(schedule.family, 60), loc="left", fontsize=TEXT, color=INK.light)
    return figure


def band(findings: Findings) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Row]]:
    """Return the shapes of the near-optimal set that can be drawn, best first.

    Returns:
        Multipliers (shapes, 241) at evenly spaced progress; base LRs (shapes,), relative to the winner's; and
        the rows.
    """
    winner = findings.winner
    members = _with_curves(findings, [row for row in findings.near if row["verdict"] in IN_THE_SET])
    base_lrs = np.array([row["base_lr"] / winner["base_lr"] for row, _ in members if winner])
    multipliers = np.array([values for _, values in members]).reshape(-1, POINTS)
    return multipliers, base_lrs, [row for row, _ in members]


@styled()
def near_optimal(findings: Findings) -> "Figure | None":
    """Draw the pointwise envelope of the near-optimal shapes, alone and with their base LRs.

    Both panels run over training progress. The first has each shape relative to its own base LR, the second
    relative to the winner's base LR, so that it compares the learning rates that were trained with.

    Returns:
        The figure; None if fewer than two shapes of the set can be drawn.
    """
    shapes, base_lrs, rows = band(findings)
    if len(shapes) < 2:
        return None
    figure, axes = panels(2, row_height=2.5, sharey=False)
    _panel(axes[0], findings, shapes, rows, "LR / own base LR")
    _panel(axes[1], findings, shapes * base_lrs[:, None], rows, "LR / the winner’s base LR")
    figure.supxlabel("training progress", fontsize=TEXT, color=MUTED.light)
    return figure


def _panel(ax: Any, findings: Findings, curves: NDArray[np.float64], rows: list[Row], title: str) -> None:
    grid_lines(ax, "y")
    ax.fill_between(
        _PROGRESS, curves.min(axis=0), curves.max(axis=0), color=LINE.light, alpha=0.6, lw=0, gid="band"
    )
    for values, row in zip(curves, rows, strict=True):
        won = findings.winner is not None and row["shape"] == findings.winner["shape"]
        thick: Any = {"lw": 2.8, "zorder": 3, "gid": "winner"} if won else {"lw": 0.8, "alpha": 0.75}
        ax.plot(_PROGRESS, values, color=findings.style(row).colour, **thick)
    scale_axis(ax.yaxis, [0.0, float(curves.max())], ticks=4, log=False)
    ax.set(xlim=(0, 1), ylim=(0, 1.05 * curves.max()), xticks=[0, 0.5, 1])
    ax.set_xticklabels(["0", "0.5", "1"])
    ax.set_title(title, loc="left", fontsize=TEXT, color=INK.light)
