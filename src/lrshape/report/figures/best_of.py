"""Figure: how good the best of n screened shapes of each family is."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lrshape.analysis.best_of import best_of_n
from lrshape.report.figures.distribution import ecdf
from lrshape.report.findings import Findings
from lrshape.report.plotting import grid_lines, legend_below, metric_label, new_figure, scale_axis, styled
from lrshape.report.words import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sizes(shapes: int) -> list[int]:
    """Return numbers of shapes from 1 to ``shapes``, about four in each doubling.

    Example:
        >>> sizes(20)
        [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 19, 20]
    """
    steps = 4 * math.log2(shapes) if shapes > 1 else 0
    spaced = {round(2 ** (i / 4)) for i in range(math.floor(steps) + 1)}
    return sorted(spaced | {shapes})


@styled()
def best_of(findings: Findings) -> "Figure | None":
    """Draw, for each family, the median score of the best of n shapes against n, with its 95% interval.

    Returns:
        The figure; None if no family has two screened shapes of which one has a finite score, or scores
        guided the screen: its shapes are no random sample then.
    """
    values = {name: np.array([row["score"] for row in rows]) for name, (rows, _) in ecdf(findings).items()}
    values = {name: v for name, v in values.items() if len(v) > 1 and np.isfinite(v).any()}
    if not values or findings.is_guided:
        return None
    tables = {name: best_of_n(v, sizes(len(v))) for name, v in values.items()}
    shown = [s for t in tables.values() for s in t[["score", "low", "high"]].to_numpy().ravel()]
    figure = new_figure(3.3)
    ax = figure.subplots()
    log = scale_axis(ax.yaxis, shown, ticks=5)
    grid_lines(ax, "y")
    _count_axis(ax, max(len(v) for v in values.values()))
    top = ax.get_ylim()[1]
    for name, table in tables.items():
        style = findings.styles[name]
        n, score = table["size"].to_numpy(), table["score"].to_numpy()
        low = np.where(np.isnan(table["low"]), values[name].min(), table["low"].to_numpy())
        high = np.where(np.isfinite(table["high"]), table["high"].to_numpy(), top)
        ax.fill_between(n, low, high, color=style.colour, alpha=0.13 * style.tint, lw=0)
        ax.plot(n, np.where(np.isfinite(score), score, np.nan), color=style.colour, ls=style.dash,
                marker=style.marker, ms=3.2, lw=1.8, label=printable(name, 28), zorder=3)  # fmt: skip
    ax.set_xlabel("number of shapes screened, n")
    ax.set_ylabel(metric_label("best screen", findings.metric, log=log, short=True))
    legend_below(figure)
    return figure


def _count_axis(ax: Any, largest: int) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax.set_xscale("log", base=2)
    ax.set_xlim(0.92, largest * 1.08)
    step = max(1, math.ceil(math.log2(largest) / 8))
    ax.xaxis.set_major_locator(
        FixedLocator([2.0**i for i in range(0, math.floor(math.log2(largest)) + 1, step)])
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
