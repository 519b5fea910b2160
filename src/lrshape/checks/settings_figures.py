"""Figures of a sweep: best shapes laid over each other, scores and base LRs, transfer matrices."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.checks.settings_findings import SettingFindings, SweepFindings, cell_text
from lrshape.report.figures.shapes import POINTS, curve
from lrshape.report.palette import BASELINE, MUTED, ON_DARK, ON_LIGHT, PAPER, UNKNOWN
from lrshape.report.plotting import (
    SMALL,
    TEXT,
    WIDTH,
    grid_lines,
    legend_below,
    metric_label,
    new_figure,
    one_panel,
    point_at_line,
    point_at_rows,
    progress_axes,
    scale_axis,
    styled,
)
from lrshape.report.words import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 24
"""Settings that a figure shows; the tables have all."""
_LEAST_RANGE = 0.02  # a matrix of nothing but noise should not shine
_MOST_RANGE = 1.0  # copied base LRs may cost millions of percent, beside which nothing else would show


def winner_curves(findings: SweepFindings) -> list[tuple[SettingFindings, NDArray[np.float64]]]:
    """Return the settings whose best shapes can be drawn, and their multipliers over progress."""
    return [(s, values) for s in findings.winners[:MOST] if (values := multipliers(s)) is not None]


def multipliers(setting: SettingFindings) -> NDArray[np.float64] | None:
    """Return the multipliers of a setting's best shape, as they were trained; None if it cannot be drawn."""
    best = setting.best
    return curve(best["family"], best["params"], setting.min_lr / best["base_lr"])


@styled()
def overlay(findings: SweepFindings) -> "Figure | None":
    """Draw the best shape of every setting over training progress, in one panel.

    Args:
        findings: what to show.

    Returns:
        The figure; None if no setting has a best shape.
    """
    drawn = winner_curves(findings)
    if not drawn:
        return None
    t = np.linspace(0.0, 1.0, POINTS)
    figure, ax = one_panel()
    labels: dict[bytes, list[str]] = {}
    for setting, values in drawn:
        labels.setdefault(values.tobytes(), []).append(printable(setting.label, 44))
    # Later curves are thinner, so that those they lie on show beneath them; equal ones are one line.
    for i, (setting, values) in enumerate(drawn):
        if names := labels.pop(values.tobytes(), None):
            style = findings.styles[setting.slug]
            width = 3.6 - 2.2 * i / max(len(drawn) - 1, 1)
            text = "\n".join([*names, printable(setting.best["family"], 28)])
            ax.plot(t, values, color=style.colour, ls=style.dash, lw=width, label=text, zorder=3)
        point_at_line(ax, t, values, findings.winners.index(setting))
    progress_axes(ax)
    ax.set(xlabel="training progress", ylabel="LR / base LR")
    legend_below(figure)
    return figure


@styled()
def setting_scores(findings: SweepFindings) -> "Figure | None":
    """Draw the best score, and the best base LR, of every setting; the best baseline beside it.

    Args:
        findings: what to show.

    Returns:
        The figure; None if no setting has a best shape.
    """
    shown = findings.settings[:MOST]
    if not any(s.has_winner for s in shown):
        return None
    long = max(len(s.short) for s in shown) * len(shown) > 20
    figure = new_figure(3.6 if long else 3.0)
    left, right = figure.subplots(1, 2)
    _scores(left, findings, shown)
    _base_lrs(right, findings, shown)
    for ax in (left, right):
        grid_lines(ax, "y")
        ax.set_xlim(-0.5, len(shown) - 0.5)
        names = [printable(s.short, 22) for s in shown]
        turned = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if long else {}
        ax.set_xticks(range(len(shown)), names, **turned)
        ax.set_xlabel(_axis_name(findings))
    return figure


def _axis_name(findings: SweepFindings) -> str:
    return printable(", ".join(findings.varied), 40)


def _scores(ax: Any, findings: SweepFindings, shown: Any) -> None:
    baselines = [_best_baseline(s.best) for s in shown]
    values = [s.best[f"score_{k}"] for s in shown for k in ("median", "low", "high")]
    values += [b["score_median"] for b in baselines if b]
    log = scale_axis(ax.yaxis, [math.nan if v is None else v for v in values], ticks=5)
    ax.set_ylabel(metric_label("median", findings.metric, log=log, short=True))
    for x, (setting, baseline) in enumerate(zip(shown, baselines, strict=True)):
        style, best = findings.styles[setting.slug], setting.best
        if not setting.has_winner:
            ax.plot(x, 0.96, "x", transform=ax.get_xaxis_transform(), color=MUTED.light, ms=6, mew=1.6)
            continue
        if not math.isnan(setting.interval[0]):
            ax.plot([x, x], np.clip(setting.interval, *ax.get_ylim()), color=style.colour, lw=3, zorder=3)
            for end, edge, arrow in zip(setting.interval, (0, 1), "v^", strict=True):
                if not math.isfinite(end):
                    ax.plot(x, edge, arrow, transform=ax.get_xaxis_transform(), color=style.colour, ms=6,
                            clip_on=False, zorder=3)  # fmt: skip
        ax.plot(x, best["score_median"], style.marker, color=style.colour, mec=PAPER.light, ms=7, zorder=4)
        if baseline:
            ax.plot(x + 0.16, baseline["score_median"], "s", mfc=PAPER.light, mec=BASELINE.light,
                    mew=1.3, ms=5, zorder=3, label="best baseline")  # fmt: skip
    handles, names = ax.get_legend_handles_labels()
    if handles:
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.0}
        ax.legend(handles[:1], names[:1], fontsize=SMALL, handletextpad=0.2, **place)


def _best_baseline(best: Any) -> Any:
    return next((row for row in best["baselines"] if row["score_median"] is not None), None)


def _base_lrs(ax: Any, findings: SweepFindings, shown: Any) -> None:
    rates = [s.best["base_lr"] for s in shown if s.has_winner]
    scale_axis(ax.yaxis, rates, ticks=4, log=True)
    ax.set_ylabel("best base LR,\nlog scale")
    places = [x for x, s in enumerate(shown) if s.has_winner]
    varied = [values for values in findings.document["axes"].values() if len(values) > 1]
    numbers = varied[0] if len(varied) == 1 and {*map(type, varied[0])} <= {int, float} else []
    if numbers and sorted(numbers) in (numbers, numbers[::-1]):  # a line says that they are in order
        ax.plot(places, rates, "-", color=MUTED.light, lw=1.0, zorder=2)
    for x, base_lr in zip(places, rates, strict=True):
        style = findings.styles[shown[x].slug]
        ax.plot(x, base_lr, style.marker, color=style.colour, mec=PAPER.light, ms=7, zorder=4)


@styled()
def matrix(findings: SweepFindings, choice: str) -> "Figure | None":
    """Draw the transfer matrix: a row a setting whose best shape is used, a column a setting it is used in.

    Args:
        findings: what to show.
        choice: one of `lrshape.checks.transfer_statistics.CHOICES`.

    Returns:
        The figure; None if fewer than two settings have a best shape.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize, to_hex
    from matplotlib.patches import Rectangle

    shown = findings.winners[:MOST]
    n = len(shown)
    if n < 2:
        return None
    rows = {(a, b): findings.regret(choice, shown[a].slug, shown[b].slug) for a in range(n) for b in range(n)}
    cells = {pair: row["relative"] for pair, row in rows.items()}
    finite = [v for v in cells.values() if math.isfinite(v)]
    norm = Normalize(0.0, min(max([*finite, _LEAST_RANGE]), _MOST_RANGE), clip=True)
    colormap = colormaps["viridis"]
    names = [printable(s.short, 20) for s in shown]
    margin = 0.6 + 0.1 * max(map(len, names))
    cell = (WIDTH - margin) / n
    height = min(max(cell * 0.62, 0.42), 0.66)
    figure = new_figure(height * n + 0.9 + (0.08 * max(map(len, names)) if n > 4 else 0))
    ax = figure.subplots()
    for (a, b), value in cells.items():
        known = math.isfinite(value)
        face = to_hex(colormap(norm(max(value, 0.0)))) if known else UNKNOWN
        ax.add_patch(Rectangle((b - 0.48, a - 0.46), 0.96, 0.92, facecolor=face, lw=0))
        ink = ON_DARK if known and norm(value) < 0.6 else ON_LIGHT
        text = cell_text(rows[a, b])
        if len(text) * 0.11 < cell:  # else the tables have it
            bold = "bold" if rows[a, b]["verdict"] == "costs" else "normal"
            ax.text(b, a, text, ha="center", va="center", fontweight=bold, color=ink)
    point_at_rows(ax, n, n)
    ax.set_xlim(-0.5, n - 0.5)
    ax.set_ylim(n - 0.5, -0.5)
    turned = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"} if n > 4 else {}
    ax.set_xticks(range(n), names, **turned)
    ax.set_yticks(range(n), names)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0, labelsize=SMALL)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(f"used in {_axis_name(findings)}", fontsize=TEXT)
    ax.set_ylabel(f"best shape of\n{_axis_name(findings)}", fontsize=TEXT)
    return figure
