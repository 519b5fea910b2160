"""Figure: every screened shape at every base LR."""

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.findings import Findings, Row, is_baseline
from lrshape.report.palette import BASELINE, INK, LINE, MUTED, ON_DARK, ON_LIGHT, PAPER, UNKNOWN
from lrshape.report.plotting import (
    legend_below,
    metric_label,
    new_figure,
    nice_log_ticks,
    point_at_rows,
    styled,
    wide_range,
)
from lrshape.report.words import printable, rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELLED = 30
"""Up to this many rows each row has its name; beyond that only its rank."""
LONGEST = 30
"""Letters of a row's name: families' names and a number fit."""
_HATCHED = {"facecolor": UNKNOWN, "edgecolor": "#5f6973", "hatch": "xxxxx", "linewidth": 0.0}


def cells(findings: Findings) -> tuple[list[Row], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the heat map shows.

    Returns:
        The screened shapes, best first; the base LRs (n,), ascending; and the scores (shapes, n): NaN where a
        base LR was not tried, +inf where the median diverged.
    """
    rows = list(findings.screen)
    screened = [row for row in findings.scores if row["phase"] == "screen"]
    base_lrs = np.unique([row["base_lr"] for row in screened])
    values = np.full((len(rows), len(base_lrs)), np.nan)
    position = {row["shape"]: index for index, row in enumerate(rows)}
    for row in screened:
        values[position[row["shape"]], np.searchsorted(base_lrs, row["base_lr"])] = row["score"]
    return rows, base_lrs, values


@styled()
def heatmap(findings: Findings) -> "Figure | None":
    """Draw the screen's scores, one row a shape and one column a base LR, best shape on top.

    Diverged medians are grey and crossed out, base LRs that were not tried are empty, and a dot marks each
    row's best base LR. The strip at the left shows the family. A reader can point at the rows; their cards
    are in the order of ``findings.screen``.

    Returns:
        The figure; None if nothing was screened, or scores guided the screen: each shape had its own base LR.
    """
    if not findings.screen or findings.is_guided:
        return None
    rows, base_lrs, values = cells(findings)
    labelled = len(rows) <= LABELLED
    body = max(1.0, 0.21 * len(rows)) if labelled else 4.6
    figure = new_figure(body + 1.3)
    strip, ax = figure.subplots(1, 2, sharey=True, width_ratios=(0.3, 10))
    _image(figure, ax, values, findings)
    _marks(ax, rows, values, findings.losses(values), body)
    _strip(strip, findings, rows, labelled)
    point_at_rows(ax, *values.shape)
    ax.tick_params(left=False, labelleft=False)
    ax.set_xticks(range(len(base_lrs)), [rate(v) for v in base_lrs])
    ax.tick_params(axis="x", rotation=60 if len(base_lrs) > 6 else 0, length=0)
    ax.set_xlabel("base LR")
    ax.spines[:].set_visible(False)
    legend_below(figure, _handles(findings, rows, values), handlelength=1.1, handleheight=0.8)
    return figure


def _image(figure: Any, ax: Any, values: NDArray[np.float64], findings: Findings) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize, to_rgba
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    colormap = colormaps["viridis" if findings.sign > 0 else "viridis_r"]  # dark is good
    finite = values[np.isfinite(values)]
    pixels = np.zeros((*values.shape, 4))
    pixels[np.isposinf(values)] = to_rgba(UNKNOWN)
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        log = wide_range([low, high]) and low < high
        norm = LogNorm(low, high) if log else Normalize(low, high if high > low else low + abs(low) + 1e-12)
        pixels[np.isfinite(values)] = colormap(norm(finite))
        bar = figure.colorbar(
            ScalarMappable(norm, colormap), ax=ax, location="bottom", fraction=0.05, pad=0.02, aspect=30
        )
        bar.outline.set_visible(False)
        bar.ax.xaxis.set_major_locator(FixedLocator(nice_log_ticks(low, high, 3)) if log else MaxNLocator(3))
        bar.ax.xaxis.set_minor_locator(NullLocator())
        bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: rate(v)))
        bar.set_label(metric_label("screen", findings.metric, log=log), color=MUTED.light)
    # Without interpolation the SVG holds one pixel a cell, however many shapes there are.
    ax.imshow(pixels, aspect="auto", interpolation="none")
    ax.set_xticks(np.arange(values.shape[1] - 1) + 0.5, minor=True)
    ax.grid(which="minor", axis="x", color=PAPER.light, lw=1.0)
    if values.shape[0] <= LABELLED:
        ax.set_yticks(np.arange(values.shape[0] - 1) + 0.5, minor=True)
        ax.grid(which="minor", axis="y", color=PAPER.light, lw=1.0)


def _marks(
    ax: Any, rows: list[Row], values: NDArray[np.float64], losses: NDArray[np.float64], body: float
) -> None:
    """Cross out or hatch diverged cells, and put a dot on the best base LR of each row."""
    from matplotlib.patches import Rectangle

    points = min(7.0, 72 * body / len(rows) * 0.55)
    if len(rows) <= LABELLED:
        y, x = np.nonzero(np.isposinf(values))
        ax.plot(x, y, "x", color=INK.light, ms=points, mew=1.0, gid="diverged")
    else:  # crosses would be too small to see
        for column, first, after in _runs(np.isposinf(values)):
            corner = (column - 0.5, first - 0.5)
            ax.add_patch(Rectangle(corner, 1, after - first, **_HATCHED))
    alive = np.isfinite(values).any(axis=1)
    if alive.any():
        best = np.argmin(np.where(np.isfinite(losses), losses, np.inf)[alive], axis=1)
        ax.plot(best, np.flatnonzero(alive), "o", mfc=ON_DARK, mec=ON_LIGHT, ms=max(1.6, 0.85 * points),
                mew=min(0.8, 0.12 * points), gid="best")  # fmt: skip


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return ``(column, first row, row after the last)`` of every unbroken vertical run of marked cells."""
    edges = np.diff(np.pad(marked.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    columns, starts = np.nonzero(edges.T == 1)
    _, ends = np.nonzero(edges.T == -1)
    return [(int(c), int(a), int(b)) for c, a, b in zip(columns, starts, ends, strict=True)]


def _strip(ax: Any, findings: Findings, rows: list[Row], labelled: bool) -> None:
    """Colour each row by its family, and name it where there is room."""
    first = 0
    for style, run in groupby(findings.style(row) for row in rows):
        after = first + len(list(run))
        ax.axhspan(first - 0.5, after - 0.5, color=style.colour, alpha=style.tint, lw=0)
        first = after
    ax.spines[:].set_visible(False)
    ax.set_xlim(0, 1)
    ax.set_xticks([])
    if labelled:
        ax.set_yticks(range(len(rows)), [printable(findings.name(row["shape"]), LONGEST) for row in rows])
        return
    step = next(s for s in (10, 20, 25, 50, 100, 200, 500, 1000, 10**9) if len(rows) / s <= 8)
    ranks = [1, *range(step, len(rows) + 1, step)]
    ax.set_yticks([r - 1 for r in ranks], [str(r) for r in ranks])
    ax.set_ylabel("shapes, ranked by their best score")


def _handles(findings: Findings, rows: list[Row], values: NDArray[np.float64]) -> list[Any]:
    """Return what the legend explains: only what the map has."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    searched = [] if findings.is_contest else rows  # the schedules of a contest have their names beside them
    families = sorted({row["family"] for row in searched if not is_baseline(row["shape"])})
    handles: list[Any] = [
        Patch(fc=findings.styles[name].colour, alpha=findings.styles[name].tint, label=printable(name, 28))
        for name in families
    ]
    if any(is_baseline(row["shape"]) for row in searched):
        handles.append(Patch(color=BASELINE.light, label="baselines"))
    if np.isfinite(values).any():
        dot = Line2D([], [], ls="", marker="o", mfc=ON_DARK, mec=ON_LIGHT, ms=5, label="best base LR")
        handles.append(dot)
    if np.isposinf(values).any():
        cross = Line2D([], [], ls="", marker="x", color=INK.light, ms=5, mew=1, label="diverged")
        handles.append(cross if len(rows) <= LABELLED else Patch(**_HATCHED, label="diverged"))
    if np.isnan(values).any():
        handles.append(Patch(fc="none", ec=LINE.light, label="not tried"))
    return handles
